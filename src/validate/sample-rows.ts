import type { ColumnData } from "../frame/column.ts";
import { withoutNaN } from "../math/quantile.ts";
import { sortFloat64 } from "../math/sort.ts";
import { stretch } from "../math/stretch.ts";

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
  const numbers = new Float64Array(rows.length);
  if (column.kind === "text") for (let i = 0; i < rows.length; ++i) numbers[i] = column.values[rows[i]!]?.length ?? NaN;
  else
    for (let from = 0; from < rows.length; from += stretch)
      gather(column.values, rows.subarray(from, from + stretch), numbers.subarray(from, from + stretch));
  return numbers;
}

/** Those of `numbersOf` that there are, ascending. */
export function sortedNumbersOf(column: ColumnData, rows: Uint32Array): Float64Array {
  return sortFloat64(withoutNaN(numbersOf(column, rows)));
}

function gather(values: Float64Array, rows: Uint32Array, out: Float64Array): void {
  for (let i = 0, n = rows.length; i < n; ++i) out[i] = values[rows[i]!]!;
}
