import type { ColumnData } from "../frame/column.ts";
import { takeFromColumn } from "../frame/frame.ts";
import { withoutNaN } from "../math/quantile.ts";
import { sortFloat64 } from "../math/sort.ts";

/** Up to `most` of `count` positions, evenly spaced: the same rows every time, and no order of the file can hide in them. */
export function evenlySpaced(count: number, most: number): Uint32Array {
  const taken = Math.min(count, most);
  const rows = new Uint32Array(taken);
  for (let i = 0; i < taken; ++i) rows[i] = Math.floor((i * count) / taken);
  return rows;
}

/** Up to `most` of the given rows, evenly spaced. */
export function sampleOf(rows: Uint32Array, most: number): Uint32Array {
  return rows.length <= most ? rows : evenlySpaced(rows.length, most).map((position) => rows[position]!);
}

/** The numbers, times or lengths of texts at `rows`, NaN where there is none; none of a column of levels. */
export function numbersOf(column: ColumnData, rows: Uint32Array): Float64Array {
  if (column.kind === "category" || column.kind === "boolean") return new Float64Array(0);
  const taken = takeFromColumn(column, rows);
  if (taken.kind === "number" || taken.kind === "timestamp") return taken.values;
  return taken.kind === "text" ? Float64Array.from(taken.values, (text) => text?.length ?? NaN) : new Float64Array(0);
}

/** Those of `numbersOf` that there are, ascending. */
export function sortedNumbersOf(column: ColumnData, rows: Uint32Array): Float64Array {
  return sortFloat64(withoutNaN(numbersOf(column, rows)));
}
