import { argsort } from "../math/sort.ts";
import type { Labels } from "./labels.ts";

/**
 * The threshold with the best F1 when label 1 is answered from it upward: halfway to the next lower probability, so
 * that it favours neither neighbour. Of equal F1 the highest threshold wins. 0.5 and F1 0 where no row is positive.
 */
export function bestF1Threshold(
  labels: Labels,
  probabilities: Float64Array,
  weights: Float64Array | null = null,
): { threshold: number; f1: number } {
  const order = argsort(probabilities);
  let positives = 0;
  for (let i = 0, n = labels.length; i < n; ++i) if (labels[i] === 1) positives += weights === null ? 1 : weights[i]!;
  let truePositives = 0;
  let answered = 0;
  let best = 0;
  let threshold = 0.5;
  let i = order.length - 1;
  while (i >= 0) {
    const probability = probabilities[order[i]!]!;
    do {
      const row = order[i]!;
      const weight = weights === null ? 1 : weights[row]!;
      if (labels[row] === 1) truePositives += weight;
      answered += weight;
      --i;
    } while (i >= 0 && probabilities[order[i]!] === probability);
    const f1 = (2 * truePositives) / (answered + positives);
    if (f1 > best) {
      best = f1;
      threshold = i < 0 ? probability : between(probabilities[order[i]!]!, probability);
    }
  }
  return { threshold, f1: best };
}

/** Halfway from low to high, but above low: neighbouring doubles have nothing between them. */
function between(low: number, high: number): number {
  const middle = low + (high - low) / 2;
  return middle > low ? middle : high;
}
