import { MillraceError } from "../../core/errors/error.ts";
import { type ColumnData, missingBoolean } from "../../frame/column.ts";
import { columnOf, type Frame, takeColumn } from "../../frame/frame.ts";
import { withoutNaN } from "../../math/quantile.ts";
import type { Target } from "../../model/estimator.ts";
import { firstIrrelevance, mostRelevance } from "../../metrics/ndcg.ts";
import { groupCodes } from "../../prepare/keys.ts";
import type { PipelineSpec } from "../spec.ts";

/** The labels of a classification target in the order of the probabilities; empty for other tasks. */
export type Labels = readonly (string | boolean)[];

/**
 * The labels of the target: false and true, the levels declared in the contract, or else the levels found in the data by
 * code point. Throws TARGET_UNUSABLE where the target does not vary, has no value at all, or is to rank by and has values that are no relevance.
 */
export function labelsOf(spec: PipelineSpec, frame: Frame): Labels {
  const name = spec.roles.target;
  if (name === null) return [];
  const column = columnOf(frame, name);
  const declared = spec.contract.columns.find((c) => c.name === name)?.levels;
  const distinct = distinctValues(column);
  refuseConstant(spec, name, distinct, "");
  if (spec.task === "ranking") refuseIrrelevance(name, numbersOf(column));
  if (column.kind === "boolean") return [false, true];
  if (column.kind !== "category") return [];
  return declared ?? [...(distinct as Set<string>)].sort((a, b) => (a < b ? -1 : 1));
}

/**
 * Throws where nothing can be learned from the rows that train: TARGET_UNUSABLE where the target varies in the data but
 * not among them, CONTRACT_VIOLATED where all of them have weight 0.
 */
export function requireLearnable(spec: PipelineSpec, frame: Frame, trainRows: Uint32Array): void {
  const { target: name, weight } = spec.roles;
  if (weight !== null && numbersOf(takeColumn(frame, weight, trainRows)).every((value) => value === 0)) {
    const first = `column "${weight}": expected a weight above 0 among the train rows, got 0 in each of them`;
    throw new MillraceError("CONTRACT_VIOLATED", { subject: "the weight", count: trainRows.length, first });
  }
  if (name === null) return;
  refuseConstant(spec, name, distinctValues(takeColumn(frame, name, trainRows)), " among the train rows");
}

function refuseConstant(spec: PipelineSpec, column: string, distinct: ReadonlySet<unknown>, where: string): void {
  if (distinct.size > 1) return;
  const [only] = distinct;
  const rule = spec.task === "regression" || spec.task === "ranking" ? "must vary" : "must have at least two classes";
  throw new MillraceError("TARGET_UNUSABLE", {
    column,
    rule: `${distinct.size === 0 ? "must have values" : rule}${where}`,
    actual: distinct.size === 0 ? "only missing ones" : `only ${String(only)}`,
  });
}

function refuseIrrelevance(column: string, values: Float64Array): void {
  const actual = firstIrrelevance(withoutNaN(values));
  if (actual === undefined) return;
  const rule = `must be whole numbers from 0 to ${mostRelevance} to rank by`;
  throw new MillraceError("TARGET_UNUSABLE", { column, rule, actual: String(actual) });
}

/** Distinct values, at most two for numbers: enough to tell whether a target varies. */
function distinctValues(column: ColumnData): Set<unknown> {
  const found = new Set<unknown>();
  if (column.kind === "category") {
    const isUsed = new Uint8Array(column.levels.length);
    for (const code of column.codes) if (code >= 0) isUsed[code] = 1;
    column.levels.forEach((level, code) => isUsed[code] && found.add(level));
  } else if (column.kind === "boolean") {
    for (const value of column.values) if (value !== missingBoolean) found.add(value === 1);
  } else if (column.kind !== "text") {
    for (const value of column.values) {
      if (!Number.isNaN(value)) found.add(value);
      if (found.size > 1) break;
    }
  }
  return found;
}

/** The target of the rows at `rows`, coded as estimators take it. For clustering it is empty. */
export function targetOf(spec: PipelineSpec, frame: Frame, labels: Labels, rows: Uint32Array): Target {
  const { target, weight } = spec.roles;
  const weights = weight === null ? null : numbersOf(takeColumn(frame, weight, rows));
  if (target === null) return { task: spec.task, values: new Float64Array(0), nLabels: 0, weights };
  const column = takeColumn(frame, target, rows);
  const coded = { task: spec.task, values: codedValues(column, labels), nLabels: labels.length, weights };
  if (spec.task !== "ranking") return coded;
  return { ...coded, groups: groupCodes(columnOf(frame, spec.roles.group!), rows).codes };
}

/** The value, or the position of the label; NaN where it is missing or no known label. */
function codedValues(column: ColumnData, labels: Labels): Float64Array {
  if (column.kind !== "boolean" && column.kind !== "category") return numbersOf(column);
  const codes = column.kind === "boolean" ? column.values : column.codes;
  const position = new Map(labels.map((label, i) => [label, i] as const));
  const levels = column.kind === "boolean" ? [false, true] : column.levels;
  const byCode = levels.map((level) => position.get(level) ?? Number.NaN);
  const out = new Float64Array(codes.length);
  // A missing code (-1 or 255) is no position in `byCode`.
  for (let i = 0; i < out.length; ++i) out[i] = byCode[codes[i]!] ?? Number.NaN;
  return out;
}

function numbersOf(column: ColumnData): Float64Array {
  if (column.kind === "number") return column.values;
  throw new MillraceError("INTERNAL", { reason: `a ${column.kind} column was used as a number` });
}
