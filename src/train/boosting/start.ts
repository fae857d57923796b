import { MillraceError } from "../../core/errors/error.ts";
import { log } from "../../math/elementary.ts";
import type { Target } from "../../model/estimator.ts";
import { isRegression, type Loss, type Settings } from "./plan.ts";
import { weightedQuantile } from "./renewal.ts";

/** Where training starts: the best constant score an output, and the loss's number (see LossPlan). */
export function startOf(
  loss: Loss,
  target: Target,
  settings: Settings,
): { readonly base: Float64Array; readonly parameter: number } {
  if (!isRegression(loss)) return { base: labelScores(loss, target), parameter: 0 };
  const parameter = parameterOf(loss, target, settings);
  return { base: Float64Array.of(constantOf(loss, target, parameter)), parameter };
}

function parameterOf(loss: Loss, target: Target, settings: Settings): number {
  if (loss === "quantile") return settings.quantile;
  if (loss === "poisson") return 1;
  if (loss === "tweedie") return settings.tweediePower;
  if (loss !== "huber") return 0;
  const median = quantileOf(target, 0.5);
  const deviations = target.values.map((value) => Math.abs(value - median));
  const spread = weightedQuantile(deviations, target.weights, 0.5);
  // Where more than half of the target is one value, the largest deviation is the only scale there is.
  const scale = spread > 0 ? spread : deviations.reduce((largest, value) => Math.max(largest, value), 0);
  return settings.huberDelta * (scale > 0 ? scale : 1);
}

function constantOf(loss: Loss, target: Target, parameter: number): number {
  if (loss === "squared") return meanOf(target);
  if (loss === "absolute" || loss === "huber") return quantileOf(target, 0.5);
  if (loss === "quantile") return quantileOf(target, parameter);
  const least = target.values.reduce((lowest, value) => Math.min(lowest, value), 0);
  const mean = meanOf(target);
  if (least < 0 || !(mean > 0))
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "the target",
      rule: `must be numbers from 0 on, not all 0, for the loss "${loss}"`,
      actual: least < 0 ? String(least) : "only zeros",
      remedy: 'Learn with the loss "squared", "absolute" or "huber" instead.',
    });
  return log(mean);
}

function quantileOf({ values, weights }: Target, share: number): number {
  return weightedQuantile(values.slice(), weights, share);
}

function meanOf({ values, weights }: Target): number {
  let sum = 0;
  let total = 0;
  for (let row = 0; row < values.length; ++row) {
    const weight = weights === null ? 1 : weights[row]!;
    total += weight;
    sum += weight * values[row]!;
  }
  return total > 0 ? sum / total : 0;
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
