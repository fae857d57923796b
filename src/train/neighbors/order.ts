import type { Design } from "../../model/design.ts";
import { leafRows } from "../../model/score-neighbors.ts";

/**
 * The rows in an order whose halves, quarters and so on lie apart: each range is parted at the median of its widest dense
 * column. The parts keep the order of their rows, so that equal rows stand as they came.
 */
export function orderRows({ nRows, dense }: Design): Uint32Array {
  const order = Uint32Array.from({ length: nRows }, (_, row) => row);
  const ranges: [from: number, to: number][] = [[0, nRows]];
  for (let next = ranges.pop(); next; next = ranges.pop()) {
    const [from, to] = next;
    if (to - from <= leafRows) continue;
    const rows = order.subarray(from, to);
    const values = widestColumn(dense, rows);
    if (values === null) continue;
    const middle = (from + to) >>> 1;
    partAtMedian(rows, values, middle - from);
    ranges.push([from, middle], [middle, to]);
  }
  return order;
}

/** Null where no column tells the rows apart. */
function widestColumn(dense: Design["dense"], rows: Uint32Array): Float64Array | null {
  let widest: Float64Array | null = null;
  let reach = 0;
  for (const { values } of dense) {
    let least = Infinity;
    let greatest = -Infinity;
    for (let i = 0; i < rows.length; ++i) {
      const value = values[rows[i]!]!;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
    if (greatest - least <= reach) continue;
    reach = greatest - least;
    widest = values;
  }
  return widest;
}

/** Brings `count` rows of the least values to the front; of equal ones the first. */
function partAtMedian(rows: Uint32Array, values: Float64Array, count: number): void {
  const sorted = Float64Array.from(rows, (row) => values[row]!).sort();
  const median = sorted[count]!;
  let nEqual = count;
  for (let i = 0; i < count && sorted[i]! < median; ++i) nEqual -= 1;
  const right = new Uint32Array(rows.length - count);
  let left = 0;
  let nRight = 0;
  for (let i = 0; i < rows.length; ++i) {
    const row = rows[i]!;
    const value = values[row]!;
    const isLeft = value < median || (value === median && nEqual > 0);
    if (value === median && isLeft) nEqual -= 1;
    if (isLeft) rows[left++] = row;
    else right[nRight++] = row;
  }
  rows.set(right, count);
}
