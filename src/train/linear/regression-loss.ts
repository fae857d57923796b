import { MillraceError } from "../../core/errors/error.ts";
import { log } from "../../math/elementary.ts";
import type { HyperparameterValues, Target } from "../../model/estimator.ts";
import type { Moments } from "../moments.ts";
import { medianDeviation, refuseNegative } from "../robust.ts";
import { huberLoss, poissonLoss, squaredLoss } from "./losses.ts";
import type { RegressionLoss } from "./objective.ts";

export type LinearLoss = "squared" | "huber" | "poisson" | "labels";

/** The loss asked for, or the task's own. Throws HYPERPARAMETER_INVALID where a loss of numbers is asked for labels. */
export function lossOf(target: Target, hyperparameters: HyperparameterValues): LinearLoss {
  const loss = String(hyperparameters["loss"] ?? "auto");
  if (target.task === "regression") return loss === "huber" || loss === "poisson" ? loss : "squared";
  if (loss !== "auto")
    throw new MillraceError("HYPERPARAMETER_INVALID", {
      estimator: "linear",
      name: "loss",
      rule: '"auto" where the target is labels',
      actual: JSON.stringify(loss),
    });
  return "labels";
}

export function regressionLossOf(
  loss: LinearLoss,
  target: Target,
  moments: Moments,
  huberDelta: number,
): RegressionLoss | undefined {
  if (loss === "huber") return { chunkLoss: huberLoss(huberDelta * medianDeviation(target)), curvature: 1 };
  if (loss !== "poisson") return loss === "squared" ? { chunkLoss: squaredLoss, curvature: 1 } : undefined;
  refuseNegative(target, loss);
  return { chunkLoss: poissonLoss, curvature: meanOf(target, moments) };
}

/** All coefficients 0; the intercept the log of the mean for poisson, where exp() of anything else may be far off. */
export function startOf(nParameters: number, loss: LinearLoss, moments: Moments, target: Target): Float64Array {
  const start = new Float64Array(nParameters);
  if (loss === "poisson") start[nParameters - 1] = log(meanOf(target, moments));
  return start;
}

function meanOf({ values, weights }: Target, { totalWeight }: Moments): number {
  let sum = 0;
  for (let row = 0; row < values.length; ++row) sum += (weights === null ? 1 : weights[row]!) * values[row]!;
  return sum / totalWeight;
}
