import type { Design } from "../model/design.ts";
import type { Moments } from "./moments.ts";
import { heldBlocks, type RowBlocks } from "./row-blocks.ts";

const chunkRows = 256;

/** A column beside those of a design, as a target is. */
export interface LastColumn {
  readonly values: Float64Array;
  readonly mean: number;
}

/**
 * Sums over rows of weight times the products of any two centred columns: the lower triangle of a row-major matrix, one row a
 * design column (dense, then sparse), then one of `last`. About n * columns^2 / 2 multiply-adds; awaits `pause` after each
 * chunk of rows.
 */
export async function centredProducts(
  design: Design,
  weights: Float64Array | null,
  means: Moments["means"],
  last: LastColumn | null,
  pause: () => Promise<void>,
): Promise<Float64Array> {
  return centredProductsOfBlocks(heldBlocks(design), weights, means, last, pause);
}

/** The same from rows of which a block is in memory at a time, each beginning at a multiple of `chunkRows`. */
export async function centredProductsOfBlocks(
  { blocks }: RowBlocks,
  weights: Float64Array | null,
  means: Moments["means"],
  last: LastColumn | null,
  pause: () => Promise<void>,
): Promise<Float64Array> {
  const width = means.length + (last === null ? 0 : 1);
  const products = new Float64Array(width * width);
  const chunk = new Float64Array(width * chunkRows);
  for (const { from, design } of blocks()) {
    const own = weights && weights.subarray(from, from + design.nRows);
    const beside = last && { ...last, values: last.values.subarray(from, from + design.nRows) };
    for (let start = 0; start < design.nRows; start += chunkRows) {
      const count = Math.min(chunkRows, design.nRows - start);
      fillChunk(design, own, means, beside, start, count, chunk);
      addProducts(chunk, width, count, products);
      await pause();
    }
  }
  return products;
}

/** Columns, then the last one, each centred and times the root of the row weight; column j from j * chunkRows. */
function fillChunk(
  { dense, sparse }: Design, // in
  weights: Float64Array | null, // in
  means: Float64Array, // in
  last: LastColumn | null, // in
  start: number,
  count: number,
  chunk: Float64Array, // out
): void {
  const nDense = dense.length;
  const nColumns = means.length;
  for (let j = 0; j < nColumns; ++j) {
    const at = j * chunkRows;
    const mean = means[j]!;
    if (j >= nDense) chunk.fill(-mean, at, at + count);
    else {
      const x = dense[j]!.values;
      for (let r = 0; r < count; ++r) chunk[at + r] = x[start + r]! - mean;
    }
  }
  for (let r = 0; r < count; ++r) {
    const end = sparse.offsets[start + r + 1]!;
    for (let e = sparse.offsets[start + r]!; e < end; ++e) {
      chunk[(nDense + sparse.indices[e]!) * chunkRows + r]! += sparse.values[e]!;
    }
    if (last !== null) chunk[nColumns * chunkRows + r] = last.values[start + r]! - last.mean;
  }
  if (weights === null) return;
  const width = nColumns + (last === null ? 0 : 1);
  for (let r = 0; r < count; ++r) {
    const root = Math.sqrt(weights[start + r]!);
    for (let j = 0; j < width; ++j) chunk[j * chunkRows + r]! *= root;
  }
}

/** Lower triangle: products[i, j] += scalar product of columns i and j of the chunk; four j at a time share the reads of i. */
function addProducts(chunk: Float64Array, width: number, count: number, products: Float64Array): void {
  for (let i = 0; i < width; ++i) {
    const a = i * chunkRows;
    let j = 0;
    for (; j + 3 <= i; j += 4) {
      const b = j * chunkRows;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let r = 0; r < count; ++r) {
        const x = chunk[a + r]!;
        s0 += x * chunk[b + r]!;
        s1 += x * chunk[b + chunkRows + r]!;
        s2 += x * chunk[b + 2 * chunkRows + r]!;
        s3 += x * chunk[b + 3 * chunkRows + r]!;
      }
      products[i * width + j]! += s0;
      products[i * width + j + 1]! += s1;
      products[i * width + j + 2]! += s2;
      products[i * width + j + 3]! += s3;
    }
    for (; j <= i; ++j) {
      let sum = 0;
      for (let r = 0; r < count; ++r) sum += chunk[a + r]! * chunk[j * chunkRows + r]!;
      products[i * width + j]! += sum;
    }
  }
}
