import { MillraceError } from "../../core/errors/error.ts";
import { sharedBuffer, sharedNumbers } from "../../core/shared-memory.ts";
import { isShareable, type Design, type StreamedDesign } from "../../model/design.ts";
import type {
  EstimatorImplementation,
  FitContext,
  FitResult,
  HyperparameterValues,
  StreamedFitContext,
  Target,
} from "../../model/estimator.ts";
import type { Link } from "../../model/predictor.ts";
import { classFactors, refuseClassWeights, withFactors } from "../class-weights.ts";
import { refuseMissing, requireTarget } from "../completeness.ts";
import { inComponents } from "../components/in-components.ts";
import { createPause } from "../pause.ts";
import { gatherRows, heldBlocks } from "../row-blocks.ts";
import type { Minimum } from "./lbfgs.ts";
import { fitBlocks, type WantedFit } from "./streamed.ts";
import { linearHyperparameters } from "./hyperparameters.ts";
import { momentsOf } from "../moments.ts";
import { workerModule } from "../../threads/location.ts";
import { isAlone, runTeam } from "../../threads/run-team.ts";
import { type LinearOutcome, type LinearProblem, solveProblem } from "./member.ts";
import { solveNormalEquations, suitsNormalEquations } from "./normal-equations.ts";
import { sumsLength } from "./objective.ts";
import { linearPredictor } from "./predictor.ts";
import { lossOf } from "./regression-loss.ts";
import { sampleMemory, sampleSize } from "./sample.ts";

const subject = "fitting linear()";
/** Cells of a design for each thread: with fewer, starting one takes longer than it saves. */
const worthThread = 2_000_000;

/**
 * Ridge, logistic or multinomial regression, by the task. Minimises the weighted sum of losses (half the squared residual,
 * huber, poisson, logistic, multinomial) plus l2 / 2 times the squared coefficients and l1 times the absolute ones;
 * intercepts are free. Squared loss with few columns is solved from the normal equations, all else by L-BFGS, of two labels in
 * very many rows led by a sample of them, with the same bits for any number of threads.
 */
export const linearEstimator: EstimatorImplementation = inComponents({
  name: "linear",
  tasks: Object.freeze(["regression", "binary", "multiclass"] as const),
  style: "dense",
  hyperparameters: linearHyperparameters,
  fit,
  fitStreamed,
});

async function fit(
  design: Design,
  given: Target,
  hyperparameters: HyperparameterValues,
  context: FitContext,
): Promise<FitResult> {
  const { target, loss, settings } = wantedOf(given, hyperparameters);
  const pause = createPause(context, subject);
  if (loss.name === "squared" && suitsNormalEquations(design.nRows, design)) {
    refuseMissing("linear", design, target);
    const moments = momentsOf(design, target.weights);
    const solution = await solveNormalEquations(heldBlocks(design), target, settings, moments, pause);
    if (solution) return { predictor: linearPredictor(design, linkOf(target), solution), notes: { iterations: 0 } };
  }
  const problem = { design, target, loss, ...settings, sampleSize: settings.l1 > 0 ? 0 : sampleSize(design, target) };
  const { solution, ...minimum } = await solve({ ...problem, shared: null }, context, pause);
  // Any missing value makes the loss one: to look for them first would be to read all columns once more.
  if (!Number.isFinite(minimum.value)) refuseMissing("linear", design, target);
  return {
    predictor: linearPredictor(design, loss.name === "poisson" ? "log" : linkOf(target), solution),
    notes: notesOf(minimum),
  };
}

/** What can be learned in few passes is; for all else the rows are brought into memory. */
async function fitStreamed(
  design: StreamedDesign,
  given: Target,
  hyperparameters: HyperparameterValues,
  context: StreamedFitContext,
): Promise<FitResult> {
  const pause = createPause(context, subject);
  if (Number(hyperparameters["components"]) === 0) {
    const wanted = wantedOf(given, hyperparameters);
    const report = (done: number): void => context.progress.report(done, wanted.settings.maxIterations, "iterations");
    const fitted = await fitBlocks(design, wanted, { report, pause });
    if (fitted) {
      const { layout, solution, minimum } = fitted;
      const notes = minimum ? notesOf(minimum) : { iterations: 0 };
      return { predictor: linearPredictor(layout, linkOf(wanted.target), solution), notes };
    }
  }
  return linearEstimator.fit(await gatherRows(design, pause), given, hyperparameters, { ...context, validation: null });
}

/** Throws where class weights, row weights or the loss do not suit. */
function wantedOf(given: Target, hyperparameters: HyperparameterValues): WantedFit {
  const { classWeights } = hyperparameters;
  refuseClassWeights("linear", given, classWeights);
  const target = withFactors(given, classFactors(given, classWeights));
  requireTarget(target);
  const settings = {
    l1: Number(hyperparameters["l1"] ?? 0),
    l2: Number(hyperparameters["l2"]),
    maxIterations: Number(hyperparameters["maxIterations"]),
    tolerance: Number(hyperparameters["tolerance"]),
  };
  return { target, loss: lossOf(target, hyperparameters), settings };
}

function notesOf({ iterations, value, gradientSize }: Omit<Minimum, "parameters">): FitResult["notes"] {
  return { iterations, loss: value, gradient: gradientSize };
}

/** In workers where there is enough to do for them and all columns are dense and in memory they share. */
async function solve(problem: LinearProblem, context: FitContext, pause: () => Promise<void>): Promise<LinearOutcome> {
  const { design, maxIterations } = problem;
  const module = workerModule("member", import.meta.url);
  const nDense = design.dense.length;
  const threads = isShareable(design)
    ? Math.min(context.threads, Math.floor((design.nRows * nDense) / worthThread))
    : 1;
  const payload = isAlone({ module, threads }) ? problem : { ...problem, shared: sharedFor(problem) };
  const work = { module, payload, threads, total: maxIterations, unit: "iterations" };
  const [outcome] = await runTeam(solveProblem, work, context, pause);
  if (!outcome || context.signal?.aborted) throw new MillraceError("CANCELLED", { subject });
  return outcome;
}

function sharedFor({ design, target, sampleSize: size }: LinearProblem): LinearProblem["shared"] {
  const nColumns = design.dense.length;
  return {
    sums: sharedNumbers(sumsLength(design, target.task === "multiclass" ? target.nLabels : 1)),
    means: sharedNumbers(nColumns),
    variances: sharedNumbers(nColumns),
    sample: size > 0 ? sampleMemory(design, size) : null,
    flags: new Int32Array(sharedBuffer(4)),
  };
}

function linkOf(target: Target): Link {
  if (target.task === "regression") return "identity";
  return target.task === "binary" ? "sigmoid" : "softmax";
}
