import type { JsonObject, JsonValue } from "../../core/json.ts";
import { entriesOf, memberOf, operationsOf } from "./document.ts";

/**
 * A Python module (3.9 or later, the standard library alone) for one model of an OpenAPI document: typed rows, timeouts,
 * retries where it is safe, feedback.
 */
export function pythonClient(document: JsonObject, model: string, url: string): string {
  const predict = operationsOf(document).find(({ path }) => path === `/v1/models/${encodeURIComponent(model)}/predict`);
  const schemas = memberOf(document["components"], "schemas");
  const rowName = entriesOf(schemas).find(([name]) => predict && name === `${predict.id.replace(/^predict-/, "")}-row`);
  const columns = entriesOf(memberOf(rowName?.[1], "properties"));
  const text = (value: string): string => JSON.stringify(value);
  return `"""Client of the model ${model.replace(/["\\]/g, "")} on a Millrace server; made by \`millrace client\`, needs nothing but Python 3.9."""
import json
import time
import urllib.error
import urllib.request
from typing import Any, Iterable, List, Literal, Optional, Tuple, TypedDict, Union

MODEL = ${text(model)}
PATH = ${text(predict?.path ?? "")}

# A column that may be missing takes None.
Row = TypedDict(
    "Row",
    {
${columns.map(([name, schema]) => `        ${text(name)}: ${pythonType(schema)},\n`).join("")}    },
)


class MillraceError(Exception):
    """What the server refused: \`status\`, \`code\`, \`detail\`, and \`issues\` where rows break the contract."""

    def __init__(self, status: int, problem: Any) -> None:
        self.status = status
        self.code = problem.get("code", "") if isinstance(problem, dict) else ""
        self.detail = problem.get("detail", "") if isinstance(problem, dict) else str(problem)
        self.issues = problem.get("issues", []) if isinstance(problem, dict) else []
        super().__init__(f"{status} {self.code}: {self.detail}")


class Client:
    def __init__(
        self, url: str = ${text(url)}, key: Optional[str] = None, timeout: float = 30.0, retries: int = 3
    ) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self.timeout = timeout
        self.retries = retries

    def predict(self, rows: Iterable[Row]) -> List[Any]:
        """One prediction a row, in order."""
        return self.predict_with_ids(rows)[0]

    def predict_with_ids(self, rows: Iterable[Row]) -> Tuple[List[Any], List[str]]:
        """Predictions, and the ids under which feedback is given."""
        answer = self._ask(PATH, {"rows": list(rows)})
        return answer["predictions"], answer["predictionIds"]

    def feedback(self, actuals: Iterable[Tuple[str, Union[float, str, bool]]]) -> List[str]:
        """Tells what became true of predictions, as (id, value); gives the status of each."""
        feedback = [{"predictionId": id_, "actual": actual} for id_, actual in actuals]
        answer = self._ask("/v1/feedback", {"model": MODEL, "feedback": feedback})
        return [one["status"] for one in answer["feedback"]]

    def _ask(self, path: str, body: Any) -> Any:
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        data = json.dumps(body, allow_nan=False).encode()
        for attempt in range(self.retries + 1):
            request = urllib.request.Request(self.url + path, data=data, headers=headers, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                # Refused before anything was done: sending again is safe.
                if error.code not in (429, 503) or attempt == self.retries:
                    raise MillraceError(error.code, _problem_of(error)) from None
                time.sleep(min(10.0, float(error.headers.get("retry-after") or 2**attempt)))
        raise AssertionError("unreachable")


def _problem_of(error: urllib.error.HTTPError) -> Any:
    try:
        return json.load(error)
    except ValueError:
        return error.reason
`;
}

function pythonType(schema: JsonValue): string {
  const names = [memberOf(schema, "type")].flat();
  const levels = memberOf(schema, "enum");
  const isOptional = names.includes("null");
  const base = Array.isArray(levels)
    ? `Literal[${levels
        .filter((level) => level !== null)
        .map((level) => JSON.stringify(level))
        .join(", ")}]`
    : typeOf(names.find((name) => name !== "null"));
  return isOptional ? `Optional[${base}]` : base;
}

function typeOf(name: JsonValue | undefined): string {
  if (name === "number") return "float";
  if (name === "integer") return "int";
  if (name === "boolean") return "bool";
  return name === "string" ? "str" : "Any";
}
