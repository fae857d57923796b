import { confusion } from "./confusion.ts";
import type { Labels } from "./labels.ts";

/** Weights of the rows by whether label 1 was predicted and whether it is true. */
interface BinaryCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

function countBinary(labels: Labels, predicted: Labels, weights: Float64Array | null): BinaryCounts {
  let truePositives = 0;
  let falsePositives = 0;
  let falseNegatives = 0;
  for (let i = 0, n = labels.length; i < n; ++i) {
    const weight = weights === null ? 1 : weights[i]!;
    if (predicted[i] === 1) {
      if (labels[i] === 1) truePositives += weight;
      else falsePositives += weight;
    } else if (labels[i] === 1) falseNegatives += weight;
  }
  return { truePositives, falsePositives, falseNegatives };
}

/** `part / whole`, 0 where there is nothing to divide: scikit-learn's zero_division. */
function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

/** Of the rows answered 1, the share that is 1; 0 where none is answered 1. Equals scikit-learn's precision_score. */
export function precision(labels: Labels, predicted: Labels, weights: Float64Array | null = null): number {
  const { truePositives, falsePositives } = countBinary(labels, predicted, weights);
  return share(truePositives, truePositives + falsePositives);
}

/** Of the rows that are 1, the share answered 1; 0 where none is 1. Equals scikit-learn's recall_score. */
export function recall(labels: Labels, predicted: Labels, weights: Float64Array | null = null): number {
  const { truePositives, falseNegatives } = countBinary(labels, predicted, weights);
  return share(truePositives, truePositives + falseNegatives);
}

/** Harmonic mean of precision and recall of label 1; 0 where it is neither true nor answered. Equals scikit-learn's f1_score. */
export function f1(labels: Labels, predicted: Labels, weights: Float64Array | null = null): number {
  const { truePositives, falsePositives, falseNegatives } = countBinary(labels, predicted, weights);
  return share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives);
}

/**
 * Mean of the F1 of each label that is true or answered in some row. NaN for no rows.
 * Equals scikit-learn's f1_score with average="macro".
 */
export function macroF1(
  labels: Labels,
  predicted: Labels,
  nLabels: number,
  weights: Float64Array | null = null,
): number {
  const counts = confusion(labels, predicted, nLabels, weights);
  // a label counts as met also where all its rows have weight 0, as in scikit-learn
  const met = weights === null ? counts : confusion(labels, predicted, nLabels, null);
  let total = 0;
  let nMet = 0;
  for (let k = 0; k < nLabels; ++k) {
    let truth = 0;
    let answered = 0;
    let seen = 0;
    for (let j = 0; j < nLabels; ++j) {
      truth += counts[k * nLabels + j]!;
      answered += counts[j * nLabels + k]!;
      seen += met[k * nLabels + j]! + met[j * nLabels + k]!;
    }
    if (seen === 0) continue;
    total += share(2 * counts[k * nLabels + k]!, truth + answered);
    nMet += 1;
  }
  return total / nMet;
}
