import type { JsonObject, JsonValue } from "../core/json.ts";
import { asRequested, type ContractColumn } from "../frame/contract.ts";
import { keyVariable } from "../frame/privacy.ts";
import { formatTimestamp } from "../frame/timestamp.ts";
import type { Model } from "../model/model.ts";

/** The contract's columns a request sends, in order. */
export function inputColumns(model: Model): ContractColumn[] {
  return model.inputs.flatMap((name) => model.contract.columns.find((column) => column.name === name) ?? []);
}

/** An object without a prototype, so that a column may be called `__proto__`. */
export function jsonObject(entries: Iterable<readonly [string, JsonValue | undefined]>): JsonObject {
  const object = Object.create(null) as Record<string, JsonValue>;
  for (const [key, value] of entries) if (value !== undefined) object[key] = value;
  return object;
}

/** The JSON Schema (2020-12) of one value of a column; a column that may be missing takes null, too. */
export function columnSchema(column: ContractColumn): JsonObject {
  const isNullable = column.missing > 0;
  const type = (name: string): JsonValue => (isNullable ? [name, "null"] : name);
  switch (column.kind) {
    case "number":
      return jsonObject([
        ["type", type(column.integer ? "integer" : "number")],
        ["minimum", column.min],
        ["maximum", column.max],
      ]);
    case "boolean":
      return jsonObject([["type", type("boolean")]]);
    case "category":
      return jsonObject([
        ["type", type("string")],
        ["enum", column.levels && (isNullable ? [...column.levels, null] : column.levels)],
      ]);
    case "text":
      return jsonObject([
        ["type", type("string")],
        ["maxLength", column.maxLength],
        ["pattern", column.pattern],
      ]);
    case "timestamp":
      return jsonObject([
        ["type", type("string")],
        ["format", "date-time"],
        ["description", boundsOfTime(column)],
      ]);
  }
}

function boundsOfTime(column: ContractColumn): string | undefined {
  const bounds = [
    column.after === undefined ? "" : `from ${formatTimestamp(column.after)}`,
    column.before === undefined ? "" : `until ${formatTimestamp(column.before)}`,
  ].filter(Boolean);
  return bounds.length ? bounds.join(" ") : undefined;
}

/** The JSON Schema of one row of a request: all the contract says that a schema can say. */
export function rowSchema(model: Model): JsonObject {
  const columns = inputColumns(model).map(asRequested);
  return {
    type: "object",
    properties: jsonObject(columns.map((column) => [column.name, columnSchema(column)] as const)),
    required: columns.filter((column) => column.missing === 0).map((column) => column.name),
    additionalProperties: false,
  };
}

/** The JSON Schema of one prediction. */
export function predictionSchema(model: Model): JsonObject {
  if (model.task === "regression" || model.task === "ranking") return { type: "number" };
  if (model.task === "clustering") return { type: "integer", minimum: 0 };
  if (model.task === "anomaly") return { type: "number", minimum: 0, maximum: 1 };
  const probability: JsonObject = { type: "number", minimum: 0, maximum: 1 };
  return {
    type: "object",
    properties: {
      label: { enum: model.labels },
      probabilities: {
        type: "object",
        properties: jsonObject(model.labels.map((label) => [String(label), probability] as const)),
        required: model.labels.map(String),
      },
    },
    required: ["label", "probabilities"],
  };
}

/** What a raw score is, by the link that makes the answer of it. */
const unitOf: Readonly<Record<Model["predictor"]["link"], string>> = {
  identity: "the predicted value",
  log: "the logarithm of the predicted value",
  share: "the probability of the label",
  sigmoid: "the log odds of the label",
  softmax: "the label's part of the softmax",
  cluster: "none",
};

/** The JSON Schema of why one row got its answer. */
export function explanationSchema(model: Model): JsonObject {
  const features = [...new Set(model.features.map(({ feature }) => feature))];
  const number: JsonObject = { type: "number" };
  const unit = unitOf[model.predictor.link];
  return {
    type: "object",
    description: `score = base + the sum of contributions, in units of the raw score: ${unit}.`,
    properties: {
      label: model.labels.length > 0 ? { enum: model.labels } : { type: "null" },
      base: number,
      score: number,
      contributions: {
        type: "object",
        properties: jsonObject(features.map((feature) => [feature, number] as const)),
        required: features,
      },
    },
    required: ["label", "base", "score", "contributions"],
  };
}

/** A row to show: one the model was checked with, else one made from the contract. */
export function exampleRow(model: Model): JsonObject {
  const stored = model.parity?.rows[0];
  return jsonObject(
    inputColumns(model).map((column) => {
      const value = stored && Object.hasOwn(stored, column.name) ? stored[column.name]! : null;
      return [column.name, value === null && column.missing === 0 ? exampleValue(column) : value];
    }),
  );
}

/** What a hash or a masked text looks like. */
function keptText(privacy: ContractColumn["privacy"]): string {
  if (keyVariable(privacy) !== null) return "0".repeat(64);
  return typeof privacy === "object" && "mask" in privacy ? "*".repeat(8) : "";
}

function exampleValue(column: ContractColumn): JsonValue {
  switch (column.kind) {
    case "number":
      return column.min ?? Math.min(1, column.max ?? 1);
    case "boolean":
      return true;
    case "category":
      return column.levels?.[0] ?? "";
    case "text":
      return keptText(column.privacy);
    case "timestamp":
      return formatTimestamp(column.after ?? column.before ?? 0);
  }
}
