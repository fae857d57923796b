import type { Labels } from "./labels.ts";

/** Rows whose probability lies in [low, high), the last bin also at 1: how sure the model was, and how often it was right. */
export interface CalibrationBin {
  readonly low: number;
  readonly high: number;
  readonly nRows: number;
  /** Share of all weight, 0 to 1. */
  readonly share: number;
  /** Mean probability and share of positive labels; null in an empty bin. */
  readonly meanPredicted: number | null;
  readonly meanObserved: number | null;
}

/** The reliability diagram as data: `bins` bins of equal width over the probabilities of label 1. */
export function calibrationBins(
  labels: Labels,
  probabilities: Float64Array,
  bins = 10,
  weights: Float64Array | null = null,
): CalibrationBin[] {
  const counts = new Float64Array(bins);
  const weightSums = new Float64Array(bins);
  const predicted = new Float64Array(bins);
  const observed = new Float64Array(bins);
  let total = 0;
  for (let i = 0, n = labels.length; i < n; ++i) {
    const p = probabilities[i]!;
    const bin = Math.max(0, Math.min(bins - 1, Math.floor(p * bins)));
    const weight = weights === null ? 1 : weights[i]!;
    counts[bin]! += 1;
    weightSums[bin]! += weight;
    predicted[bin]! += weight * p;
    observed[bin]! += weight * labels[i]!;
    total += weight;
  }
  return Array.from(counts, (nRows, bin) => {
    const weight = weightSums[bin]!;
    return {
      low: bin / bins,
      high: (bin + 1) / bins,
      nRows,
      share: total > 0 ? weight / total : 0,
      meanPredicted: weight > 0 ? predicted[bin]! / weight : null,
      meanObserved: weight > 0 ? observed[bin]! / weight : null,
    };
  });
}
