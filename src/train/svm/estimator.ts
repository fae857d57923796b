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
import { inComponents } from "../components/in-components.ts";
import { minimise, type SolverOptions } from "../linear/lbfgs.ts";
import { createObjective, type RegressionLoss } from "../linear/objective.ts";
import { linearPredictor } from "../linear/predictor.ts";
import { momentsOf } from "../moments.ts";
import { createPause } from "../pause.ts";
import { addScores } from "../products.ts";
import { medianDeviation } from "../robust.ts";
import { calibrateMany, calibrateTwo } from "./calibration.ts";
import { foldsOfRows } from "./folds.ts";
import { svmHyperparameters } from "./hyperparameters.ts";
import { squaredHingeLoss, squaredTubeLoss } from "./losses.ts";

/**
 * Linear support vector machine: squared hinge loss for labels (of more than two, each against the rest), squared
 * epsilon-insensitive loss for numbers, plus l2 / 2 times the squared coefficients, minimised by L-BFGS. Probabilities are
 * Platt's, fitted to the margins of held-out rows and folded into the coefficients.
 */
export const svmEstimator: EstimatorImplementation = inComponents({
  name: "svm",
  tasks: Object.freeze(["regression", "binary", "multiclass"] as const),
  style: "dense",
  hyperparameters: svmHyperparameters,
  fit,
});

const nFolds = 3;
const hinge: RegressionLoss = Object.freeze({ chunkLoss: squaredHingeLoss, curvature: 2 });

interface Solver extends SolverOptions {
  readonly l2: number;
}

interface Plane {
  readonly coefficients: Float64Array;
  readonly intercept: number;
  readonly iterations: number;
}

async function fit(
  design: Design,
  given: Target,
  hyperparameters: HyperparameterValues,
  context: FitContext,
): Promise<FitResult> {
  const classWeights = hyperparameters["classWeights"];
  refuseClassWeights("svm", given, classWeights);
  const target = withFactors(given, classFactors(given, classWeights));
  refuseMissing("svm", design, target);
  const maxIterations = Number(hyperparameters["maxIterations"]);
  const pause = createPause(context, "fitting svm()");
  const solver: Solver = {
    l2: Number(hyperparameters["l2"]),
    maxIterations,
    tolerance: Number(hyperparameters["tolerance"]),
    afterIteration: async (iteration) => {
      context.progress.report(iteration, maxIterations, "iterations");
      await pause();
    },
  };
  if (target.task !== "regression") return fitLabels(design, target, solver);
  const epsilon = Number(hyperparameters["epsilon"]) * medianDeviation(target);
  const loss = { chunkLoss: squaredTubeLoss(epsilon), curvature: 2 };
  const plane = await fitPlane(design, target, loss, solver);
  return resultOf(design, "identity", [plane], 1, Float64Array.of(0));
}

async function fitPlane(design: Design, target: Target, loss: RegressionLoss, solver: Solver): Promise<Plane> {
  const objective = createObjective(design, target, solver.l2, momentsOf(design, target.weights), loss);
  const { parameters, iterations } = await minimise(objective, solver);
  const { coefficients, intercept } = objective.uncentre(parameters);
  return { coefficients, intercept: intercept[0]!, iterations };
}

/** One plane for two labels, else one a label; then probabilities from the margins of rows each plane's twin did not see. */
async function fitLabels(design: Design, target: Target, solver: Solver): Promise<FitResult> {
  const isBinary = target.task === "binary";
  const folds = foldsOfRows(design, nFolds);
  const planes: Plane[] = [];
  const nPlanes = isBinary ? 1 : target.nLabels;
  const margins = new Float64Array(nPlanes * design.nRows);
  for (let k = 0; k < nPlanes; ++k) {
    const label = isBinary ? 1 : k;
    const values = target.values.map((value) => (value === label ? 1 : -1));
    const sides: Target = { task: "regression", nLabels: 0, values, weights: target.weights };
    const plane = await fitPlane(design, sides, hinge, solver);
    planes.push(plane);
    margins.set(await heldOutMargins(design, sides, folds, plane, solver), k * design.nRows);
  }
  const { slope, shifts } = await (isBinary ? calibrateTwo : calibrateMany)(margins, target, solver);
  return resultOf(design, isBinary ? "sigmoid" : "softmax", planes, slope, shifts);
}

/** The margin of each row by a plane fitted without its fold; where nothing of either side is left to fit, by `whole`. */
async function heldOutMargins(
  design: Design,
  sides: Target,
  folds: Uint8Array,
  whole: Plane,
  solver: Solver,
): Promise<Float64Array> {
  const margins = new Float64Array(design.nRows);
  for (let fold = 0; fold < nFolds; ++fold) {
    if (!folds.includes(fold)) continue;
    const weights = Float64Array.from(folds, (own, row) => (own === fold ? 0 : (sides.weights?.[row] ?? 1)));
    const hasBoth = [-1, 1].every((side) => weights.some((weight, row) => weight > 0 && sides.values[row] === side));
    const plane = hasBoth ? await fitPlane(design, { ...sides, weights }, hinge, solver) : whole;
    const own = new Float64Array(design.nRows).fill(plane.intercept);
    addScores(design, plane.coefficients, 0, 0, design.nRows, own, 0);
    for (let row = 0; row < own.length; ++row) if (folds[row] === fold) margins[row] = own[row]!;
  }
  return margins;
}

function resultOf(
  design: Design,
  link: Link,
  planes: readonly Plane[],
  slope: number,
  shifts: Float64Array,
): FitResult {
  const predictor = linearPredictor(design, link, {
    coefficients: Float64Array.from(planes.flatMap((plane) => Array.from(plane.coefficients, (c) => slope * c))),
    intercept: Float64Array.from(planes, ({ intercept }, k) => slope * intercept + shifts[k]!),
  });
  const iterations = planes.reduce((sum, plane) => sum + plane.iterations, 0);
  return { predictor, notes: { iterations, slope } };
}
