/**
 * Minimises b'Ab / 2 - r'b + l1 * sum |b| by coordinate descent (Friedman, Hastie and Tibshirani 2010): each coordinate in
 * turn to its own minimum, a soft threshold, until a sweep moves none by more than `tolerance` of what its curvature
 * weighs. `matrix` holds the lower triangle; coordinates of no curvature stay 0. Null where sweeps run out.
 */
export function descendCoordinates(
  matrix: Float64Array, // in, n x n
  n: number,
  right: Float64Array, // in
  l1: number,
  options: { readonly tolerance: number; readonly maxSweeps: number },
): { readonly coefficients: Float64Array; readonly sweeps: number } | null {
  const coefficients = new Float64Array(n);
  // What is left of `right` once all coefficients have had their effect.
  const rest = right.slice();
  const at = (i: number, j: number): number => (i >= j ? matrix[i * n + j]! : matrix[j * n + i]!);
  for (let sweep = 1; sweep <= options.maxSweeps; ++sweep) {
    let largest = 0;
    for (let j = 0; j < n; ++j) {
      const curvature = matrix[j * n + j]!;
      if (!(curvature > 0)) continue;
      const old = coefficients[j]!;
      const pull = rest[j]! + curvature * old;
      const next = Math.abs(pull) <= l1 ? 0 : (pull - Math.sign(pull) * l1) / curvature;
      if (next === old) continue;
      coefficients[j] = next;
      for (let i = 0; i < n; ++i) rest[i]! -= at(i, j) * (next - old);
      largest = Math.max(largest, Math.abs(next - old) * curvature);
    }
    if (largest <= options.tolerance) return { coefficients, sweeps: sweep };
  }
  return null;
}
