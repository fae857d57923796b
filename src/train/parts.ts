import { chunkRows } from "./products.ts";

/** Stretches of rows, each summed by one thread; sums of all are then added up in order. */
export interface Parts {
  readonly nParts: number;
  /** The rows of a part, from the first to before the last. */
  rangeOf(part: number): readonly [from: number, to: number];
  /** The part that a row is in. */
  partOf(row: number): number;
}

const fewestRows = 64 * chunkRows;

/**
 * Divides rows into `most` parts at most, each whole chunks of 65,536 rows or more but for the last. Parts are part of the
 * summation order, hence of the results: they follow from the data alone, never from the number of threads.
 */
export function partsOf(nRows: number, most = 32): Parts {
  const rows = Math.max(fewestRows, Math.ceil(nRows / most / chunkRows) * chunkRows);
  return {
    nParts: Math.max(1, Math.ceil(nRows / rows)),
    rangeOf: (part) => [part * rows, Math.min(nRows, (part + 1) * rows)],
    partOf: (row) => Math.floor(row / rows),
  };
}
