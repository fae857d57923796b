import { missingBoolean, type ColumnData } from "../frame/column.ts";
import { withoutNaN } from "../math/quantile.ts";
import { sortFloat64 } from "../math/sort.ts";
import { numbersOf } from "./sample-rows.ts";

/** Rows put into groups by the value of one column. */
export interface Grouping {
  readonly nGroups: number;
  /** The group of each row; 0 holds the missing. */
  readonly codes: Int32Array;
}

/** Groups rows by level, or by value where there are at most `most` values, else by quantile. Text has no groups: null. */
export function groupBy(column: ColumnData, rows: Uint32Array, most: number): Grouping | null {
  switch (column.kind) {
    case "text":
      return null;
    case "boolean":
      return {
        nGroups: 3,
        codes: Int32Array.from(rows, (row) => (column.values[row] === missingBoolean ? 0 : column.values[row]! + 1)),
      };
    case "category":
      return { nGroups: column.levels.length + 1, codes: Int32Array.from(rows, (row) => column.codes[row]! + 1) };
    default:
      return groupNumbers(numbersOf(column, rows), most);
  }
}

function groupNumbers(values: Float64Array, most: number): Grouping {
  const edges = edgesOf(values, most);
  const codes = new Int32Array(values.length);
  for (let i = 0; i < values.length; ++i) codes[i] = values[i] === values[i] ? 1 + binOf(edges, values[i]!) : 0;
  return { nGroups: edges.length + 1, codes };
}

/** Ascending lower bounds of the bins: every value where they are few, else evenly spaced ranks. */
export function edgesOf(values: Float64Array, most: number): Float64Array {
  const sorted = sortFloat64(withoutNaN(values));
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  if (distinct.length <= most) return distinct;
  const ranks = Float64Array.from({ length: most }, (_, i) => sorted[Math.floor((i * sorted.length) / most)]!);
  return ranks.filter((value, i) => i === 0 || value !== ranks[i - 1]);
}

/** The last bin whose lower bound is not above the value; the first where all are. */
export function binOf(edges: Float64Array, value: number): number {
  let low = 0;
  let high = edges.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (edges[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
