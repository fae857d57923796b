import type { Rng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";

/** The cells of the rows one tree is grown from, column after column: the design's dense columns, then its sparse ones. */
export interface Sample {
  readonly nRows: number;
  readonly nColumns: number;
  readonly values: Float64Array;
}

/** Rows drawn without replacement (Floyd's method), or by their weights with replacement. */
export function drawRows(nRows: number, count: number, upTo: Float64Array | null, rng: Rng): Uint32Array {
  if (upTo !== null) return Uint32Array.from({ length: count }, () => rowAt(upTo, rng.next() * upTo.at(-1)!));
  const drawn = new Set<number>();
  for (let last = nRows - count; last < nRows; ++last) {
    const row = rng.integer(last + 1);
    drawn.add(drawn.has(row) ? last : row);
  }
  return Uint32Array.from(drawn);
}

/** Running sums of the weights, in which a draw is looked up. */
export function runningSums(weights: Float64Array): Float64Array {
  const sums = new Float64Array(weights.length);
  let sum = 0;
  for (let row = 0; row < sums.length; ++row) sums[row] = sum += weights[row]!;
  return sums;
}

/** The first row whose running sum is above `at`: a row of weight 0 is never it. */
function rowAt(sums: Float64Array, at: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sums[middle]! > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Copies the cells of some rows; a tree then reads nothing else. */
export function sampleOf({ dense, sparse }: Design, rows: Uint32Array): Sample {
  const nRows = rows.length;
  const nColumns = dense.length + sparse.names.length;
  const values = new Float64Array(nRows * nColumns);
  dense.forEach((column, j) => {
    for (let i = 0; i < nRows; ++i) values[j * nRows + i] = column.values[rows[i]!]!;
  });
  const { offsets, indices, values: entries } = sparse;
  for (let i = 0; i < nRows; ++i) {
    const row = rows[i]!;
    for (let e = offsets[row]!; e < offsets[row + 1]!; ++e)
      values[(dense.length + indices[e]!) * nRows + i] = entries[e]!;
  }
  return { nRows, nColumns, values };
}
