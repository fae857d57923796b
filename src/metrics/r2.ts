import { weightedMean } from "../math/sums.ts";

/**
 * Share of the variance explained: 1 - squared residuals / squared distances from the mean. 1 is perfect, 0 is no
 * better than the mean. For a constant target 1 where every prediction is exact, else 0. NaN below two rows.
 * Equals scikit-learn's r2_score.
 */
export function r2(truth: Float64Array, predicted: Float64Array, weights: Float64Array | null = null): number {
  const n = truth.length;
  if (n < 2) return NaN;
  const centre = weightedMean(truth, weights);
  let residuals = 0;
  let spread = 0;
  for (let i = 0; i < n; ++i) {
    const weight = weights === null ? 1 : weights[i]!;
    const residual = truth[i]! - predicted[i]!;
    const distance = truth[i]! - centre;
    residuals += weight * residual * residual;
    spread += weight * distance * distance;
  }
  if (spread === 0) return residuals === 0 ? 1 : 0;
  return 1 - residuals / spread;
}
