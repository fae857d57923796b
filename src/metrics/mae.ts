/** Mean absolute residual, in the target's unit. NaN for no rows. Equals scikit-learn's mean_absolute_error. */
export function mae(truth: Float64Array, predicted: Float64Array, weights: Float64Array | null = null): number {
  let total = 0;
  let weightSum = 0;
  for (let i = 0, n = truth.length; i < n; ++i) {
    const weight = weights === null ? 1 : weights[i]!;
    total += weight * Math.abs(truth[i]! - predicted[i]!);
    weightSum += weight;
  }
  return total / weightSum;
}
