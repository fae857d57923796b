import type { Design } from "../../src/model/design.ts";

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
