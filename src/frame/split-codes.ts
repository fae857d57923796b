/** A split as one byte a row: which rows learn, which stop training early and choose the threshold, which only judge. */
export const splitCode: { readonly train: 0; readonly validation: 1; readonly test: 2; readonly leftOut: 255 } =
  Object.freeze({ train: 0, validation: 1, test: 2, leftOut: 255 });

/** Positions of the rows whose code is one of `wanted`, ascending. */
export function rowsWithCode(codes: Uint8Array, ...wanted: readonly number[]): Uint32Array {
  const isWanted = new Uint8Array(256);
  for (const code of wanted) isWanted[code] = 1;
  let count = 0;
  for (let row = 0; row < codes.length; ++row) count += isWanted[codes[row]!]!;
  const rows = new Uint32Array(count);
  for (let row = 0, next = 0; row < codes.length; ++row) if (isWanted[codes[row]!]) rows[next++] = row;
  return rows;
}
