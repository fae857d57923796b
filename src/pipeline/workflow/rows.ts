export const trainCode = 0;
export const validationCode = 1;
export const testCode = 2;

/** Positions of the rows whose code is one of `codes`, ascending. */
export function rowsWithCode(split: Uint8Array, ...codes: readonly number[]): Uint32Array {
  const isWanted = new Uint8Array(256);
  for (const code of codes) isWanted[code] = 1;
  let count = 0;
  for (let i = 0; i < split.length; ++i) count += isWanted[split[i]!]!;
  const rows = new Uint32Array(count);
  let next = 0;
  for (let i = 0; i < split.length; ++i) if (isWanted[split[i]!]) rows[next++] = i;
  return rows;
}

/** Rows taken at a time where taking all of them would double what is in memory. */
export const blockRows = 65_536;

/** The rows in order, a block at a time; `from` is the position of the block's first row. */
export function* blocksOf(rows: Uint32Array): Generator<{ readonly from: number; readonly block: Uint32Array }> {
  for (let from = 0; from < rows.length; from += blockRows) {
    yield { from, block: rows.subarray(from, Math.min(from + blockRows, rows.length)) };
  }
}
