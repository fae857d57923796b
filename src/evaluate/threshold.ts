import { bestF1Threshold } from "../metrics/best-f1-threshold.ts";
import type { Target } from "../model/estimator.ts";
import type { Predictions } from "../model/model.ts";

/**
 * The operating point of a binary model: labels[1] is answered where its probability is at least this. Chosen for the
 * best F1 on the rows given, which should be validation rows; 0.5 where none of them is positive.
 */
export function chooseThreshold(target: Target, predictions: Predictions): number {
  const positive = new Float64Array(predictions.nRows);
  for (let i = 0; i < predictions.nRows; ++i) positive[i] = predictions.values[2 * i + 1]!;
  return bestF1Threshold(target.values, positive, target.weights).threshold;
}
