import { MillraceError } from "../../core/errors/error.ts";
import { log } from "../../math/elementary.ts";
import type { HyperparameterValues, Target } from "../../model/estimator.ts";
import { medianDeviation, refuseNegative } from "../robust.ts";
import { targetMean } from "../target-mean.ts";
import { huberLoss, poissonLoss, squaredLoss } from "./losses.ts";
import type { RegressionLoss } from "./objective.ts";

/** The loss of a fit as plain data: with what the values of its target decide. "labels" = the task's own. */
export type LinearLoss =
  | { readonly name: "squared" | "labels" }
  | { readonly name: "huber"; readonly delta: number }
  | { readonly name: "poisson"; readonly mean: number };

/**
 * The loss asked for, or the task's own. Throws HYPERPARAMETER_INVALID where a loss of numbers is asked for labels, or
 * poisson where values are below 0.
 */
export function lossOf(target: Target, hyperparameters: HyperparameterValues): LinearLoss {
  const loss = String(hyperparameters["loss"] ?? "auto");
  if (target.task !== "regression") {
    if (loss === "auto") return { name: "labels" };
    throw new MillraceError("HYPERPARAMETER_INVALID", {
      estimator: "linear",
      name: "loss",
      rule: '"auto" where the target is labels',
      actual: JSON.stringify(loss),
    });
  }
  if (loss === "huber")
    return { name: loss, delta: Number(hyperparameters["huberDelta"] ?? 1) * medianDeviation(target) };
  if (loss !== "poisson") return { name: "squared" };
  refuseNegative(target, loss);
  return { name: loss, mean: targetMean(target) };
}

/** How a loss of numbers is taken; undefined for labels. */
export function regressionLossOf(loss: LinearLoss): RegressionLoss | undefined {
  if (loss.name === "huber") return { chunkLoss: huberLoss(loss.delta), curvature: 1 };
  if (loss.name === "poisson") return { chunkLoss: poissonLoss, curvature: loss.mean };
  return loss.name === "squared" ? { chunkLoss: squaredLoss, curvature: 1 } : undefined;
}

/** All coefficients 0; the intercept the log of the mean for poisson, where exp() of anything else may be far off. */
export function startOf(nParameters: number, loss: LinearLoss): Float64Array {
  const start = new Float64Array(nParameters);
  if (loss.name === "poisson") start[nParameters - 1] = log(loss.mean);
  return start;
}
