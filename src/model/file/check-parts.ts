import type { Kind } from "../../frame/column.ts";
import { checkColumnsRead, checkExpressionNode } from "../../frame/expression-check.ts";
import type { FittedTransform } from "../fitted-transform.ts";
import type { Model } from "../model.ts";
import {
  isBoolean,
  isCount,
  isFinite,
  isNames,
  isNumber,
  isObject,
  isText,
  listOf,
  oneOf,
  orNull,
  either,
  record,
  taggedBy,
  wrong,
  type Check,
} from "./checks.ts";

const isKind = oneOf("number", "category", "text", "boolean", "timestamp");

const isWord = (value: unknown): boolean => typeof value === "string";

const isPrivacy = either(
  oneOf("hash"),
  record(
    {},
    {
      hash: record({ env: isText }),
      mask: isCount,
      generalise: either(oneOf("day", "month", "year"), isCount, isWord),
    },
  ),
  isWord,
);

const isUnits: Check = (value, at) => {
  isObject(value, at);
  for (const [unit, factor] of Object.entries(value as object)) isFinite(factor, `${at}.${unit}`);
};

const isCleaning = record({
  trim: isBoolean,
  case: oneOf("lower", "upper", null),
  missing: listOf(isText),
  units: orNull(isUnits),
  dates: orNull(listOf(isText)),
});

const isContract = record({
  columns: listOf(
    record(
      { name: isText, kind: isKind, missing: isFinite, onViolation: oneOf("fail", "quarantine", "warn") },
      {
        unique: isBoolean,
        min: isNumber,
        max: isNumber,
        integer: isBoolean,
        levels: listOf(isText),
        pattern: isText,
        maxLength: isNumber,
        after: isNumber,
        before: isNumber,
        privacy: isPrivacy,
        clean: isCleaning,
      },
    ),
  ),
});

const isNameOrNull = orNull(isText);

const isRoles = record({
  target: isNameOrNull,
  id: isNameOrNull,
  time: isNameOrNull,
  group: isNameOrNull,
  weight: isNameOrNull,
  sensitive: isNames,
});

const isExpressions = listOf(record({ name: isText, expression: checkExpressionNode }));

const isTransform = taggedBy("kind", {
  keep: {},
  impute: { value: isFinite, indicator: isBoolean },
  clip: { low: isFinite, high: isFinite },
  standardize: { mean: isFinite, scale: isFinite },
  imputeLevel: { level: isText },
  codes: { levels: isNames },
  oneHot: { levels: isNames, other: isBoolean },
  targetEncode: { levels: isNames, values: listOf(isFinite), fallback: isFinite },
  timeParts: { parts: listOf(oneOf("hour", "dayOfWeek", "month", "dayOfMonth", "dayOfYear", "year", "days")) },
  cyclic: { period: oneOf("day", "week", "year") },
  tfidf: { terms: isNames, idf: listOf(isFinite), ngrams: oneOf(1, 2, 3), sublinear: isBoolean, dense: isBoolean },
});

const isFeatures = listOf(record({ feature: isText, steps: listOf(isTransform) }));

const isColumnReference = taggedBy("form", {
  bins: { column: isText, missing: isFinite, edges: listOf(isFinite), shares: listOf(isFinite) },
  levels: {
    column: isText,
    missing: isFinite,
    levels: isNames,
    shares: listOf(isFinite),
    other: isFinite,
    known: isNames,
  },
});

const isReference = record({ nRows: isCount, columns: listOf(isColumnReference), prediction: isColumnReference });

const isLabels = listOf(either(isBoolean, isText, (value) => typeof value === "boolean"));

