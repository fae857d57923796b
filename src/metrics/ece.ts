import { calibrationBins } from "./calibration-bins.ts";
import type { CalibrationBin } from "./calibration-bins.ts";
import type { Labels } from "./labels.ts";

/**
 * Expected calibration error of the probability of label 1: over 10 bins of equal width, the distance of mean
 * probability and share of positive labels, weighted by the bin's share of rows. NaN for no rows.
 * scikit-learn has no such metric; a NumPy twin stands in test/vectors. Method: Guo et al. 2017, "On Calibration of
 * Modern Neural Networks".
 */
export function ece(labels: Labels, probabilities: Float64Array, weights: Float64Array | null = null): number {
  return labels.length === 0 ? NaN : errorOf(calibrationBins(labels, probabilities, 10, weights));
}

/** ece() of K classes: of the probability of the likeliest label against how often that label is true. */
export function multiclassEce(
  labels: Labels,
  probabilities: Float64Array,
  nLabels: number,
  weights: Float64Array | null = null,
): number {
  const { hits, confidence } = confidenceOf(labels, probabilities, nLabels);
  return ece(hits, confidence, weights);
}

/** For each row the largest probability, and 1 where its label (the first, if several share it) is the true one. */
export function confidenceOf(
  labels: Labels,
  probabilities: Float64Array,
  nLabels: number,
): { hits: Uint8Array; confidence: Float64Array } {
  const n = labels.length;
  const hits = new Uint8Array(n);
  const confidence = new Float64Array(n);
  for (let i = 0; i < n; ++i) {
    let best = 0;
    for (let k = 1; k < nLabels; ++k)
      if (probabilities[i * nLabels + k]! > probabilities[i * nLabels + best]!) best = k;
    confidence[i] = probabilities[i * nLabels + best]!;
    hits[i] = best === labels[i] ? 1 : 0;
  }
  return { hits, confidence };
}

function errorOf(bins: readonly CalibrationBin[]): number {
  let error = 0;
  for (const bin of bins) {
    if (bin.meanPredicted === null || bin.meanObserved === null) continue;
    error += bin.share * Math.abs(bin.meanPredicted - bin.meanObserved);
  }
  return error;
}
