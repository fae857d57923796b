import type { Design } from "../../model/design.ts";

const prime = 16_777_619;

/**
 * The fold of each row, from a digest (FNV-1a) of its values alone: it does not depend on the order of rows, and equal rows
 * are held out together, so that no margin is taken of a row whose twin was learned from.
 */
export function foldsOfRows({ nRows, dense, sparse }: Design, folds: number): Uint8Array {
  const digests = new Uint32Array(nRows).fill(2_166_136_261);
  const number = new Float64Array(1);
  const words = new Uint32Array(number.buffer);
  for (const { values } of dense)
    for (let row = 0; row < nRows; ++row) {
      number[0] = values[row]! + 0;
      digests[row] = Math.imul(Math.imul(digests[row]! ^ words[0]!, prime) ^ words[1]!, prime);
    }
  const { offsets, indices, values } = sparse;
  for (let row = 0; row < (sparse.names.length > 0 ? nRows : 0); ++row)
    for (let e = offsets[row]!; e < offsets[row + 1]!; ++e) {
      number[0] = values[e]! + 0;
      const digest = Math.imul(Math.imul(digests[row]! ^ indices[e]!, prime) ^ words[0]!, prime);
      digests[row] = Math.imul(digest ^ words[1]!, prime);
    }
  return Uint8Array.from(digests, (digest) => (Math.imul(digest ^ (digest >>> 15), 2_246_822_507) >>> 8) % folds);
}
