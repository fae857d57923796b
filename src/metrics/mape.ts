/**
 * Mean absolute residual as a share of |truth|; |truth| counts as at least the spacing of doubles at 1, so a truth of 0
 * makes it huge. NaN for no rows. Equals scikit-learn's mean_absolute_percentage_error (a share, not percent).
 */
export function mape(truth: Float64Array, predicted: Float64Array, weights: Float64Array | null = null): number {
  let total = 0;
  let weightSum = 0;
  for (let i = 0, n = truth.length; i < n; ++i) {
    const weight = weights === null ? 1 : weights[i]!;
    const y = truth[i]!;
    total += (weight * Math.abs(y - predicted[i]!)) / Math.max(Math.abs(y), Number.EPSILON);
    weightSum += weight;
  }
  return total / weightSum;
}
