"""Holds an exported container folder against the schemas of Kubernetes, Compose and CycloneDX.

Needs requirements.txt, and docker-compose 1.29.2 (its schema alone: pip install --no-deps).
"""
import json
import pathlib
import sys
from importlib.util import find_spec

import jsonschema
import kubernetes_validate
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

folder = pathlib.Path(sys.argv[1])
for document in yaml.safe_load_all((folder / "kubernetes.yaml").read_text()):
    kubernetes_validate.validate(document, "1.31", strict=True)
schema = pathlib.Path(find_spec("compose").origin).parent / "config" / "compose_spec.json"
jsonschema.Draft7Validator(json.loads(schema.read_text())).validate(yaml.safe_load((folder / "compose.yaml").read_text()))
fault = JsonStrictValidator(SchemaVersion.V1_5).validate_str((folder / "sbom.cdx.json").read_text())
if fault is not None:
    sys.exit(f"sbom.cdx.json: {fault}")
service = yaml.safe_load((folder / "kserve.yaml").read_text())
containers = service["spec"]["predictor"]["containers"]
# KServe's predictor is a PodSpec with more members; what ours has of it is a Pod's.
pod = {"apiVersion": "v1", "kind": "Pod", "metadata": service["metadata"], "spec": service["spec"]["predictor"]}
kubernetes_validate.validate(pod, "1.31", strict=True)
print("valid:", len(containers), "container")
