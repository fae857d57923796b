import { sharedNumbers } from "../../core/shared-memory.ts";
import type { Clock } from "../../core/clock.ts";
import type { Progress } from "../../core/progress.ts";
import type { Rng } from "../../core/rng.ts";
import { fitFeatures } from "../../features/fit.ts";
import type { Frame } from "../../frame/frame.ts";
import { buildDesign, layoutOf } from "../../model/apply.ts";
import { type Design, type DesignStyle, emptySparseBlock, type StreamedDesign } from "../../model/design.ts";
import type { EstimatorImplementation, FitResult, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { FittedFeature } from "../../model/fitted-transform.ts";
import type { Model } from "../../model/model.ts";
import type { Predictor } from "../../model/predictor.ts";
import { outputsOf } from "../../model/score.ts";
import type { PipelineSpec } from "../spec.ts";
import { featureColumnsOf, featureFrame } from "./features.ts";
import { blockRows, blocksOf } from "./blocks.ts";
import { type Labels, targetOf } from "./target.ts";

/** The data of one pipeline run that fitting draws from. */
export interface Material {
  readonly spec: PipelineSpec;
  readonly dataset: Frame;
  readonly labels: Labels;
}

export interface FitTools {
  readonly rng: Rng;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly threads: number;
  readonly signal: AbortSignal;
  /** What was learned before, to go on from. */
  readonly start?: Predictor;
}

export interface Rows {
  readonly design: Design;
  readonly target: Target;
}

/** Transforms fitted on `rows` alone, feature by feature: in memory are those rows of the columns one is made of. */
export function fitTransforms(
  { spec, dataset, labels }: Material,
  rows: Uint32Array,
  styles: readonly DesignStyle[],
): FittedFeature[] {
  const target = targetOf(spec, dataset, labels, rows);
  const { prepare } = spec;
  const byStyle = styles.map((): FittedFeature[] => []);
  for (const feature of featureColumnsOf(spec)) {
    const frame = featureFrame(spec, dataset, rows, [feature]);
    for (const [s, style] of styles.entries())
      byStyle[s]!.push(...fitFeatures({ frame, features: [feature], prepare, style, target }));
  }
  return byStyle.flat();
}

/** Transforms fitted on `rows` alone, and those rows as the estimator wants them. */
export function fitDesign(
  material: Material,
  rows: Uint32Array,
  style: DesignStyle,
): Rows & { readonly features: FittedFeature[] } {
  const features = fitTransforms(material, rows, [style]);
  return { features, ...applyDesign(material, rows, features) };
}

/** Other rows through transforms fitted before. */
export function applyDesign(material: Material, rows: Uint32Array, features: readonly FittedFeature[]): Rows {
  const { spec, dataset, labels } = material;
  return { design: designOf(spec, dataset, rows, features), target: targetOf(spec, dataset, labels, rows) };
}

/**
 * Dense columns are filled a block of rows at a time: taken and derived columns, as large as the design itself, then
 * exist for one block only. Worker threads read the columns where they stand. A design with sparse columns is built whole.
 */
function designOf(spec: PipelineSpec, dataset: Frame, rows: Uint32Array, features: readonly FittedFeature[]): Design {
  const layout = layoutOf(features);
  if (rows.length <= blockRows || layout.sparseNames.length > 0)
    return buildDesign(featureFrame(spec, dataset, rows), features);
  const nRows = rows.length;
  const values = columnsOf(nRows, layout.dense.length);
  const dense = layout.dense.map((column, j) => ({ ...column, values: values[j]! }));
  for (const { from, block } of blocksOf(rows)) {
    const part = buildDesign(featureFrame(spec, dataset, block), features);
    part.dense.forEach(({ values }, j) => dense[j]!.values.set(values, from));
  }
  return { nRows, dense, sparse: emptySparseBlock(nRows) };
}

/** Cells of an allocation that the C library is sure to give back at once: 32 MiB. It keeps the memory of smaller ones. */
const leastCells = 4_194_304;

/** Zeros: in buffers of a few columns, which can be given back while other columns are still read. */
function columnsOf(nRows: number, nColumns: number): Float64Array[] {
  const nBuffers = Math.max(1, Math.floor(nColumns / Math.ceil(leastCells / nRows)));
  return Array.from({ length: nBuffers }, (_, i) => {
    const [from, to] = [i, i + 1].map((part) => Math.floor((nColumns * part) / nBuffers));
    const cells = sharedNumbers(nRows * (to! - from!));
    return Array.from({ length: to! - from! }, (_, j) => cells.subarray(j * nRows, (j + 1) * nRows));
  }).flat();
}

/** Made anew from the dataset, a block of rows at a time, whenever it is gone through. */
function streamOf({ spec, dataset }: Material, rows: Uint32Array, features: readonly FittedFeature[]): StreamedDesign {
  const { dense, sparseNames, sparseSources } = layoutOf(features);
  const sparse = sparseNames.map((name, j) => ({ name, source: sparseSources[j]!, cardinality: 0 }));
  return {
    nRows: rows.length,
    columns: [...dense, ...sparse],
    *blocks() {
      for (const { from, block } of blocksOf(rows))
        yield { from, design: buildDesign(featureFrame(spec, dataset, block), features) };
    },
  };
}

/** What the predictor says of the rows at `rows`, a block at a time. */
export function outputsAt(
  { spec, dataset }: Material,
  rows: Uint32Array,
  features: readonly FittedFeature[],
  predictor: Predictor,
): Float64Array {
  const outputs = new Float64Array(rows.length * predictor.outputs);
  for (const { from, block } of blocksOf(rows)) {
    const design = buildDesign(featureFrame(spec, dataset, block), features);
    outputs.set(outputsOf(predictor, design), from * predictor.outputs);
  }
  return outputs;
}

/**
 * Fits on the rows of `train`, watching those of `validation` (none = no early stopping). From a dataset that is not in memory
 * the design is not either, where the estimator takes it block by block. Not async, as `fitPredictor` is not.
 */
export function fitAt(
  material: Material,
  rows: { readonly train: Uint32Array; readonly validation: Uint32Array },
  features: readonly FittedFeature[],
  estimator: EstimatorImplementation,
  hyperparameters: HyperparameterValues,
  tools: FitTools,
): Promise<FitResult> {
  const isWatched = rows.validation.length > 0;
  if (material.dataset.reader === undefined || !estimator.fitStreamed) {
    const validation = isWatched ? applyDesign(material, rows.validation, features) : null;
    return fitPredictor(estimator, hyperparameters, applyDesign(material, rows.train, features), validation, tools);
  }
  const { spec, dataset, labels } = material;
  const [train, validation] = [rows.train, rows.validation].map((some) => ({
    design: streamOf(material, some, features),
    target: targetOf(spec, dataset, labels, some),
  }));
  const context = { ...tools, validation: isWatched ? validation! : null };
  return estimator.fitStreamed(train!.design, train!.target, hyperparameters, context);
}

/**
 * Fits on `train`, watching `validation` (no rows = no early stopping). Not async, as is whoever calls it with a large
 * design: what an async function was given stays in memory until it ends, and an estimator needs its design only at first.
 */
export function fitPredictor(
  estimator: EstimatorImplementation,
  hyperparameters: HyperparameterValues,
  train: Rows,
  validation: Rows | null,
  tools: FitTools,
): Promise<FitResult> {
  return estimator.fit(train.design, train.target, hyperparameters, {
    ...tools,
    validation: validation && validation.design.nRows > 0 ? validation : null,
  });
}

/** A model without threshold, reference, parity rows and provenance: enough to predict with while they are being made. */
export function bareModel(material: Material, features: readonly FittedFeature[], predictor: Predictor): Model {
  const { spec, labels } = material;
  return {
    name: spec.name,
    task: spec.task,
    contract: spec.contract,
    roles: spec.roles,
    inputs: spec.inputs,
    expressions: spec.expressions,
    features,
    predictor,
    labels,
    threshold: null,
    reference: null,
    parity: null,
    provenance: {},
  };
}
