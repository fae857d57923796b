import type { Labels } from "./labels.ts";

/** Share of rows whose label was predicted. NaN for no rows. Equals scikit-learn's accuracy_score. */
export function accuracy(labels: Labels, predicted: Labels, weights: Float64Array | null = null): number {
  let right = 0;
  let weightSum = 0;
  for (let i = 0, n = labels.length; i < n; ++i) {
    const weight = weights === null ? 1 : weights[i]!;
    if (labels[i] === predicted[i]) right += weight;
    weightSum += weight;
  }
  return right / weightSum;
}
