import { log } from "../math/elementary.ts";
import type { Labels } from "./labels.ts";

/** Probabilities are kept this far from 0 and 1, as scikit-learn does: the spacing of doubles at 1. */
const CLIP = Number.EPSILON;

/** -log of the probability given to what happened. */
function surprise(probability: number): number {
  return -log(probability < CLIP ? CLIP : probability > 1 - CLIP ? 1 - CLIP : probability);
}

/**
 * Mean negative log-likelihood of labels 0/1 under the probabilities of 1. NaN for no rows.
 * Equals scikit-learn's log_loss.
 */
export function logLoss(labels: Labels, probabilities: Float64Array, weights: Float64Array | null = null): number {
  let total = 0;
  let weightSum = 0;
  for (let i = 0, n = labels.length; i < n; ++i) {
    const weight = weights === null ? 1 : weights[i]!;
    const p = probabilities[i]!;
    total += weight * surprise(labels[i] === 1 ? p : 1 - p);
    weightSum += weight;
  }
  return total / weightSum;
}

/**
 * Mean negative log-likelihood of label positions under row-major probabilities, `nLabels` a row. NaN for no rows.
 * Equals scikit-learn's log_loss.
 */
export function multiclassLogLoss(
  labels: Labels,
  probabilities: Float64Array,
  nLabels: number,
  weights: Float64Array | null = null,
): number {
  let total = 0;
  let weightSum = 0;
  for (let i = 0, n = labels.length; i < n; ++i) {
    const weight = weights === null ? 1 : weights[i]!;
    total += weight * surprise(probabilities[i * nLabels + labels[i]!]!);
    weightSum += weight;
  }
  return total / weightSum;
}
