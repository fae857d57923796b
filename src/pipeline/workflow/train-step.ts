import type { Rng } from "../../core/rng.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Step, StepContext } from "../../engine/step.ts";
import { chooseThreshold } from "../../evaluate/threshold.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import type { FittedFeature } from "../../model/fitted-transform.ts";
import type { Model, Predictions } from "../../model/model.ts";
import { predictionsOf } from "../../model/predict.ts";
import { rawScores } from "../../model/score.ts";
import type { Predictor } from "../../model/predictor.ts";
import { predictionReference, referenceOf } from "../../model/reference.ts";
import { findEstimator } from "../../train/implementations.ts";
import type { PipelineSpec } from "../spec.ts";
import { modelCodec, splitCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { fittedFeaturesCodec } from "./features-step.ts";
import { applyDesign, bareModel, fitPredictor, type Material, type Rows } from "./fitting.ts";
import { inputFrame } from "./input-frame.ts";
import { parityRowsOf } from "./parity-rows.ts";
import { rowsWithCode, trainCode, validationCode } from "./rows.ts";
import { stepOf } from "./step-of.ts";
import { chosenCodec, fittingParams, type Chosen } from "./tune-step.ts";
import { validationReportCodec } from "./validate-step.ts";

/** Fits the predictor on train rows and puts the model together: threshold, reference profile, parity rows, provenance. */
export function trainStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "train",
    inputs: ["ingest.dataset", "validate.report", "split.rows", "tune.chosen", "features.fitted"],
    outputs: ["model"],
    params: { name: spec.name, fitting: fittingParams(spec) },
    revision: 1,
    async run(context) {
      const dataset = await context.read("ingest.dataset", datasetCodec(spec.contract));
      const { labels } = await context.read("validate.report", validationReportCodec);
      const split = await context.read("split.rows", splitCodec);
      const chosen = await context.read("tune.chosen", chosenCodec);
      const features = await context.read("features.fitted", fittedFeaturesCodec);
      const material = { spec, dataset, labels };
      const rows = { train: rowsWithCode(split, trainCode), validation: rowsWithCode(split, validationCode) };
      const { predictor, notes, watched } = await fit(material, rows, chosen, features, environment, context);
      const provenance = provenanceOf(spec, chosen, notes, environment, context);
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
  readonly watched: { readonly target: Rows["target"]; readonly predictions: Predictions };
}

async function fit(
  material: Material,
  rows: TrainRows,
  chosen: Chosen,
  features: readonly FittedFeature[],
  environment: WorkflowEnvironment,
  context: StepContext,
): Promise<Fitted> {
  const estimator = await findEstimator(chosen.estimator);
  const train = applyDesign(material, rows.train, features);
  const validation = rows.validation.length > 0 ? applyDesign(material, rows.validation, features) : null;
  const { rng, clock, progress, signal } = context;
  const tools = { rng, clock, progress, signal, threads: environment.threads };
  const { predictor, notes } = await fitPredictor(estimator, chosen.hyperparameters, train, validation, tools);
  const { design, target } = validation ?? train;
  return {
    predictor,
    notes,
    watched: {
      target,
      predictions: predictionsOf(
        { task: material.spec.task, threshold: null, predictor },
        rawScores(predictor, design),
      ),
    },
  };
}

function completeModel(model: Model, material: Material, rows: TrainRows, watched: Fitted["watched"], rng: Rng): Model {
  const { spec, dataset } = material;
  const threshold = spec.task === "binary" ? chooseThreshold(watched.target, watched.predictions) : null;
  const withThreshold: Model = { ...model, threshold };
  const trainInputs = inputFrame(model, dataset, rows.train);
  return {
    ...withThreshold,
    reference: {
      nRows: rows.train.length,
      columns: referenceOf(trainInputs, monitoredColumns(model)),
      prediction: predictionReference(withThreshold, watched.predictions),
    },
    parity: parityRowsOf(withThreshold, dataset, rows.train, rng),
  };
}

/** Columns worth watching for drift: what requests send, but for identifiers and the time itself, which always move on. */
function monitoredColumns(model: Model): readonly string[] {
  return model.inputs.filter((name) => name !== model.roles.id && name !== model.roles.time);
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
    notes,
    dataset: context.digestOf("ingest.dataset"),
    split: context.digestOf("split.rows"),
    seed: spec.seed,
    package: `millrace@${environment.packageVersion}`,
  };
}
