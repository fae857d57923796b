import type { Target } from "../model/estimator.ts";

/** The weighted mean of a target of numbers, summed row by row; 0 where nothing has weight. */
export function targetMean({ values, weights }: Target): number {
  let sum = 0;
  let total = 0;
  for (let row = 0; row < values.length; ++row) {
    const weight = weights === null ? 1 : weights[row]!;
    sum += weight * values[row]!;
    total += weight;
  }
  return total > 0 ? sum / total : 0;
}