/** Checks the form of every part of a model but its predictor, and that the parts fit together. */
export function checkParts(parts: Omit<Model, "predictor" | "parity">): void {
  const { contract, roles, inputs, expressions, features, labels, threshold, reference, provenance } = parts;
  const checks: readonly (readonly [unknown, string, Check])[] = [
    [parts.name, "name", isText],
    [parts.task, "task", oneOf("regression", "binary", "multiclass", "ranking", "clustering", "anomaly")],
    [contract, "contract", isContract],
    [roles, "roles", isRoles],
    [inputs, "inputs", isNames],
    [expressions, "expressions", isExpressions],
    [features, "features", isFeatures],
    [labels, "labels", isLabels],
    [threshold, "threshold", orNull(isFinite)],
    [reference, "reference", orNull(isReference)],
    [provenance, "provenance", isObject],
  ];
  for (const [value, at, check] of checks) check(value, at);
  checkNames(parts);
  checkLabels(parts);
  const kinds = kindsOf(parts);
  features.forEach(({ feature, steps }, i) => checkChain(kinds.get(feature), steps, `features[${i}]`));
}

function checkNames({ contract, inputs, expressions }: Pick<Model, "contract" | "inputs" | "expressions">): void {
  const columns = contract.columns.map(({ name }) => name);
  isNames([...columns, ...expressions.map(({ name }) => name)], "contract and expressions");
  for (const input of inputs) if (!columns.includes(input)) wrong("inputs", `name "${input}", which is no column`);
  const readable = contract.columns.filter(({ name }) => inputs.includes(name));
  for (const { expression } of expressions) checkColumnsRead(expression, readable);
}

function checkLabels({ task, labels, threshold }: Pick<Model, "task" | "labels" | "threshold">): void {
  const least = task === "multiclass" ? 2 : task === "binary" ? 2 : 0;
  const most = task === "multiclass" ? Infinity : least;
  if (labels.length < least || labels.length > most) wrong("labels", `do not suit the task ${task}`);
  if (new Set(labels.map(String)).size !== labels.length) wrong("labels", "name something twice");
  if ((threshold !== null) !== (task === "binary")) wrong("threshold", `does not suit the task ${task}`);
}

/** Kinds of what features may read: inputs and derived columns. */
function kindsOf({
  contract,
  inputs,
  expressions,
}: Pick<Model, "contract" | "inputs" | "expressions">): Map<string, Kind> {
  const wanted = new Set(inputs);
  const kinds = new Map<string, Kind>();
  for (const { name, kind } of contract.columns) if (wanted.has(name)) kinds.set(name, kind);
  for (const { name, expression } of expressions) kinds.set(name, expression.kind);
  return kinds;
}

/** Follows a chain by kinds, as `applyChain` will by values. */
function checkChain(kind: Kind | undefined, steps: readonly FittedTransform[], at: string): void {
  if (kind === undefined) wrong(at, "reads a column that is neither an input nor derived");
  let standing: Kind | "columns" = kind;
  for (const step of steps) {
    if (!readableBy(step).includes(standing)) wrong(at, `applies ${step.kind} to ${standing}`);
    checkStep(step, at);
    if (step.kind === "codes" || step.kind === "oneHot") standing = "columns";
    else if (step.kind === "tfidf") standing = step.dense ? "number" : "columns";
    else if (step.kind !== "imputeLevel") standing = "number";
  }
  if (standing === "category" || standing === "text") wrong(at, "does not end in numbers");
}

function readableBy({ kind }: FittedTransform): readonly string[] {
  switch (kind) {
    case "keep":
    case "impute":
    case "clip":
    case "standardize":
      return ["number", "boolean", "timestamp"];
    case "imputeLevel":
      return ["category"];
    case "codes":
    case "oneHot":
    case "targetEncode":
      return ["category", "boolean"];
    case "timeParts":
    case "cyclic":
      return ["timestamp"];
    case "tfidf":
      return ["text"];
  }
}

function checkStep(step: FittedTransform, at: string): void {
  if (step.kind === "clip" && step.low > step.high) wrong(at, "clips to nothing");
  if (step.kind === "standardize" && step.scale === 0) wrong(at, "scales by 0");
  if (step.kind === "targetEncode" && step.values.length !== step.levels.length)
    wrong(at, "has values for other levels");
  if (step.kind === "tfidf" && step.idf.length !== step.terms.length) wrong(at, "has weights for other terms");
  if (step.kind === "timeParts" && step.parts.length === 0) wrong(at, "takes no part of the time");
}
