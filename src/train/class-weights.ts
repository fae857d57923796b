import { MillraceError } from "../core/errors/error.ts";
import type { HyperparameterDeclaration, Target } from "../model/estimator.ts";

/** Declared alike by every estimator of labels. */
export const classWeightsDeclaration: HyperparameterDeclaration = Object.freeze({
  type: "choice",
  choices: ["none", "balanced"],
  default: "none",
  doc: "balanced: each row counts in inverse proportion to its label's share, so that rare labels count as much as common ones; probabilities are then those of balanced data. For labels alone.",
});

/** Throws HYPERPARAMETER_INVALID where class weights are asked for numbers. */
export function refuseClassWeights(estimator: string, target: Target, classWeights: unknown): void {
  if (target.nLabels === 0 && classWeights === "balanced")
    throw new MillraceError("HYPERPARAMETER_INVALID", {
      estimator,
      name: "classWeights",
      rule: '"none" where the target is numbers',
      actual: '"balanced"',
    });
}

/** The weight of each label's rows. */
export function labelWeights({ nLabels, values, weights }: Target): Float64Array {
  const totals = new Float64Array(nLabels);
  for (let row = 0; row < values.length; ++row) totals[values[row]!]! += weights === null ? 1 : weights[row]!;
  return totals;
}

/**
 * Factors by label that give every label the same total weight and leave the sum of all weights as it is; null where
 * `classWeights` is "none" or the target has no labels. A label without weight keeps the factor 1.
 */
export function classFactors(target: Target, classWeights: unknown): Float64Array | null {
  if (classWeights !== "balanced" || target.nLabels === 0) return null;
  const sums = labelWeights(target);
  const total = target.weights?.reduce((sum, weight) => sum + weight, 0) ?? target.values.length;
  const present = sums.reduce((count, sum) => count + (sum > 0 ? 1 : 0), 0);
  return sums.map((sum) => (sum > 0 ? total / (present * sum) : 1));
}

/** The target with each row's weight times its label's factor. */
export function withFactors(target: Target, factors: Float64Array | null): Target {
  if (factors === null) return target;
  const weights = target.values.map(
    (label, row) => factors[label]! * (target.weights === null ? 1 : target.weights[row]!),
  );
  return { ...target, weights };
}
