import type { JsonObject, JsonValue } from "../core/json.ts";
import { parquetType } from "./batch/media-types.ts";
import { exampleRow, explanationSchema, jsonObject, predictionSchema, rowSchema } from "./contract-schema.ts";
import type { ServerLimits } from "./limits.ts";
import type { ServedModel } from "./model-source.ts";

export interface OpenApiInput {
  readonly models: readonly ServedModel[];
  /** Version of this package. */
  readonly version: string;
  readonly limits: ServerLimits;
}

/** The OpenAPI 3.1 document of a server: one predict operation a model, its request schema made from the contract. */
export function openApiOf(input: OpenApiInput): JsonObject {
  const predict = input.models.flatMap((served) => [predictPath(served), batchPath(served)]);
  const schemas = input.models.flatMap((served) => modelSchemas(served, input.limits));
  return {
    openapi: "3.1.0",
    info: {
      title: "Millrace",
      version: input.version,
      description:
        "Predictions of the models this server has live. Rows must keep the contract the model was trained with.",
    },
    servers: [{ url: "/" }],
    paths: jsonObject([...predict, ["/v1/feedback", feedbackPath(input.limits)], ...commonPaths()]),
    components: { schemas: jsonObject([...schemas, ["ModelSummary", modelSummary], ["Problem", problem]]) },
  };
}

/** The name of a model inside component keys, which allow fewer characters than names do. */
function componentName(name: string): string {
  return name.replace(/[^A-Za-z0-9.-]/g, (unit) => `_${unit.charCodeAt(0).toString(16)}_`);
}

function reference(schema: string): JsonObject {
  return { $ref: `#/components/schemas/${schema}` };
}

function jsonAnswer(description: string, schema: JsonValue): JsonObject {
  return { description, content: { "application/json": { schema } } };
}

function problemAnswer(description: string): JsonObject {
  return { description, content: { "application/problem+json": { schema: reference("Problem") } } };
}

function predictPath({ model, version }: ServedModel): readonly [string, JsonObject] {
  const schema = componentName(model.name);
  const operation: JsonObject = {
    operationId: `predict-${schema}`,
    tags: [model.name],
    summary: `Predict with ${model.name}`,
    description: `${taskText(model.task)} Version ${version} is live.`,
    requestBody: {
      required: true,
      content: {
        "application/json": { schema: reference(`${schema}-request`), example: { rows: [exampleRow(model)] } },
      },
    },
    responses: {
      200: jsonAnswer("One prediction a row, in order.", reference(`${schema}-response`)),
      400: problemAnswer("The request cannot be read."),
      413: problemAnswer("The body or the number of rows is too large."),
      415: problemAnswer("The body is not JSON."),
      422: problemAnswer("A row breaks the contract; nothing was predicted. `issues` lists where."),
      429: problemAnswer("Too many requests at one time; `Retry-After` says when to come back."),
    },
  };
  return [`/v1/models/${encodeURIComponent(model.name)}/predict`, { post: operation }];
}

function batchPath({ model }: ServedModel): readonly [string, JsonObject] {
  const schema = componentName(model.name);
  const text: JsonObject = { schema: { type: "string" } };
  const file: JsonObject = { schema: { type: "string", contentMediaType: parquetType } };
  const content: JsonObject = { "application/x-ndjson": text, "text/csv": text, [parquetType]: file };
  const outcome =
    "One line a row, in order; JSON lines end with one that has `done`, or `error` where the batch broke off. Another form goes out where `accept` names it.";
  const operation: JsonObject = {
    operationId: `batch-${schema}`,
    tags: [model.name],
    summary: `Predict any number of rows with ${model.name}`,
    description:
      "Rows as JSON lines or CSV are answered while they come, a Parquet file once it is whole; a row that breaks the contract gets a line that says so.",
    requestBody: { required: true, content },
    responses: {
      200: { description: outcome, content },
      400: problemAnswer("The body is no Parquet file that can be read."),
      413: problemAnswer("The Parquet file is too large."),
      415: problemAnswer("The body is neither JSON lines nor CSV nor Parquet."),
      422: problemAnswer("The columns of the Parquet file are not those of a request; nothing was predicted."),
      429: problemAnswer("Too many batches at one time; `Retry-After` says when to come back."),
      503: problemAnswer("The Parquet file could not be kept until it was whole."),
    },
  };
  return [`/v1/models/${encodeURIComponent(model.name)}/batch`, { post: operation }];
}

function taskText(task: ServedModel["model"]["task"]): string {
  switch (task) {
    case "regression":
    case "ranking":
      return "Answers a number.";
    case "anomaly":
      return "Answers an anomaly score: about 0.5 for rows like all others, towards 1 for outliers.";
    case "clustering":
      return "Answers the number of the nearest cluster.";
    case "binary":
    case "multiclass":
      return "Answers a label and the probability of each label.";
  }
}

