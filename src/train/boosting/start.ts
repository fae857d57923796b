import { log } from "../../math/elementary.ts";
import type { Target } from "../../model/estimator.ts";
import { targetMean } from "../target-mean.ts";
import { isOfNumbers, type Loss, type Settings } from "./plan.ts";
import { medianDeviation, refuseNegative } from "../robust.ts";
import { weightedQuantile } from "../weighted-quantile.ts";

/** Where training starts: the best constant score an output, and the loss's number (see LossPlan). */
export function startOf(
  loss: Loss,
  target: Target,
  settings: Settings,
): { readonly base: Float64Array; readonly parameter: number } {
  if (!isOfNumbers(loss)) return { base: labelScores(loss, target), parameter: 0 };
  const parameter = parameterOf(loss, target, settings);
  return { base: Float64Array.of(constantOf(loss, target, parameter)), parameter };
}

function parameterOf(loss: Loss, target: Target, settings: Settings): number {
  if (loss === "quantile") return settings.quantile;
  if (loss === "poisson") return 1;
  if (loss === "tweedie") return settings.tweediePower;
  if (loss === "lambdarank") return settings.truncation;
  if (loss !== "huber") return 0;
  return settings.huberDelta * medianDeviation(target);
}

function constantOf(loss: Loss, target: Target, parameter: number): number {
  if (loss === "squared") return targetMean(target);
  // Scores order rows: adding to all of them changes nothing.
  if (loss === "lambdarank") return 0;
  if (loss === "absolute" || loss === "huber") return quantileOf(target, 0.5);
  if (loss === "quantile") return quantileOf(target, parameter);
  refuseNegative(target, loss);
  return log(targetMean(target));
}

function quantileOf({ values, weights }: Target, share: number): number {
  return weightedQuantile(values.slice(), weights, share);
}

/** The log odds, or the log share of each label, weighted. A label without rows counts as half a row: its log is finite. */
function labelScores(loss: Loss, target: Target): Float64Array {
  const { values, weights } = target;
  const sums = new Float64Array(Math.max(loss === "logistic" ? 2 : 1, target.nLabels));
  let total = 0;
  for (let row = 0; row < values.length; ++row) {
    const weight = weights === null ? 1 : weights[row]!;
    total += weight;
    sums[values[row]!]! += weight;
  }
  const half = total > 0 ? total / (2 * values.length) : 0.5;
  const logs = sums.map((sum) => log(Math.max(sum, half) / Math.max(total, half)));
  return loss === "logistic" ? Float64Array.of(logs[1]! - logs[0]!) : logs;
}
