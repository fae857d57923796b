import { argsort } from "../math/sort.ts";
import type { Labels } from "./labels.ts";

/**
 * Average precision: precision at each threshold, weighted by the recall gained there, without interpolation.
 * 0 where no row is positive. Equals scikit-learn's average_precision_score.
 */
export function averagePrecision(labels: Labels, scores: Float64Array, weights: Float64Array | null = null): number {
  return averagePrecisionOfOrder(labels, scores, argsort(scores), weights);
}

/** averagePrecision() with the ascending order of the scores known already: one pass from the top. */
export function averagePrecisionOfOrder(
  labels: Labels,
  scores: Float64Array,
  order: Uint32Array,
  weights: Float64Array | null,
): number {
  let positives = 0;
  let all = 0;
  let total = 0;
  let i = order.length - 1;
  while (i >= 0) {
    const score = scores[order[i]!]!;
    let groupPositives = 0;
    do {
      const row = order[i]!;
      const weight = weights === null ? 1 : weights[row]!;
      if (labels[row] === 1) groupPositives += weight;
      all += weight;
      --i;
    } while (i >= 0 && scores[order[i]!] === score);
    positives += groupPositives;
    if (all > 0) total += groupPositives * (positives / all);
  }
  return positives > 0 ? total / positives : 0;
}
