import type { Design, SparseBlock } from "../model/design.ts";

/**
 * Rows worked on at a time: a chunk of every column fits the second-level cache, so that scores and gradients read each
 * value from memory once. Part of the summation order, hence of the results: never to depend on the machine.
 */
export const chunkRows = 1024;

/**
 * scores[at + r] += sum over columns of coefficients[from + j] * column j of row start + r, for `count` rows.
 * Four dense columns at a time, so that the scores are read and written a quarter as often; then the sparse entries.
 */
export function addScores(
  design: Design, // in
  coefficients: Float64Array, // in
  from: number,
  start: number,
  count: number,
  scores: Float64Array, // in and out
  at: number,
): void {
  const columns = design.dense;
  const nDense = columns.length;
  let j = 0;
  for (; j + 3 < nDense; j += 4) {
    const x0 = columns[j]!.values;
    const x1 = columns[j + 1]!.values;
    const x2 = columns[j + 2]!.values;
    const x3 = columns[j + 3]!.values;
    const w0 = coefficients[from + j]!;
    const w1 = coefficients[from + j + 1]!;
    const w2 = coefficients[from + j + 2]!;
    const w3 = coefficients[from + j + 3]!;
    for (let r = 0; r < count; ++r) {
      const row = start + r;
      scores[at + r]! += w0 * x0[row]! + w1 * x1[row]! + (w2 * x2[row]! + w3 * x3[row]!);
    }
  }
  for (; j < nDense; ++j) {
    const x = columns[j]!.values;
    const w = coefficients[from + j]!;
    for (let r = 0; r < count; ++r) scores[at + r]! += w * x[start + r]!;
  }
  if (design.sparse.names.length === 0) return;
  for (let r = 0; r < count; ++r) scores[at + r]! += sparseScore(design.sparse, start + r, coefficients, from + nDense);
}

/** The sum of coefficients[from + j] * sparse column j of one row. */
export function sparseScore(
  { offsets, indices, values }: SparseBlock,
  row: number,
  coefficients: Float64Array,
  from: number,
): number {
  let score = 0;
  const end = offsets[row + 1]!;
  for (let e = offsets[row]!; e < end; ++e) score += coefficients[from + indices[e]!]! * values[e]!;
  return score;
}

/**
 * gradient[from + j] += sum over `count` rows of residuals[at + r] * column j of row start + r: the transpose of
 * addScores(). Four dense columns at a time share the reads of the residuals and keep four sums going.
 */
export function addGradient(
  design: Design, // in
  residuals: Float64Array, // in
  at: number,
  start: number,
  count: number,
  gradient: Float64Array, // in and out
  from: number,
): void {
  const columns = design.dense;
  const nDense = columns.length;
  let j = 0;
  for (; j + 3 < nDense; j += 4) {
    const x0 = columns[j]!.values;
    const x1 = columns[j + 1]!.values;
    const x2 = columns[j + 2]!.values;
    const x3 = columns[j + 3]!.values;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let r = 0; r < count; ++r) {
      const residual = residuals[at + r]!;
      const row = start + r;
      s0 += residual * x0[row]!;
      s1 += residual * x1[row]!;
      s2 += residual * x2[row]!;
      s3 += residual * x3[row]!;
    }
    gradient[from + j]! += s0;
    gradient[from + j + 1]! += s1;
    gradient[from + j + 2]! += s2;
    gradient[from + j + 3]! += s3;
  }
  for (; j < nDense; ++j) {
    const x = columns[j]!.values;
    let sum = 0;
    for (let r = 0; r < count; ++r) sum += residuals[at + r]! * x[start + r]!;
    gradient[from + j]! += sum;
  }
  const { names, offsets, indices, values } = design.sparse;
  if (names.length === 0) return;
  for (let r = 0; r < count; ++r) {
    const residual = residuals[at + r]!;
    const end = offsets[start + r + 1]!;
    for (let e = offsets[start + r]!; e < end; ++e) gradient[from + nDense + indices[e]!]! += residual * values[e]!;
  }
}
