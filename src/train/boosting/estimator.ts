import { MillraceError } from "../../core/errors/error.ts";
import type { Design } from "../../model/design.ts";
import type {
  EstimatorImplementation,
  FitContext,
  FitResult,
  HyperparameterValues,
  Target,
} from "../../model/estimator.ts";
import { createPause } from "../pause.ts";
import { canUseWorkers, runCrew } from "../threads/crew.ts";
import { compiledModule } from "../threads/location.ts";
import { controlWords, joinTeam } from "../threads/team.ts";
import { boostingHyperparameters } from "./hyperparameters.ts";
import type { Settings, TrainingPlan } from "./plan.ts";
import { toPredictor } from "./predictor.ts";
import { denseColumns, lossOf, prepareTraining } from "./prepare.ts";
import { type TrainingOutcome, runTraining } from "./trainer.ts";

/** Fewer rows than this a thread are learned faster by one thread than by several that wait for each other. */
const rowsPerThread = 10_000;
const watchMs = 100;
const subject = "the training of boosting";

/**
 * Gradient boosting of histogram trees. Loss: squared, logistic or softmax by task. Missing values and categories are
 * split on as they are. The result is the same bits for any number of threads. Notes: `rounds`, `trainLoss` (after the
 * last round run) and `validationLoss` (of the rounds kept): mean squared residual or mean log loss a row.
 */
export const boostingEstimator: EstimatorImplementation = Object.freeze({
  name: "boosting",
  tasks: ["regression", "binary", "multiclass"] as const,
  style: "trees",
  hyperparameters: boostingHyperparameters,
  fit,
});

async function fit(
  design: Design,
  target: Target,
  hyperparameters: HyperparameterValues,
  context: FitContext,
): Promise<FitResult> {
  const settings = settingsOf(hyperparameters);
  const pause = createPause(context, subject);
  const train = { columns: denseColumns(design), target };
  const { validation } = context;
  const watched = validation && validation.target.values.length > 0 ? validation : null;
  const threads = threadsFor(design.nRows, context.threads);
  const prepared = await prepareTraining({
    train,
    validation: watched && { columns: denseColumns(watched.design), target: watched.target },
    settings,
    threads,
    rng: context.rng,
    pause,
  });
  const outcome = await runIn(threads, prepared.plan, context, pause);
  if (outcome.isStopped) throw new MillraceError("CANCELLED", { subject });
  context.progress.report(outcome.rounds, outcome.rounds, "trees");
  const predictor = toPredictor({
    loss: lossOf(target),
    base: prepared.plan.base,
    trees: outcome.trees,
    bins: prepared.bins,
    cardinalities: train.columns.map((column) => column.cardinality),
  });
  return { predictor, notes: notesOf(outcome, target, watched?.target ?? null) };
}

function threadsFor(nRows: number, wanted: number): number {
  const worthwhile = Math.min(wanted, Math.floor(nRows / rowsPerThread));
  return worthwhile >= 2 && canUseWorkers() && memberModule() !== null ? worthwhile : 1;
}

const memberModule = (): string | null => compiledModule("member", import.meta.url);

/** Small trainings run here, with pauses; large ones in workers, while this thread only watches. */
async function runIn(
  threads: number,
  plan: TrainingPlan,
  context: FitContext,
  pause: () => Promise<void>,
): Promise<TrainingOutcome> {
  const { progress, signal } = context;
  const { trees } = plan.settings;
  if (threads === 1) {
    const words = new Int32Array(controlWords);
    const team = joinTeam(words, 0, 1, pause);
    return runTraining(plan, { ...team, report: (done) => progress.report(done, trees, "trees") });
  }
  const results = await runCrew({
    module: memberModule() ?? "",
    payload: plan,
    threads,
    watchMs,
    watch: (control) => {
      if (signal?.aborted) control.stop();
      progress.report(control.done(), trees, "trees");
    },
  });
  return results[0] as TrainingOutcome;
}

function settingsOf(given: HyperparameterValues): Settings {
  const number = (name: string): number => Number(given[name] ?? boostingHyperparameters[name]?.default);
  return {
    trees: number("trees"),
    leaves: number("leaves"),
    depth: number("depth"),
    learningRate: number("learningRate"),
    l2: number("l2"),
    minRows: number("minRows"),
    bins: number("bins"),
    rowShare: number("rowShare"),
    columnShare: number("columnShare"),
    earlyStopping: number("earlyStopping"),
    levelwise: (given["growth"] ?? boostingHyperparameters["growth"]?.default) === "levelwise",
  };
}

function notesOf(outcome: TrainingOutcome, target: Target, watched: Target | null): Record<string, number> {
  const notes: Record<string, number> = {
    rounds: outcome.rounds,
    trainLoss: outcome.trainLoss / Math.max(totalWeight(target), Number.MIN_VALUE),
  };
  if (watched && outcome.rounds > 0) {
    notes["validationLoss"] = outcome.validationLoss / Math.max(totalWeight(watched), Number.MIN_VALUE);
  }
  return notes;
}

function totalWeight(target: Target): number {
  if (target.weights === null) return target.values.length;
  let total = 0;
  for (const weight of target.weights) total += weight;
  return total;
}
