import { descendCoordinates } from "./coordinate-descent.ts";
import { choleskySolve } from "../../math/linear-algebra.ts";
import type { Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import type { Moments } from "../moments.ts";

const chunkRows = 256;
const maxColumns = 2000;

/** Whether ridge regression is better solved at once than by iterations: few columns, and the matrix of their products no dearer than about 400 gradients. */
export function suitsNormalEquations(design: Design): boolean {
  const nColumns = design.dense.length + design.sparse.names.length;
  const nEntries = design.nRows * design.dense.length + design.sparse.values.length;
  return nColumns <= maxColumns && (design.nRows * nColumns * nColumns) / 2 <= Math.max(1e9, 400 * nEntries);
}

/**
 * Ridge coefficients by the normal equations of centred columns, (X'WX + l2 I) b = X'W y, with an l1 penalty by
 * coordinate descent on the same products; undefined where they have no
 * finite solution. About n * columns^2 / 2 multiply-adds, then columns^3 / 3.
 */
export function solveNormalEquations(
  design: Design,
  target: Target,
  penalty: { readonly l1: number; readonly l2: number; readonly tolerance: number; readonly maxIterations: number },
  moments: Moments,
): { readonly coefficients: Float64Array; readonly intercept: Float64Array } | undefined {
  const { l1, l2 } = penalty;
  const nColumns = moments.means.length;
  const width = nColumns + 1;
  const products = new Float64Array(width * width);
  const chunk = new Float64Array(width * chunkRows);
  const targetMean = weightedMean(target.values, target.weights, moments.totalWeight);
  for (let start = 0; start < design.nRows; start += chunkRows) {
    const count = Math.min(chunkRows, design.nRows - start);
    fillChunk(design, target, targetMean, moments, start, count, chunk);
    addProducts(chunk, width, count, products);
  }
  const matrix = new Float64Array(nColumns * nColumns);
  for (let i = 0; i < nColumns; ++i) {
    matrix.set(products.subarray(i * width, i * width + i + 1), i * nColumns);
    matrix[i * nColumns + i]! += l2;
  }
  const right = products.slice(nColumns * width, nColumns * width + nColumns);
  // The change of a coefficient times its curvature is a change of the gradient of the sum of losses.
  const sweeps = { tolerance: penalty.tolerance * 1e-3 * moments.totalWeight, maxSweeps: penalty.maxIterations };
  const coefficients =
    l1 > 0
      ? (descendCoordinates(matrix, nColumns, right, l1, sweeps)?.coefficients ?? null)
      : choleskySolve(matrix, nColumns, right);
  if (coefficients === null) return undefined;
  let intercept = targetMean;
  for (let j = 0; j < nColumns; ++j) intercept -= coefficients[j]! * moments.means[j]!;
  return { coefficients, intercept: Float64Array.of(intercept) };
}

/** Columns, then the target, each centred and times the root of the row weight; column j from j * chunkRows. */
function fillChunk(
  design: Design, // in
  target: Target, // in
  targetMean: number,
  moments: Moments, // in
  start: number,
  count: number,
  chunk: Float64Array, // out
): void {
  const { dense, sparse } = design;
  const nDense = dense.length;
  const nColumns = moments.means.length;
  for (let j = 0; j < nColumns; ++j) {
    const at = j * chunkRows;
    const mean = moments.means[j]!;
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
    chunk[nColumns * chunkRows + r] = target.values[start + r]! - targetMean;
  }
  if (target.weights === null) return;
  for (let r = 0; r < count; ++r) {
    const root = Math.sqrt(target.weights[start + r]!);
    for (let j = 0; j <= nColumns; ++j) chunk[j * chunkRows + r]! *= root;
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

function weightedMean(values: Float64Array, weights: Float64Array | null, totalWeight: number): number {
  let total = 0;
  for (let row = 0; row < values.length; ++row) total += (weights === null ? 1 : weights[row]!) * values[row]!;
  return total / totalWeight;
}