function modelSchemas({ model }: ServedModel, limits: ServerLimits): (readonly [string, JsonObject])[] {
  const name = componentName(model.name);
  const rows: JsonObject = { type: "array", minItems: 1, maxItems: limits.rows, items: reference(`${name}-row`) };
  const canExplain = model.task !== "clustering";
  const request: JsonObject = canExplain ? { rows, explain: explainSchema(limits) } : { rows };
  const response: JsonObject = {
    model: { const: model.name },
    version: { type: "integer", minimum: 1 },
    predictions: { type: "array", items: predictionSchema(model) },
    predictionIds: { type: "array", items: { type: "string" } },
  };
  const optional: JsonObject = {
    ...(canExplain && { explanations: { type: "array", items: explanationSchema(model) } }),
    warnings: {
      ...issues,
      description: "Values that break a rule of a column that only warns; absent where none does.",
    },
  };
  return [
    [`${name}-row`, rowSchema(model)],
    [`${name}-request`, { type: "object", properties: request, required: ["rows"], additionalProperties: false }],
    [`${name}-response`, { type: "object", properties: { ...response, ...optional }, required: Object.keys(response) }],
  ];
}

function explainSchema(limits: ServerLimits): JsonObject {
  const description = `Answer what each feature contributed, too; at most ${limits.explainedRows} rows.`;
  return { type: "boolean", default: false, description };
}

const modelSummary: JsonObject = {
  type: "object",
  properties: {
    name: { type: "string" },
    version: { type: "integer" },
    digest: { type: "string" },
    task: { enum: ["regression", "binary", "multiclass", "ranking", "clustering", "anomaly"] },
    metrics: { type: "object", additionalProperties: { type: "number" } },
  },
  required: ["name", "version", "digest", "task", "metrics"],
};

const issues: JsonObject = {
  type: "array",
  items: {
    type: "object",
    properties: {
      code: { type: "string" },
      column: { type: "string" },
      row: { type: "integer" },
      expected: { type: "string" },
      actual: { type: "string" },
    },
  },
};

const problem: JsonObject = {
  type: "object",
  description: "RFC 9457 problem details.",
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string" },
    remedy: { type: "string" },
    issues,
  },
  required: ["type", "title", "status", "detail", "code", "remedy"],
};

function getOperation(
  id: string,
  summary: string,
  responses: JsonObject,
  parameters: readonly JsonObject[] = [],
): JsonObject {
  return {
    get: { operationId: id, tags: ["server"], summary, ...(parameters.length ? { parameters } : {}), responses },
  };
}

function feedbackPath(limits: ServerLimits): JsonObject {
  const item: JsonObject = {
    type: "object",
    properties: { predictionId: { type: "string" }, actual: { type: ["number", "string", "boolean"] } },
    required: ["predictionId", "actual"],
    additionalProperties: false,
  };
  const request: JsonObject = {
    type: "object",
    properties: {
      model: { type: "string", description: "May be left out where one model is live." },
      feedback: { type: "array", minItems: 1, maxItems: limits.rows, items: item },
    },
    required: ["feedback"],
    additionalProperties: false,
  };
  const status: JsonObject = { enum: ["recorded", "duplicate", "corrected", "unknown"] };
  const answer: JsonObject = { type: "object", properties: { predictionId: { type: "string" }, status } };
  const example: JsonObject = {
    feedback: [{ predictionId: "01890a5d-ac96-774b-bcce-b302099a8057", actual: 1 }],
  };
  const operation: JsonObject = {
    operationId: "feedback",
    tags: ["server"],
    summary: "Tell what became true of predictions",
    description: "An id that the log does not hold is `unknown`, and kept nowhere; the last value of several holds.",
    requestBody: { required: true, content: { "application/json": { schema: request, example } } },
    responses: {
      200: jsonAnswer("What became of each, in order.", {
        type: "object",
        properties: { model: { type: "string" }, feedback: { type: "array", items: answer } },
        required: ["model", "feedback"],
      }),
      400: problemAnswer("The request cannot be read."),
      422: problemAnswer("A value is none of the model's target; nothing was kept. `issues` lists where."),
    },
  };
  return { post: operation };
}

function commonPaths(): (readonly [string, JsonObject])[] {
  const text: JsonObject = { description: "Text.", content: { "text/plain": { schema: { type: "string" } } } };
  const name: JsonObject = { name: "name", in: "path", required: true, schema: { type: "string" } };
  const list: JsonObject = {
    type: "object",
    properties: { models: { type: "array", items: reference("ModelSummary") } },
  };
  const status: JsonObject = { type: "object", properties: { status: { type: "string" } } };
  return [
    ["/v1/models", getOperation("listModels", "The models that are live", { 200: jsonAnswer("All models.", list) })],
    [
      "/v1/models/{name}",
      getOperation(
        "describeModel",
        "One model: contract, version, metrics",
        { 200: jsonAnswer("The model.", reference("ModelSummary")), 404: problemAnswer("There is no such model.") },
        [name],
      ),
    ],
    ["/healthz", getOperation("health", "Whether the server lives", { 200: jsonAnswer("It lives.", status) })],
    [
      "/readyz",
      getOperation("readiness", "Whether a model is live and the server is not closing", {
        200: jsonAnswer("Ready.", status),
        503: problemAnswer("Not ready."),
      }),
    ],
    ["/metrics", getOperation("metrics", "Counters in the Prometheus text format", { 200: text })],
    [
      "/openapi.json",
      getOperation("openapi", "This document", { 200: jsonAnswer("OpenAPI 3.1.", { type: "object" }) }),
    ],
  ];
}
