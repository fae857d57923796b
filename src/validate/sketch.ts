import { rowsByCode } from "../frame/code-counts.ts";
import type { BooleanColumnData, CategoryColumnData, ColumnData } from "../frame/column.ts";
import { takeFromColumn } from "../frame/frame.ts";
import { populationStabilityIndex, psiChanceBound } from "../math/psi.ts";
import { RankSketch, type RankSketchData } from "../math/rank-sketch.ts";
import { sortedNumbersOf } from "./sample-rows.ts";

/**
 * A column's distribution as plain data, mergeable with another of the same column. Numbers, timestamps and lengths of
 * texts keep ranks; categories and booleans keep their levels, the commonest 200.
 */
export type ColumnSketch =
  | { readonly form: "ranks"; readonly nMissing: number; readonly ranks: RankSketchData }
  | {
      readonly form: "levels";
      readonly nMissing: number;
      readonly levels: readonly (readonly [level: string, count: number])[];
      /** Rows of levels that are not kept. */
      readonly nOther: number;
    };

const mostLevels = 200;

/** Sketches the given rows of a column; `sorted`: what `sortedNumbersOf` gives. */
export function sketchColumn(
  column: ColumnData,
  rows: Uint32Array,
  sorted: Float64Array = sortedNumbersOf(column, rows),
): ColumnSketch {
  switch (column.kind) {
    case "number":
    case "timestamp":
    case "text":
      return sketchNumbers(sorted, rows.length);
    case "boolean":
      return sketchLevels(["false", "true"], countCodes(column, rows), rows.length);
    case "category":
      return sketchLevels(column.levels, countCodes(column, rows), rows.length);
  }
}

/** How many of the rows have each code; that of a missing level is none of them. */
function countCodes(column: BooleanColumnData | CategoryColumnData, rows: Uint32Array): Uint32Array {
  return rowsByCode(takeFromColumn(column, rows) as typeof column).subarray(1);
}

function sketchNumbers(sorted: Float64Array, nRows: number): ColumnSketch {
  const sketch = new RankSketch();
  sketch.add(sorted);
  return { form: "ranks", nMissing: nRows - sorted.length, ranks: sketch.data() };
}

function sketchLevels(levels: readonly string[], counts: ArrayLike<number>, nRows: number): ColumnSketch {
  const present = levels.map((level, i) => [level, counts[i]!] as const).filter(([, count]) => count > 0);
  const nPresent = present.reduce((sum, [, count]) => sum + count, 0);
  return { nMissing: nRows - nPresent, ...keepCommonest(present, 0) };
}

function keepCommonest(
  present: readonly (readonly [string, number])[],
  nOther: number,
): { readonly form: "levels"; readonly levels: readonly (readonly [string, number])[]; readonly nOther: number } {
  const sorted = present.toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const rest = sorted.slice(mostLevels).reduce((sum, [, count]) => sum + count, 0);
  return { form: "levels", levels: sorted.slice(0, mostLevels), nOther: nOther + rest };
}

/** One sketch for the rows of two; null where their forms differ. */
export function mergeSketches(a: ColumnSketch, b: ColumnSketch): ColumnSketch | null {
  const nMissing = a.nMissing + b.nMissing;
  if (a.form === "ranks" && b.form === "ranks") {
    const merged = RankSketch.from(a.ranks);
    merged.merge(RankSketch.from(b.ranks));
    return { form: "ranks", nMissing, ranks: merged.data() };
  }
  if (a.form !== "levels" || b.form !== "levels") return null;
  const counts = new Map(a.levels);
  for (const [level, count] of b.levels) counts.set(level, (counts.get(level) ?? 0) + count);
  return { nMissing, ...keepCommonest([...counts], a.nOther + b.nOther) };
}

const nBins = 10;

/** How far one sketch lies from another. */
export interface SketchShift {
  /** Population stability index: over tenths of the first's values, or its 20 commonest levels, and missing values. */
  readonly psi: number;
  /** What the index reaches by chance, with the probability that was granted. */
  readonly chance: number;
}

/** The shift from one sketch to another; `alpha`: of `chance`. Null where the forms differ or one holds no rows. */
export function sketchShift(before: ColumnSketch, after: ColumnSketch, alpha: number): SketchShift | null {
  const p = countsOf(before, before);
  const q = countsOf(before, after);
  if (p === null || q === null) return null;
  const [n, m] = [sum(p), sum(q)];
  if (n === 0 || m === 0) return null;
  const filled = p.filter((count, i) => count + q[i]! > 0).length;
  return { psi: populationStabilityIndex(p, q), chance: psiChanceBound(filled, n, m, alpha) };
}

/** Rows of `sketch` in the bins that `frame` sets; missing values first. */
function countsOf(frame: ColumnSketch, sketch: ColumnSketch): number[] | null {
  if (frame.form === "ranks" && sketch.form === "ranks") {
    const own = RankSketch.from(sketch.ranks);
    const reference = RankSketch.from(frame.ranks);
    const borders = Array.from({ length: nBins - 1 }, (_, i) => reference.quantile((i + 1) / nBins));
    const edges = borders.filter((edge, i) => i === 0 || edge !== borders[i - 1]);
    const below = edges.map((edge) => (own.count === 0 ? 0 : own.share(edge) * own.count));
    const cumulative = [0, ...below, own.count];
    return [sketch.nMissing, ...cumulative.slice(1).map((count, i) => count - cumulative[i]!)];
  }
  if (frame.form !== "levels" || sketch.form !== "levels") return null;
  const counts = new Map(sketch.levels);
  const shown = frame.levels.slice(0, 20).map(([level]) => counts.get(level) ?? 0);
  return [sketch.nMissing, ...shown, sketch.nOther + sum(sketch.levels.map(([, count]) => count)) - sum(shown)];
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
