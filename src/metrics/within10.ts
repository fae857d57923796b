/** Share of rows predicted within 10 % of |truth|, bound included. NaN for no rows. scikit-learn has no such metric. */
export function within10(truth: Float64Array, predicted: Float64Array, weights: Float64Array | null = null): number {
  let near = 0;
  let weightSum = 0;
  for (let i = 0, n = truth.length; i < n; ++i) {
    const weight = weights === null ? 1 : weights[i]!;
    const y = truth[i]!;
    if (Math.abs(y - predicted[i]!) <= 0.1 * Math.abs(y)) near += weight;
    weightSum += weight;
  }
  return near / weightSum;
}
