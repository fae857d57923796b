import type { JsonObject } from "../../core/json.ts";
import { silent } from "../../core/progress.ts";
import type { Rng } from "../../core/rng.ts";
import type { Codec, Step, StepContext } from "../../engine/step.ts";
import { scoreForSelection } from "../../evaluate/cv-score.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import type { EstimatorChoice, HyperparameterValues, TuningPlan } from "../../model/estimator.ts";
import { predictionsOf } from "../../model/predict.ts";
import type { Fold } from "../../prepare/fold.ts";
import { chooseEstimator } from "../../train/auto.ts";
import { ensembles, findEstimator, hyperparametersOf, resolveHyperparameters } from "../../train/implementations.ts";
import { tuneHyperparameters, type TrialReport } from "../../train/tune.ts";
import type { PipelineSpec } from "../spec.ts";
import { carve } from "./carve.ts";
import { clusterSample } from "./cluster-points.ts";
import { jsonCodec, splitCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { foldsOf } from "./folds-of.ts";
import { applyDesign, fitAt, fitTransforms, type FitTools, type Material, outputsAt } from "./fitting.ts";
import { stepOf } from "./step-of.ts";
import { targetOf } from "./target.ts";
import { validationReportCodec } from "./validate-step.ts";
import { findStart, type Start } from "./warm-start.ts";

interface Setting {
  readonly estimator: string;
  readonly hyperparameters: HyperparameterValues;
  /** Of ensembles alone. */
  readonly members?: readonly Setting[];
}

/** The estimator and hyperparameters that training will use, and what was tried to find them. */
export interface Chosen extends Setting {
  readonly trials: readonly (TrialReport & { readonly estimator: string })[];
  /** The version training goes on from; absent where it begins anew. */
  readonly start?: Start;
}

export const chosenCodec: Codec<Chosen> = jsonCodec("chosen");

/** Chooses hyperparameters by cross-validation over train and validation rows; transforms are fitted anew in each fold. */
export function tuneStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "tune",
    inputs: ["ingest.dataset", "validate.report", "split.rows"],
    outputs: ["chosen"],
    params: { fitting: fittingParams(spec), split: spec.split } as unknown as JsonObject,
    revision: 5,
    observe: async () => (await findStart(spec, environment)) as JsonObject | null,
    async run(context) {
      const chosen = isSearched(spec.model)
        ? await search(spec, environment, context)
        : { ...(await resolvedChoice(spec.model)), trials: [] };
      const start = context.observed as unknown as Start | null;
      await context.write("chosen", chosenCodec, { ...chosen, ...(start && { start }) });
      context.record({ trials: chosen.trials.length });
    },
  });
}

/** What of a definition decides how a model is fitted. */
export function fittingParams(spec: PipelineSpec): JsonObject {
  const { contract, roles, inputs, task, expressions, prepare, folds, model } = spec;
  const given = folds === undefined ? {} : { folds };
  return { contract, roles, inputs, task, expressions, prepare, ...given, model } as unknown as JsonObject;
}

/** Whether anything of it is to be searched, itself or a member of it. */
function isSearched({ tuning, members = [] }: EstimatorChoice): boolean {
  return tuning !== null || members.some(isSearched);
}

async function resolvedChoice({ estimator, hyperparameters, members }: EstimatorChoice): Promise<Setting> {
  const ensemble = ensembles.find(({ name }) => name === estimator);
  if (!ensemble) return { estimator, hyperparameters: await resolved(estimator, hyperparameters) };
  return {
    estimator,
    hyperparameters: resolveHyperparameters(ensemble, hyperparameters),
    members: await Promise.all((members ?? []).map(resolvedChoice)),
  };
}

async function resolved(estimator: string, given: HyperparameterValues): Promise<HyperparameterValues> {
  return resolveHyperparameters(await findEstimator(estimator), given);
}

