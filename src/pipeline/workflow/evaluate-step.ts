import type { JsonObject } from "../../core/json.ts";
import type { Codec, Step, StepContext } from "../../engine/step.ts";
import { baselinePredictions, fitBaseline } from "../../evaluate/baseline.ts";
import { evaluate, type EvaluationReport } from "../../evaluate/report.ts";
import { columnOf, type Frame } from "../../frame/frame.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import { buildDesign } from "../../model/apply.ts";
import type { Design } from "../../model/design.ts";
import type { Model, Predictions } from "../../model/model.ts";
import { findEstimator } from "../../train/implementations.ts";
import type { PipelineSpec } from "../spec.ts";
import { clusterSample } from "./cluster-points.ts";
import { jsonCodec, modelCodec, splitCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { definedMetrics } from "./defined-metrics.ts";
import { featureFrame } from "./features.ts";
import { applyDesign, fitPredictor } from "./fitting.ts";
import { predictionsAt } from "./input-frame.ts";
import { stepOf } from "./step-of.ts";
import { targetOf } from "./target.ts";
import { chosenCodec } from "./tune-step.ts";

export const evaluationReportCodec: Codec<EvaluationReport> = jsonCodec("evaluation-report");

/** Metrics on the test rows, beside a baseline that knows only the target's distribution in training. */
export function evaluateStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "evaluate",
    inputs: [
      "ingest.dataset",
      "split.rows",
      "train.model",
      // Without a target the model is fitted once more, to see whether it stays what it is.
      ...(spec.roles.target === null ? ["tune.chosen"] : []),
    ],
    outputs: ["report"],
    params: { slices: slicedColumns(spec), roles: spec.roles } as unknown as JsonObject,
    revision: 2,
    async run(context) {
      const dataset = await context.read("ingest.dataset", datasetCodec(spec.contract, environment.memory));
      const split = await context.read("split.rows", splitCodec);
      const model = await context.read("train.model", modelCodec);
      const evaluated = { dataset, split, model, rows: rowsWithCode(split, splitCode.test) };
      const again = spec.roles.target === null ? await fittedAgain(spec, environment, context, evaluated) : undefined;
      const report = await reportOf(spec, environment, evaluated, again);
      await context.write("report", evaluationReportCodec, report);
      context.record({ rows: evaluated.rows.length, ...definedMetrics(report.metrics) });
    },
  });
}

interface Evaluated {
  readonly dataset: Frame;
  readonly split: Uint8Array;
  readonly model: Model;
  /** Of the test. */
  readonly rows: Uint32Array;
}

async function reportOf(
  spec: PipelineSpec,
  { threads }: WorkflowEnvironment,
  { dataset, split, model, rows }: Evaluated,
  again: Predictions | undefined,
): Promise<EvaluationReport> {
  const predictions = await predictionsAt(model, dataset, rows, threads);
  const train = rowsWithCode(split, splitCode.train);
  const baseline = fitBaseline(spec.task, targetOf(spec, dataset, model.labels, train));
  return evaluate({
    task: spec.task,
    labels: model.labels,
    target: targetOf(spec, dataset, model.labels, rows),
    predictions,
    threshold: model.threshold,
    baseline: baselinePredictions(baseline, rows.length),
    slices: slicedColumns(spec).flatMap((name) => slicesOf(dataset, name, rows)),
    ...(again && { again }),
    ...(again && spec.task === "clustering"
      ? { clusters: clusterSample(testDesign(spec, dataset, rows, model), predictions, again) }
      : {}),
  });
}

/** What a fit of the same train rows from another seed answers to the test rows. */
async function fittedAgain(
  spec: PipelineSpec,
  { threads }: WorkflowEnvironment,
  context: StepContext,
  { dataset, split, model, rows }: Evaluated,
): Promise<Predictions> {
  const { estimator, hyperparameters } = await context.read("tune.chosen", chosenCodec);
  const train = rowsWithCode(split, splitCode.train);
  const material = applyDesign({ spec, dataset, labels: model.labels }, train, model.features);
  const { clock, progress, signal } = context;
  const tools = { rng: context.rng.fork("again"), clock, progress, signal, threads };
  const { predictor } = await fitPredictor(await findEstimator(estimator), hyperparameters, material, null, tools);
  return predictionsAt({ ...model, predictor }, dataset, rows, threads);
}

function testDesign(spec: PipelineSpec, dataset: Frame, rows: Uint32Array, { features }: Model): Design {
  return buildDesign(featureFrame(spec, dataset, rows), features);
}

/** Columns that rules of the gate look at group by group. */
export function slicedColumns(spec: PipelineSpec): string[] {
  return [...new Set(spec.gate.flatMap((rule) => (rule.slice === undefined ? [] : [rule.slice])))];
}

/** One slice for each level of a category or boolean column: positions within `rows`. */
export function slicesOf(
  dataset: Frame,
  name: string,
  rows: Uint32Array,
): { name: string; column: string; rows: Uint32Array }[] {
  const column = columnOf(dataset, name);
  if (column.kind !== "category" && column.kind !== "boolean") return [];
  const codes = column.kind === "category" ? column.codes : column.values;
  const levels = column.kind === "category" ? column.levels : ["false", "true"];
  return levels.flatMap((level, code) => {
    const members = Uint32Array.from(rows.keys()).filter((i) => codes[rows[i]!] === code);
    return members.length > 0 ? [{ name: `${name}=${level}`, column: name, rows: members }] : [];
  });
}
