import type { Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";

/** The naive twin of createObjective().evaluate(): the value, straight from the definition, row by row. */
export function objectiveValueNaive(
  rows: readonly (readonly number[])[],
  target: Target,
  l2: number,
  coefficients: readonly (readonly number[])[],
  intercept: readonly number[],
): number {
  let total = 0;
  let totalWeight = 0;
  rows.forEach((row, r) => {
    const scores = coefficients.map((line, k) => line.reduce((sum, c, j) => sum + c * row[j]!, intercept[k]!));
    const weight = target.weights?.[r] ?? 1;
    total += weight * lossNaive(target.task, target.values[r]!, scores);
    totalWeight += weight;
  });
  const squares = coefficients.flat().reduce((sum, c) => sum + c * c, 0);
  return (total + (l2 / 2) * squares) / totalWeight;
}

function lossNaive(task: string, y: number, scores: readonly number[]): number {
  if (task === "regression") return (scores[0]! - y) ** 2 / 2;
  if (task === "binary") return Math.log(1 + Math.exp(y === 1 ? -scores[0]! : scores[0]!));
  const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
  return Math.log(total) - scores[y]!;
}

/** A design of rows of numbers: the columns from `firstSparse` on become sparse ones, without their zeros. */
export function designOf(rows: readonly (readonly number[])[], firstSparse: number): Design {
  const nColumns = rows[0]?.length ?? 0;
  const offsets = [0];
  const entries: [number, number][] = [];
  for (const row of rows) {
    row.forEach((value, j) => {
      if (j >= firstSparse && value !== 0) entries.push([j - firstSparse, value]);
    });
    offsets.push(entries.length);
  }
  const names = Array.from({ length: nColumns }, (_, j) => `x${j}`);
  return {
    nRows: rows.length,
    dense: names.slice(0, firstSparse).map((name, j) => ({
      name,
      source: name,
      values: Float64Array.from(rows, (row) => row[j]!),
      cardinality: 0,
    })),
    sparse: {
      names: names.slice(firstSparse),
      sources: names.slice(firstSparse),
      offsets: Uint32Array.from(offsets),
      indices: Uint32Array.from(entries, ([j]) => j),
      values: Float64Array.from(entries, ([, value]) => value),
    },
  };
}