async function search(spec: PipelineSpec, environment: WorkflowEnvironment, context: StepContext): Promise<Chosen> {
  const dataset = await context.read("ingest.dataset", datasetCodec(spec.contract, environment.memory));
  const { labels } = await context.read("validate.report", validationReportCodec);
  const rows = rowsWithCode(await context.read("split.rows", splitCodec), splitCode.train, splitCode.validation);
  const { rng, clock, progress, signal } = context;
  const tools = { rng, clock, progress, signal, threads: environment.threads };
  return searchChoice(spec.model, { spec, dataset, labels }, rows, tools);
}

/** The choice with what it leaves open found; an ensemble's members are searched one by one, each as it would be alone. */
export async function searchChoice(
  choice: EstimatorChoice,
  material: Material,
  rows: Uint32Array,
  tools: FitTools,
): Promise<Chosen> {
  if (choice.tuning !== null) return searchOne(choice, choice.tuning, material, rows, tools);
  if (choice.members === undefined) return { ...(await resolvedChoice(choice)), trials: [] };
  const members: Chosen[] = [];
  for (const [m, member] of choice.members.entries()) {
    const own = { ...tools, rng: tools.rng.fork(`member ${m}`) };
    members.push(await searchChoice(member, material, rows, own));
  }
  return {
    ...(await resolvedChoice({ ...choice, members: [] })),
    members: members.map(({ estimator, hyperparameters }) => ({ estimator, hyperparameters })),
    trials: members.flatMap(({ trials }) => trials),
  };
}

async function searchOne(
  { estimator, hyperparameters: fixed }: EstimatorChoice,
  given: TuningPlan,
  material: Material,
  rows: Uint32Array,
  tools: FitTools,
): Promise<Chosen> {
  const folds = foldsOf(given.folds, rows, material, tools.rng);
  const plan = { ...given, folds: folds.length };
  const score = (choice: EstimatorChoice, fold: number, foldRng: Rng): Promise<number> =>
    scoreFold(choice, material, folds[fold]!, { ...tools, rng: foldRng, progress: silent });
  if (estimator === "auto") return searchEstimators(material.spec, plan, tools, score);
  const report = await tuneHyperparameters({
    ...tools,
    plan,
    fixed,
    table: hyperparametersOf(estimator),
    score: (hyperparameters, fold, foldRng) => score({ estimator, hyperparameters, tuning: null }, fold, foldRng),
  });
  return {
    estimator,
    hyperparameters: await resolved(estimator, report.best),
    trials: report.trials.map((trial) => ({ ...trial, estimator })),
  };
}

async function searchEstimators(
  spec: PipelineSpec,
  plan: TuningPlan,
  tools: FitTools,
  score: (choice: EstimatorChoice, fold: number, rng: Rng) => Promise<number>,
): Promise<Chosen> {
  const { best, trials } = await chooseEstimator({ ...tools, task: spec.task, plan, score });
  return {
    estimator: best.estimator,
    hyperparameters: await resolved(best.estimator, best.hyperparameters),
    trials: trials.map(({ setting, ...trial }) => ({ ...trial, ...setting })),
  };
}

/** Higher is better. One in ten of the fold's training rows watches for early stopping, so that its test rows only judge. */
async function scoreFold(choice: EstimatorChoice, material: Material, fold: Fold, tools: FitTools): Promise<number> {
  const estimator = await findEstimator(choice.estimator);
  const { spec, dataset, labels } = material;
  const { task } = spec;
  const inner = carve(fold.train, material, tools.rng.fork("watch"));
  const rows = { train: inner?.train ?? fold.train, validation: inner?.test ?? new Uint32Array(0) };
  const features = fitTransforms(material, rows.train, [estimator.style]);
  const hyperparameters = resolveHyperparameters(estimator, choice.hyperparameters);
  const { predictor } = await fitAt(material, rows, features, estimator, hyperparameters, tools);
  const outputs = outputsAt(material, fold.test, features, predictor);
  const predictions = predictionsOf({ task, threshold: null, predictor }, outputs);
  const design = task === "clustering" ? applyDesign(material, fold.test, features).design : null;
  return scoreForSelection({
    task,
    labels,
    target: targetOf(spec, dataset, labels, fold.test),
    predictions,
    ...(design && { clusters: clusterSample(design, predictions, null) }),
  }).score;
}
