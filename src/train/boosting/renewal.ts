import { log } from "../../math/elementary.ts";
import { weightedQuantile } from "../weighted-quantile.ts";
import { tweedieFactors } from "./loss-regression.ts";
import type { Loss, LossPlan } from "./plan.ts";
import type { RowSet } from "./view.ts";

/** Most a leaf may move a log score at once: a factor of 22,000. */
const mostLogStep = 10;

/** Whether leaves take the step that is best for the loss itself, from their rows, instead of a Newton step from sums. */
export function isRenewed(loss: Loss): boolean {
  return loss !== "squared" && loss !== "logistic" && loss !== "softmax" && loss !== "lambdarank";
}

/**
 * The step that minimises the loss of the rows listed in index[from..to), before shrinkage: a quantile of the residuals (absolute,
 * quantile), Friedman's (2001) step from the median (huber), or in closed form the log of a ratio (poisson, tweedie).
 * Reads rows in index order, so that it is the same bits in any thread.
 */
export function bestStep(plan: LossPlan, set: RowSet, index: Uint32Array, from: number, to: number): number {
  switch (plan.loss) {
    case "absolute":
      return residualQuantile(set, index, from, to, 0.5);
    case "quantile":
      return residualQuantile(set, index, from, to, plan.parameter);
    case "huber":
      return huberStep(set, index, from, to, plan.parameter);
    case "poisson":
    case "tweedie":
      return logStep(set, index, from, to, plan.parameter);
    case "squared":
    case "logistic":
    case "softmax":
    case "lambdarank":
      return 0;
  }
}

function residualQuantile(set: RowSet, index: Uint32Array, from: number, to: number, share: number): number {
  const residuals = new Float64Array(to - from);
  const weights = set.weights && new Float64Array(to - from);
  for (let i = from; i < to; ++i) {
    const row = index[i]!;
    residuals[i - from] = set.values[row]! - set.scores[row]!;
    if (weights) weights[i - from] = set.weights![row]!;
  }
  return weightedQuantile(residuals, weights, share);
}

function huberStep(set: RowSet, index: Uint32Array, from: number, to: number, delta: number): number {
  const median = residualQuantile(set, index, from, to, 0.5);
  let total = 0;
  let weightSum = 0;
  for (let i = from; i < to; ++i) {
    const row = index[i]!;
    const weight = set.weights ? set.weights[row]! : 1;
    const off = set.values[row]! - set.scores[row]! - median;
    total += weight * Math.max(-delta, Math.min(delta, off));
    weightSum += weight;
  }
  return weightSum > 0 ? median + total / weightSum : median;
}

/** Where the derivative of the loss by a common step d is 0: exp(d) = sum of y exp((1 - p) s) / sum of exp((2 - p) s). */
function logStep(set: RowSet, index: Uint32Array, from: number, to: number, power: number): number {
  const factors = new Float64Array(2);
  let seen = 0;
  let expected = 0;
  for (let i = from; i < to; ++i) {
    const row = index[i]!;
    const weight = set.weights ? set.weights[row]! : 1;
    tweedieFactors(set.scores[row]!, power, factors);
    seen += weight * set.values[row]! * factors[1]!;
    expected += weight * factors[0]! * factors[1]!;
  }
  if (!(expected > 0)) return 0;
  if (!(seen > 0)) return -mostLogStep;
  return Math.max(-mostLogStep, Math.min(mostLogStep, log(seen / expected)));
}
