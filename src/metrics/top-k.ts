import type { Labels } from "./labels.ts";

/**
 * Share of rows whose label is among the `top` likeliest of row-major probabilities. Of equal probabilities the later
 * label counts as likelier, as in scikit-learn's top_k_accuracy_score, which this equals. NaN for no rows.
 */
export function topK(
  labels: Labels,
  probabilities: Float64Array,
  nLabels: number,
  top = 3,
  weights: Float64Array | null = null,
): number {
  let right = 0;
  let weightSum = 0;
  for (let i = 0, n = labels.length; i < n; ++i) {
    const truth = labels[i]!;
    const start = i * nLabels;
    const p = probabilities[start + truth]!;
    let likelier = 0;
    for (let k = 0; k < nLabels; ++k) {
      const other = probabilities[start + k]!;
      if (other > p || (other === p && k > truth)) likelier += 1;
    }
    const weight = weights === null ? 1 : weights[i]!;
    if (likelier < top) right += weight;
    weightSum += weight;
  }
  return right / weightSum;
}
