/** Rows taken at a time where taking all of them would double what is in memory. */
export const blockRows = 65_536;

/** The rows in order, a block at a time; `from` is the position of the block's first row. */
export function* blocksOf(rows: Uint32Array): Generator<{ readonly from: number; readonly block: Uint32Array }> {
  for (let from = 0; from < rows.length; from += blockRows) {
    yield { from, block: rows.subarray(from, Math.min(from + blockRows, rows.length)) };
  }
}
