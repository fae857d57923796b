import { MillraceError } from "../../core/errors/error.ts";
import type { Design, StreamedDesign } from "../../model/design.ts";
import type {
  EstimatorImplementation,
  FitContext,
  FitResult,
  HyperparameterValues,
  StreamedFitContext,
  Target,
} from "../../model/estimator.ts";
import { classFactors, withFactors } from "../class-weights.ts";
import { createPause } from "../pause.ts";
import { finiteBlocks, heldColumns, streamedColumns } from "../training-columns.ts";
import { canUseWorkers, summonCrew } from "../../threads/crew.ts";
import { workerModule } from "../../threads/location.ts";
import { runTeam } from "../../threads/run-team.ts";
import { boostingHyperparameters } from "./hyperparameters.ts";
import type { Settings, TrainingPlan } from "./plan.ts";
import { links, toPredictor } from "./predictor.ts";
import { prepareTraining } from "./prepare.ts";
import type { Rows } from "./problem.ts";
import { totalWeight } from "./ranking-target.ts";
import { type TrainingOutcome, runTraining } from "./trainer.ts";

/** Fewer rows than this a thread are learned faster by one thread than by several that wait for each other. */
const rowsPerThread = 10_000;
const subject = "the training of boosting";

/**
 * Gradient boosting of histogram trees. Loss: squared, logistic, softmax or lambdarank by task. Missing values and categories are
 * split on as they are. The result is the same bits for any number of threads. Where it goes on from trees learned before,
 * its trees follow those. Notes: `rounds` (all of them), `trainLoss` (after the last round run) and `validationLoss` (of the rounds kept): mean squared residual or mean log loss a row, or what a
 * group lacks to an NDCG of 1 over ten places.
 */
export const boostingEstimator: EstimatorImplementation = Object.freeze({
  name: "boosting",
  tasks: ["regression", "binary", "multiclass", "ranking"] as const,
  style: "trees",
  hyperparameters: boostingHyperparameters,
  fit,
  fitStreamed,
});

/** Not async: what an async function was given stays in memory until it ends, and the design is read only at first. */
function fit(
  design: Design,
  given: Target,
  hyperparameters: HyperparameterValues,
  context: FitContext,
): Promise<FitResult> {
  const { validation, ...tools } = context;
  const watched = validation && { rows: heldColumns(validation.design), target: validation.target };
  return fitRows({ rows: heldColumns(design), target: given }, watched, hyperparameters, tools);
}

function fitStreamed(
  design: StreamedDesign,
  target: Target,
  hyperparameters: HyperparameterValues,
  { validation, ...tools }: StreamedFitContext,
): Promise<FitResult> {
  const watched = validation && { rows: streamedColumns(validation.design), target: validation.target };
  return fitRows({ rows: streamedColumns(design), target }, watched, hyperparameters, tools);
}

function fitRows(
  { rows, target: given }: Rows,
  validation: Rows | null,
  hyperparameters: HyperparameterValues,
  context: Omit<FitContext, "validation">,
): Promise<FitResult> {
  const settings = settingsOf(hyperparameters);
  const factors = classFactors(given, settings.classWeights);
  const target = withFactors(given, factors);
  const pause = createPause(context, subject);
  const watched = validation && withFactors(validation.target, factors);
  const validationWeight = watched ? totalWeight(watched) : 0;
  const threads = threadsFor(rows.nRows, context.threads);
  if (threads > 1 && rows.held !== null) summonCrew(threads);
  // Of rows in memory what is infinite is found as they are binned.
  const finite = (own: Rows["rows"]): Rows["rows"] => (own.held === null ? finiteBlocks("boosting", own) : own);
  const prepared = prepareTraining({
    train: { rows: finite(rows), target },
    validation:
      validation && watched && validationWeight > 0 ? { rows: finite(validation.rows), target: watched } : null,
    settings,
    start: context.start ?? null,
    threads,
    rng: context.rng,
    pause,
  });
  return learn(
    prepared,
    { ...context, threads, pause },
    {
      cardinalities: rows.columns.map((column) => column.cardinality),
      trainWeight: totalWeight(target),
      validationWeight,
    },
  );
}

/** What of the data is needed once it is binned. */
interface TrainingFacts {
  readonly cardinalities: readonly number[];
  readonly trainWeight: number;
  /** 0 = not watched. */
  readonly validationWeight: number;
}

async function learn(
  preparation: ReturnType<typeof prepareTraining>,
  context: RunContext,
  facts: TrainingFacts,
): Promise<FitResult> {
  const { plan, bins, start } = await preparation;
  const outcome = await runIn(plan, context);
  if (outcome.isStopped) throw new MillraceError("CANCELLED", { subject });
  const added = outcome.rounds - plan.roundsBefore;
  context.progress.report(added, added, "trees");
  const { cardinalities } = facts;
  const { base, loss } = plan;
  const predictor = toPredictor({ link: links[loss], base, start, trees: outcome.trees, bins, cardinalities });
  return { predictor, notes: notesOf(outcome, facts) };
}

function threadsFor(nRows: number, wanted: number): number {
  const worthwhile = Math.min(wanted, Math.floor(nRows / rowsPerThread));
  return worthwhile >= 2 && canUseWorkers() && memberModule() !== null ? worthwhile : 1;
}

const memberModule = (): string | null => workerModule("member", import.meta.url);

type RunContext = Omit<FitContext, "validation"> & { readonly pause: () => Promise<void> };

/** Small trainings run here, with pauses; large ones in workers, while this thread only watches. */
async function runIn(plan: TrainingPlan, context: RunContext): Promise<TrainingOutcome> {
  const { threads, pause } = context;
  const work = {
    module: threads > 1 ? memberModule() : null,
    payload: plan,
    threads,
    total: plan.settings.trees,
    unit: "trees",
  };
  return (await runTeam(runTraining, work, context, pause))[0]!;
}

function settingsOf(given: HyperparameterValues): Settings {
  const number = (name: string): number => Number(given[name] ?? boostingHyperparameters[name]?.default);
  const choice = (name: string): string => String(given[name] ?? boostingHyperparameters[name]?.default);
  return {
    trees: number("trees"),
    leaves: number("leaves"),
    depth: number("depth"),
    learningRate: number("learningRate"),
    l1: number("l1"),
    l2: number("l2"),
    minRows: number("minRows"),
    minChildWeight: number("minChildWeight"),
    bins: number("bins"),
    rowShare: number("rowShare"),
    topShare: number("topShare"),
    columnShare: number("columnShare"),
    earlyStopping: number("earlyStopping"),
    levelwise: choice("growth") === "levelwise",
    loss: choice("loss") as Settings["loss"],
    classWeights: choice("classWeights"),
    quantile: number("quantile"),
    huberDelta: number("huberDelta"),
    tweediePower: number("tweediePower"),
    truncation: number("truncation"),
    increasing: (given["increasing"] ?? []) as readonly string[],
    decreasing: (given["decreasing"] ?? []) as readonly string[],
    interactions: (given["interactions"] ?? []) as readonly (readonly string[])[],
  };
}

function notesOf(outcome: TrainingOutcome, { trainWeight, validationWeight }: TrainingFacts): Record<string, number> {
  const notes: Record<string, number> = {
    rounds: outcome.rounds,
    trainLoss: outcome.trainLoss / Math.max(trainWeight, Number.MIN_VALUE),
  };
  if (validationWeight > 0 && outcome.rounds > 0) notes["validationLoss"] = outcome.validationLoss / validationWeight;
  return notes;
}
