import type { Design } from "../../model/design.ts";
import type {
  EstimatorImplementation,
  FitContext,
  FitResult,
  HyperparameterValues,
  Target,
} from "../../model/estimator.ts";
import type { Link } from "../../model/predictor.ts";
import { classFactors, refuseClassWeights, withFactors } from "../class-weights.ts";
import { refuseMissing } from "../completeness.ts";
import { createPause } from "../pause.ts";
import { linearHyperparameters } from "./hyperparameters.ts";
import { minimise, type SolverOptions } from "./lbfgs.ts";
import { lossOf, regressionLossOf, startOf } from "./regression-loss.ts";
import { minimiseSparse } from "./owlqn.ts";
import { momentsOf } from "../moments.ts";
import { solveNormalEquations, suitsNormalEquations } from "./normal-equations.ts";
import { createObjective } from "./objective.ts";
import { linearPredictor } from "./predictor.ts";

/**
 * Ridge, logistic or multinomial regression, by the task. Minimises the weighted sum of losses (half the squared residual,
 * huber, poisson, logistic, multinomial) plus l2 / 2 times the squared coefficients and l1 times the absolute ones;
 * intercepts are free. Squared loss with few columns is solved from the normal equations, all else by L-BFGS.
 */
export const linearEstimator: EstimatorImplementation = Object.freeze({
  name: "linear",
  tasks: Object.freeze(["regression", "binary", "multiclass"] as const),
  style: "dense",
  hyperparameters: linearHyperparameters,
  fit,
});

async function fit(
  design: Design,
  given: Target,
  hyperparameters: HyperparameterValues,
  context: FitContext,
): Promise<FitResult> {
  const classWeights = hyperparameters["classWeights"];
  refuseClassWeights("linear", given, classWeights);
  const target = withFactors(given, classFactors(given, classWeights));
  refuseMissing("linear", design, target);
  const moments = momentsOf(design, target.weights);
  const l1 = Number(hyperparameters["l1"] ?? 0);
  const l2 = Number(hyperparameters["l2"]);
  const tolerance = Number(hyperparameters["tolerance"]);
  const loss = lossOf(target, hyperparameters);
  if (loss === "squared" && suitsNormalEquations(design)) {
    const limits = { tolerance, maxIterations: Number(hyperparameters["maxIterations"]) };
    const solution = solveNormalEquations(design, target, { l1, l2, ...limits }, moments);
    if (solution) return { predictor: linearPredictor(design, linkOf(target), solution), notes: { iterations: 0 } };
  }
  const maxIterations = Number(hyperparameters["maxIterations"]);
  const regression = regressionLossOf(loss, target, moments, Number(hyperparameters["huberDelta"] ?? 1));
  const objective = createObjective(design, target, l2, moments, regression);
  const pause = createPause(context, "fitting linear()");
  const options: SolverOptions = {
    maxIterations,
    tolerance,
    start: startOf(objective.nParameters, loss, moments, target),
    afterIteration: async (iteration) => {
      context.progress.report(iteration, maxIterations, "iterations");
      await pause();
    },
  };
  const nPenalised = objective.nParameters - (target.task === "multiclass" ? target.nLabels : 1);
  const minimum =
    l1 > 0
      ? await minimiseSparse(objective, { l1: l1 / moments.totalWeight, nPenalised }, options)
      : await minimise(objective, options);
  return {
    predictor: linearPredictor(
      design,
      loss === "poisson" ? "log" : linkOf(target),
      objective.uncentre(minimum.parameters),
    ),
    notes: { iterations: minimum.iterations, loss: minimum.value, gradient: minimum.gradientSize },
  };
}

function linkOf(target: Target): Link {
  if (target.task === "regression") return "identity";
  return target.task === "binary" ? "sigmoid" : "softmax";
}
