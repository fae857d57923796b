import { lineOf } from "./line-index.ts";
import type { Origin } from "./table.ts";

/** Tells the file and the line (from 1) of each row of a snapshot; null where rows are computed or a file has no lines. */
export function rowOrigins(
  origins: readonly Origin[],
): (row: number) => { readonly file: string | null; readonly line: number | null } {
  const starts: number[] = [];
  let next = 0;
  for (const origin of origins) {
    starts.push(next);
    next += origin.nRows;
  }
  return (row) => {
    if (row >= next) return { file: null, line: null };
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= row) low = middle;
      else high = middle - 1;
    }
    const { file, lines } = origins[low]!;
    return { file, line: lineOf(lines, row - starts[low]!) };
  };
}
