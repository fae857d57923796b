"""Holds an exported container folder against the schemas of Kubernetes, KServe, Compose and CycloneDX.

Needs requirements.txt, and requirements-schemas.txt for the schemas alone (pip install --no-deps). Without kserve its
InferenceService is held against a Pod's schema only, and the last line says so.
"""
import ast
import json
import pathlib
import re
import sys
from importlib.util import find_spec

import jsonschema
import kubernetes_validate
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def kserve_types():
    """What KServe's generated classes say of each object: its members' types by their names in JSON; none without the package."""
    spec = find_spec("kserve")
    types = {}
    for file in (pathlib.Path(spec.origin).parent / "models").glob("v1beta1_*.py") if spec else ():
        for node in ast.parse(file.read_text()).body:
            if not isinstance(node, ast.ClassDef):
                continue
            tables = {
                one.targets[0].id: ast.literal_eval(one.value)
                for one in node.body
                if isinstance(one, ast.Assign) and one.targets[0].id in ("openapi_types", "attribute_map")
            }
            names = tables["attribute_map"]
            types[node.name] = {names[member]: kind for member, kind in tables["openapi_types"].items()}
    return types


def faults_of(value, kind, types, place):
    """What of a value is none of its type, by place. Types of Kubernetes itself are left to its own schema."""
    element = re.fullmatch(r"list\[(.*)\]", kind)
    if element:
        if not isinstance(value, list):
            return [f"{place}: no list"]
        return [fault for i, one in enumerate(value) for fault in faults_of(one, element[1], types, f"{place}[{i}]")]
    plain = {"str": str, "int": int, "bool": bool}.get(kind)
    if plain:
        return [] if type(value) is plain else [f"{place}: no {kind}"]
    if kind not in types:
        return []
    members = types[kind]
    faults = [f"{place}.{name}: not a member of {kind}" for name in value if name not in members]
    for name in value.keys() & members.keys():
        faults += faults_of(value[name], members[name], types, f"{place}.{name}")
    return faults


folder = pathlib.Path(sys.argv[1])
for document in yaml.safe_load_all((folder / "kubernetes.yaml").read_text()):
    kubernetes_validate.validate(document, "1.31", strict=True)
schema = pathlib.Path(find_spec("compose").origin).parent / "config" / "compose_spec.json"
jsonschema.Draft7Validator(json.loads(schema.read_text())).validate(yaml.safe_load((folder / "compose.yaml").read_text()))
fault = JsonStrictValidator(SchemaVersion.V1_5).validate_str((folder / "sbom.cdx.json").read_text())
if fault is not None:
    sys.exit(f"sbom.cdx.json: {fault}")
service = yaml.safe_load((folder / "kserve.yaml").read_text())
predictor = service["spec"]["predictor"]
# A predictor is a PodSpec with more members; what ours has of it is a Pod's.
pod = {"apiVersion": "v1", "kind": "Pod", "metadata": service["metadata"], "spec": predictor}
kubernetes_validate.validate(pod, "1.31", strict=True)
types = kserve_types()
if types:
    if (service["apiVersion"], service["kind"]) != ("serving.kserve.io/v1beta1", "InferenceService"):
        sys.exit("kserve.yaml: no InferenceService of v1beta1")
    faults = faults_of(service, "V1beta1InferenceService", types, "kserve.yaml")
    # The reader itself is held: it must see what is wrong.
    wrong = {"spec": {"predictor": {"containers": {}, "minReplicas": "2", "replicas": 2}}}
    assert len(faults_of(wrong, "V1beta1InferenceService", types, "wrong")) == 3
    if faults:
        sys.exit("\n".join(faults))
print(f"valid: {len(predictor['containers'])} container, {'with' if types else 'without'} KServe's own schema")
