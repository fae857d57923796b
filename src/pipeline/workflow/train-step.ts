import type { Rng } from "../../core/rng.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Step, StepContext } from "../../engine/step.ts";
import { chooseThreshold } from "../../evaluate/threshold.ts";
import { createFrame, type Frame, takeColumn } from "../../frame/frame.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import type { Target } from "../../model/estimator.ts";
import type { FittedFeature } from "../../model/fitted-transform.ts";
import type { Model, Predictions } from "../../model/model.ts";
import type { Predictor } from "../../model/predictor.ts";
import { predictionReference, referenceOf } from "../../model/reference.ts";
import type { ColumnReference } from "../../model/reference-profile.ts";
import { findEstimator } from "../../train/implementations.ts";
import { dismissIdleWorkers } from "../../threads/crew.ts";
import type { PipelineSpec } from "../spec.ts";
import { modelCodec, splitCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { fitEnsemble } from "./ensemble.ts";
import { fittedFeaturesCodec } from "./features-step.ts";
import { bareModel, fitAt, type FitTools, type Material } from "./fitting.ts";
import { inputsRead, predictionsAt } from "./input-frame.ts";
import { parityRowsOf } from "./parity-rows.ts";
import { stepOf } from "./step-of.ts";
import { targetOf } from "./target.ts";
import { chosenCodec, fittingParams, type Chosen } from "./tune-step.ts";
import { validationReportCodec } from "./validate-step.ts";
import { divisionOf, splitMemory } from "./warm-start.ts";

/** Fits the predictor on train rows and puts the model together: threshold, reference profile, parity rows, provenance. */
export function trainStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "train",
    inputs: ["ingest.dataset", "validate.report", "split.rows", "tune.chosen", "features.fitted"],
    outputs: ["model"],
    params: { name: spec.name, fitting: fittingParams(spec), division: divisionOf(spec) },
    revision: 7,
    async run(context) {
      const dataset = await context.read("ingest.dataset", datasetCodec(spec.contract, environment.memory));
      const { labels } = await context.read("validate.report", validationReportCodec);
      const split = await context.read("split.rows", splitCodec);
      const chosen = await context.read("tune.chosen", chosenCodec);
      const features = await context.read("features.fitted", fittedFeaturesCodec);
      const material = { spec, dataset, labels };
      const rows = {
        train: rowsWithCode(split, splitCode.train),
        validation: rowsWithCode(split, splitCode.validation),
      };
      const start = chosen.start ? await environment.loadModel(chosen.start.digest) : null;
      const { predictor, notes, watched } = await fit(material, rows, chosen, features, start, environment, context);
      const provenance = {
        ...provenanceOf(spec, chosen, notes, environment, context),
        ...splitMemory(spec, dataset, split, start),
      };
      const model = { ...bareModel(material, features, predictor), provenance };
      await context.write(
        "model",
        modelCodec,
        completeModel(model, material, rows, watched, context.rng.fork("parity")),
      );
      context.record(notes);
    },
  });
}

interface TrainRows {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

interface Fitted {
  readonly predictor: Predictor;
  readonly notes: Readonly<Record<string, number>>;
  /** The rows the threshold and the reference of predictions come from: validation, or train where there is none. */
  readonly watched: { readonly target: Target; readonly predictions: Predictions };
}

async function fit(
  material: Material,
  rows: TrainRows,
  chosen: Chosen,
  features: readonly FittedFeature[],
  start: Model | null,
  environment: WorkflowEnvironment,
  context: StepContext,
): Promise<Fitted> {
  const { rng, clock, progress, signal } = context;
  const { threads } = environment;
  const tools: FitTools = { rng, clock, progress, signal, threads, ...(start && { start: start.predictor }) };
  const { predictor, notes } = chosen.members
    ? await fitEnsemble(material, rows, chosen, features, tools)
    : await fitAt(material, rows, features, await findEstimator(chosen.estimator), chosen.hyperparameters, tools);
  // The threads hold on to the memory they trained in.
  await dismissIdleWorkers();
  const watchedRows = rows.validation.length > 0 ? rows.validation : rows.train;
  const model = bareModel(material, features, predictor);
  return {
    predictor,
    notes,
    watched: {
      target: targetOf(material.spec, material.dataset, material.labels, watchedRows),
      predictions: await predictionsAt(model, material.dataset, watchedRows, environment.threads),
    },
  };
}

function completeModel(model: Model, material: Material, rows: TrainRows, watched: Fitted["watched"], rng: Rng): Model {
  const { spec, dataset } = material;
  const threshold = spec.task === "binary" ? chooseThreshold(watched.target, watched.predictions) : null;
  const withThreshold: Model = { ...model, threshold };
  return {
    ...withThreshold,
    reference: {
      nRows: rows.train.length,
      columns: monitoredColumns(model, spec).flatMap((name) => columnReference(dataset, name, rows.train)),
      prediction: predictionReference(withThreshold, watched.predictions),
    },
    parity: parityRowsOf(withThreshold, dataset, rows.train, rng),
  };
}

/** One column at a time: only its train rows are copied. */
function columnReference(dataset: Frame, name: string, rows: Uint32Array): ColumnReference[] {
  return referenceOf(createFrame(rows.length, [[name, takeColumn(dataset, name, rows)]]), [name]);
}

/**
 * Columns worth watching for drift: what requests send, but for identifiers and the time itself, which always move on, and
 * for what was dropped, which requests need not send.
 */
function monitoredColumns(model: Model, { prepare }: PipelineSpec): readonly string[] {
  const left = new Set(prepare.filter(({ choice }) => choice === "drop").map(({ feature }) => feature));
  for (const name of inputsRead(model)) left.delete(name);
  return model.inputs.filter((name) => name !== model.roles.id && name !== model.roles.time && !left.has(name));
}

function provenanceOf(
  spec: PipelineSpec,
  chosen: Chosen,
  notes: Readonly<Record<string, number>>,
  environment: WorkflowEnvironment,
  context: StepContext,
): JsonObject {
  return {
    estimator: chosen.estimator,
    hyperparameters: chosen.hyperparameters,
    ...(chosen.members && {
      members: chosen.members.map(({ estimator, hyperparameters }) => ({ estimator, hyperparameters })),
    }),
    ...(chosen.start && { start: { ...chosen.start } }),
    notes,
    dataset: context.digestOf("ingest.dataset"),
    split: context.digestOf("split.rows"),
    seed: spec.seed,
    package: `millrace@${environment.packageVersion}`,
  };
}
