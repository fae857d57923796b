import { argsort } from "../math/sort.ts";
import type { Labels } from "./labels.ts";

/**
 * Area under the ROC curve: the chance that a positive row scores above a negative one, ties counting half.
 * NaN where one of the two labels is absent. Equals scikit-learn's roc_auc_score.
 */
export function auc(labels: Labels, scores: Float64Array, weights: Float64Array | null = null): number {
  return aucOfOrder(labels, scores, argsort(scores), weights);
}

/**
 * auc() with the ascending order of the scores known already: one pass (weighted Mann-Whitney U).
 * Each group of equal scores adds (its positives) x (negatives below + half its negatives).
 */
export function aucOfOrder(
  labels: Labels,
  scores: Float64Array,
  order: Uint32Array,
  weights: Float64Array | null,
): number {
  const n = order.length;
  let negativesBelow = 0;
  let positives = 0;
  let area = 0;
  let i = 0;
  while (i < n) {
    const score = scores[order[i]!]!;
    let groupPositives = 0;
    let groupNegatives = 0;
    do {
      const row = order[i]!;
      const weight = weights === null ? 1 : weights[row]!;
      if (labels[row] === 1) groupPositives += weight;
      else groupNegatives += weight;
      ++i;
    } while (i < n && scores[order[i]!] === score);
    area += groupPositives * (negativesBelow + 0.5 * groupNegatives);
    negativesBelow += groupNegatives;
    positives += groupPositives;
  }
  // 0 / 0 is NaN: without both labels there is no curve
  return area / (positives * negativesBelow);
}
