/** Matrices are row-major Float64Arrays, `n` rows of `n` columns; of symmetric ones only the lower triangle is read. */

/** Scalar product of `count` values of `a` from `i` and of `b` from `j`; four sums in fixed order keep the CPU busy. */
function dotRange(a: Float64Array, i: number, b: Float64Array, j: number, count: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let c = 0;
  for (; c + 3 < count; c += 4) {
    s0 += a[i + c]! * b[j + c]!;
    s1 += a[i + c + 1]! * b[j + c + 1]!;
    s2 += a[i + c + 2]! * b[j + c + 2]!;
    s3 += a[i + c + 3]! * b[j + c + 3]!;
  }
  for (; c < count; ++c) s0 += a[i + c]! * b[j + c]!;
  return s0 + s1 + (s2 + s3);
}

/**
 * Replaces the lower triangle of a symmetric positive definite matrix by its Cholesky factor L (matrix = L L^T).
 * False, with the triangle half done, where the matrix is not positive definite or not finite.
 * Method: Cholesky-Banachiewicz, row by row, so that all reads are contiguous. About n^3 / 3 multiply-adds.
 */
export function choleskyFactor(matrix: Float64Array, n: number): boolean {
  for (let i = 0; i < n; ++i) {
    const row = i * n;
    for (let j = 0; j < i; ++j) {
      matrix[row + j] = (matrix[row + j]! - dotRange(matrix, row, matrix, j * n, j)) / matrix[j * n + j]!;
    }
    const pivot = matrix[row + i]! - dotRange(matrix, row, matrix, row, i);
    // what is left after cancellation of all digits is noise, not a pivot
    if (!(pivot > matrix[row + i]! * 1e-14) || pivot === Infinity) return false;
    matrix[row + i] = Math.sqrt(pivot);
  }
  return true;
}

/** Solves L L^T x = rhs in place, for the factor choleskyFactor() left. */
export function choleskyBackSolve(factor: Float64Array, n: number, rhs: Float64Array): void {
  for (let i = 0; i < n; ++i) rhs[i] = (rhs[i]! - dotRange(factor, i * n, rhs, 0, i)) / factor[i * n + i]!;
  for (let i = n - 1; i >= 0; --i) {
    const x = rhs[i]! / factor[i * n + i]!;
    rhs[i] = x;
    for (let j = 0; j < i; ++j) rhs[j]! -= factor[i * n + j]! * x;
  }
}

/**
 * Solves matrix * x = rhs for a symmetric matrix that should be positive definite, as a ridge regression's is; leaves
 * its arguments alone. Where rounding or collinear columns make it singular, the diagonal is raised by 1e-12 of its
 * mean, ten times more at each further failure up to 1e-2. Null where that does not help: the input is not finite.
 */
export function choleskySolve(matrix: Float64Array, n: number, rhs: Float64Array): Float64Array | null {
  let trace = 0;
  for (let i = 0; i < n; ++i) trace += Math.abs(matrix[i * n + i]!);
  const scale = trace > 0 ? trace / n : 1;
  for (let jitter = 0; jitter <= 1e-2; jitter = jitter === 0 ? 1e-12 : jitter * 10) {
    const factor = matrix.slice();
    for (let i = 0; i < n; ++i) factor[i * n + i]! += jitter * scale;
    if (!choleskyFactor(factor, n)) continue;
    const solution = rhs.slice();
    choleskyBackSolve(factor, n, solution);
    return solution.every((x) => Number.isFinite(x)) ? solution : null;
  }
  return null;
}
