import { createRng } from "../../core/rng.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";

/** Dense numbers, and for each row one lit column of each of two sources and a weighted term. */
export function designOf(rows: readonly (readonly number[])[], lit: readonly (readonly number[])[] = []): Design {
  const dense = (rows[0] ?? []).map((_, j) => ({
    name: `x${j}`,
    source: `x${j}`,
    cardinality: 0,
    values: Float64Array.from(rows, (row) => row[j]!),
  }));
  if (lit.length === 0) return { nRows: rows.length, dense, sparse: emptySparseBlock(rows.length) };
  const sources = ["a", "a", "a", "b", "b", "b", "b", "b"];
  const offsets = Uint32Array.from({ length: rows.length + 1 }, (_, row) => row * 2);
  const sparse = {
    names: sources.map((source, i) => `${source}=${i}`),
    sources,
    offsets,
    indices: Uint32Array.from(lit.flat()),
    values: Float64Array.from(lit.flat(), (_, e) => (e % 2 === 0 ? 1 : 0.75)),
  };
  return { nRows: rows.length, dense, sparse };
}

export function randomDesign(nRows: number, nDense: number, seed: number, hasSparse: boolean): Design {
  const rng = createRng(seed);
  const rows = Array.from({ length: nRows }, () => Array.from({ length: nDense }, () => rng.next() * 4 - 2));
  return designOf(rows, hasSparse ? rows.map(() => [rng.integer(3), 3 + rng.integer(5)]) : []);
}

export const targetOf = (
  task: Target["task"],
  values: readonly number[],
  nLabels: number,
  weights?: readonly number[],
): Target => ({
  task,
  values: Float64Array.from(values),
  nLabels,
  weights: weights ? Float64Array.from(weights) : null,
});
