import type { Labels } from "./labels.ts";

/** Mean squared distance of the probability of 1 from the label 0/1. NaN for no rows. Equals scikit-learn's brier_score_loss. */
export function brier(labels: Labels, probabilities: Float64Array, weights: Float64Array | null = null): number {
  let total = 0;
  let weightSum = 0;
  for (let i = 0, n = labels.length; i < n; ++i) {
    const weight = weights === null ? 1 : weights[i]!;
    const distance = probabilities[i]! - labels[i]!;
    total += weight * distance * distance;
    weightSum += weight;
  }
  return total / weightSum;
}
