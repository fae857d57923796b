import type { Design } from "../../model/design.ts";
import type {
  EstimatorImplementation,
  FitContext,
  FitResult,
  HyperparameterValues,
  Target,
} from "../../model/estimator.ts";
import type { LinearPredictor, Link } from "../../model/predictor.ts";
import { classFactors, refuseClassWeights, withFactors } from "../class-weights.ts";
import { refuseMissing } from "../completeness.ts";
import { createPause } from "../pause.ts";
import { linearHyperparameters } from "./hyperparameters.ts";
import { minimise } from "./lbfgs.ts";
import { momentsOf } from "../moments.ts";
import { solveNormalEquations, suitsNormalEquations } from "./normal-equations.ts";
import { createObjective } from "./objective.ts";

/**
 * Ridge, logistic or multinomial regression, by the task. Minimises the weighted sum of losses (half the squared residual,
 * logistic, multinomial) plus l2 / 2 times the squared coefficients; intercepts are free. Ridge with few columns is solved
 * at once by the normal equations, all else by L-BFGS.
 */
export const linearEstimator: EstimatorImplementation = Object.freeze({
  name: "linear",
  tasks: Object.freeze(["regression", "binary", "multiclass"] as const),
  style: "dense",
  hyperparameters: linearHyperparameters,
  fit,
});

interface Solution {
  readonly coefficients: Float64Array;
  readonly intercept: Float64Array;
}

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
  const l2 = Number(hyperparameters["l2"]);
  if (target.task === "regression" && suitsNormalEquations(design)) {
    const solution = solveNormalEquations(design, target, l2, moments);
    if (solution) return { predictor: predictorOf(design, target, solution), notes: { iterations: 0 } };
  }
  const maxIterations = Number(hyperparameters["maxIterations"]);
  const objective = createObjective(design, target, l2, moments);
  const pause = createPause(context, "fitting linear()");
  const minimum = await minimise(objective, {
    maxIterations,
    tolerance: Number(hyperparameters["tolerance"]),
    afterIteration: async (iteration) => {
      context.progress.report(iteration, maxIterations, "iterations");
      await pause();
    },
  });
  return {
    predictor: predictorOf(design, target, objective.uncentre(minimum.parameters)),
    notes: { iterations: minimum.iterations, loss: minimum.value, gradient: minimum.gradientSize },
  };
}

function predictorOf(design: Design, target: Target, solution: Solution): LinearPredictor {
  return Object.freeze({
    kind: "linear",
    link: linkOf(target),
    outputs: solution.intercept.length,
    nDense: design.dense.length,
    nSparse: design.sparse.names.length,
    coefficients: solution.coefficients,
    intercept: solution.intercept,
  });
}

function linkOf(target: Target): Link {
  if (target.task === "regression") return "identity";
  return target.task === "binary" ? "sigmoid" : "softmax";
}
