import type { Labels } from "./labels.ts";

/**
 * Confusion matrix, row-major: entry [truth * nLabels + answered] is the weight of the rows so answered.
 * Equals scikit-learn's confusion_matrix.
 */
export function confusion(
  labels: Labels,
  predicted: Labels,
  nLabels: number,
  weights: Float64Array | null = null,
): Float64Array {
  const counts = new Float64Array(nLabels * nLabels);
  for (let i = 0, n = labels.length; i < n; ++i) {
    counts[labels[i]! * nLabels + predicted[i]!]! += weights === null ? 1 : weights[i]!;
  }
  return counts;
}
