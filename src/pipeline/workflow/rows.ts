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
