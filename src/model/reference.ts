import { missingBoolean, type ColumnData } from "../frame/column.ts";
import { columnOf, type Frame } from "../frame/frame.ts";
import { textLengths } from "../frame/kernels/texts.ts";
import { selectQuantiles } from "../math/select.ts";
import type { Model, Predictions } from "./model.ts";
import type { ColumnReference } from "./reference-profile.ts";

const deciles = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/** Levels whose share is kept one by one; the others are counted together. */
const maxShownLevels = 50;

/** Shares of one column's values over a window, on the bins or levels of its reference. All are of the window's rows. */
export interface ColumnShares {
  readonly missing: number;
  /** Levels never seen in training. */
  readonly unknown: number;
  readonly shares: readonly number[];
  /** Known levels that are not among the commonest. */
  readonly other: number;
}

/** What each of `columns` looks like in a frame (the train rows): the raw material of the reference profile. */
export function referenceOf(frame: Frame, columns: readonly string[]): ColumnReference[] {
  return columns.map((name) => columnReference(name, columnOf(frame, name)));
}

/** The same of predictions: of the value, of the probability of labels[1], or of the answered labels. */
export function predictionReference(
  model: Pick<Model, "task" | "labels" | "roles">,
  predictions: Predictions,
): ColumnReference {
  return columnReference(
    model.roles.target ?? (model.task === "anomaly" ? "score" : "cluster"),
    predictionColumn(model, predictions),
  );
}

/** Predictions as the column their reference is made of, so that a window of them can be compared by `shareOf`. */
export function predictionColumn(
  { task, labels }: Pick<Model, "task" | "labels">,
  predictions: Predictions,
): ColumnData {
  const { nRows, width, values, labelIndex } = predictions;
  if (task === "regression" || task === "ranking" || task === "anomaly") return { kind: "number", values };
  if (task === "binary")
    return { kind: "number", values: Float64Array.from({ length: nRows }, (_, row) => values[row * width + 1]!) };
  if (task === "multiclass") return { kind: "category", codes: labelIndex!, levels: labels.map(String) };
  const nClusters = values.reduce((most, value) => Math.max(most, value + 1), 0);
  const levels = Array.from({ length: nClusters }, (_, cluster) => String(cluster));
  return { kind: "category", codes: Int32Array.from(values), levels };
}

/** Shares of a column's values on the bins or levels of its reference. A column of no rows has shares of 0. */
export function shareOf(reference: ColumnReference, column: ColumnData): ColumnShares {
  if (reference.form === "bins") {
    const { counts, missing, nRows } = countBins(numbersOf(column), reference.edges);
    const size = Math.max(1, nRows);
    return { missing: missing / size, unknown: 0, shares: counts.map((count) => count / size), other: 0 };
  }
  const { counts, missing, nRows } = countLevels(column);
  const size = Math.max(1, nRows);
  const shown = new Set(reference.levels);
  const known = new Set(reference.known);
  let other = 0;
  let unknown = 0;
  for (const [level, count] of counts) {
    if (shown.has(level)) continue;
    if (known.has(level)) other += count;
    else unknown += count;
  }
  const shares = reference.levels.map((level) => (counts.get(level) ?? 0) / size);
  return { missing: missing / size, unknown: unknown / size, shares, other: other / size };
}

/** Numbers, times and lengths of texts: bins between the deciles, equal ones taken once. Levels: the 50 commonest. */
function columnReference(name: string, column: ColumnData): ColumnReference {
  if (column.kind === "category" || column.kind === "boolean") return levelsReference(name, column);
  const values = numbersOf(column);
  const edges = [...new Set(selectQuantiles(values, deciles).filter(Number.isFinite))];
  const { counts, missing, nRows } = countBins(values, edges);
  const size = Math.max(1, nRows);
  const shares = counts.map((count) => count / size);
  return { form: "bins", column: name, missing: missing / size, edges, shares };
}

function levelsReference(name: string, column: ColumnData): ColumnReference {
  const { counts, missing, nRows } = countLevels(column);
  const size = Math.max(1, nRows);
  const ranked = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const shown = ranked.slice(0, maxShownLevels);
  const rest = ranked.slice(maxShownLevels).reduce((sum, [, count]) => sum + count, 0);
  return {
    form: "levels",
    column: name,
    missing: missing / size,
    levels: shown.map(([level]) => level),
    shares: shown.map(([, count]) => count / size),
    other: rest / size,
    known: ranked.map(([level]) => level),
  };
}

function numbersOf(column: ColumnData): Float64Array {
  if (column.kind === "number" || column.kind === "timestamp") return column.values;
  return column.kind === "text" ? textLengths(column.values) : new Float64Array(0);
}

/** A value's bin is the number of edges at or below it. */
function countBins(
  values: Float64Array,
  edges: readonly number[],
): { counts: number[]; missing: number; nRows: number } {
  const counts = Array.from({ length: edges.length + 1 }, () => 0);
  let missing = 0;
  for (let i = 0; i < values.length; ++i) {
    const value = values[i]!;
    if (Number.isNaN(value)) {
      ++missing;
      continue;
    }
    let bin = 0;
    while (bin < edges.length && edges[bin]! <= value) ++bin;
    ++counts[bin]!;
  }
  return { counts, missing, nRows: values.length };
}

/** Rows of each level that occurs. */
function countLevels(column: ColumnData): { counts: Map<string, number>; missing: number; nRows: number } {
  const isBoolean = column.kind === "boolean";
  const levels = isBoolean ? ["false", "true"] : column.kind === "category" ? column.levels : [];
  const codes = isBoolean ? column.values : column.kind === "category" ? column.codes : new Int32Array(0);
  const tally = new Float64Array(levels.length);
  let missing = 0;
  for (let i = 0; i < codes.length; ++i) {
    const code = codes[i]!;
    if (code < 0 || code === (isBoolean ? missingBoolean : -1)) ++missing;
    else ++tally[code]!;
  }
  const counts = new Map<string, number>();
  levels.forEach((level, code) => {
    if (tally[code]! > 0) counts.set(level, (counts.get(level) ?? 0) + tally[code]!);
  });
  return { counts, missing, nRows: codes.length };
}
