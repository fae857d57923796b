/** Root of the mean squared residual, in the target's unit. NaN for no rows. Equals scikit-learn's root_mean_squared_error. */
export function rmse(truth: Float64Array, predicted: Float64Array, weights: Float64Array | null = null): number {
  let total = 0;
  let weightSum = 0;
  for (let i = 0, n = truth.length; i < n; ++i) {
    const weight = weights === null ? 1 : weights[i]!;
    const residual = truth[i]! - predicted[i]!;
    total += weight * residual * residual;
    weightSum += weight;
  }
  return Math.sqrt(total / weightSum);
}
