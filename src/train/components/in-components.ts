import { sharedNumbers } from "../../core/shared-memory.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { type DenseColumn, type Design, emptySparseBlock } from "../../model/design.ts";
import type { EstimatorImplementation, FitResult } from "../../model/estimator.ts";
import type { ClustersPredictor, LinearPredictor, Predictor } from "../../model/predictor.ts";
import { refuseMissing } from "../completeness.ts";
import { createPause } from "../pause.ts";
import { addScores, chunkRows } from "../products.ts";
import { type Components, principalComponents } from "./principal.ts";

/**
 * The estimator with the hyperparameter `components`, learning in the space of the train rows' principal components where it
 * is above 0. What it learned is turned back into the columns' own space, so that the model is one like any other and
 * reads, predicts, explains and is exported as such. Notes: `components` and the `variance` share that lies along them.
 */
export function inComponents(estimator: EstimatorImplementation): EstimatorImplementation {
  const fit: EstimatorImplementation["fit"] = async (design, target, hyperparameters, context) => {
    const most = Number(hyperparameters["components"]);
    if (most === 0) return estimator.fit(design, target, hyperparameters, context);
    refuseMissing(estimator.name, design, target);
    const pause = createPause(context, `fitting ${estimator.name}()`);
    const components = await principalComponents(design, target.weights, most, `${estimator.name}.components`, pause);
    // Where no column varies there is nothing to turn.
    if (components.count === 0) return estimator.fit(design, target, hyperparameters, context);
    const projected = await project(design, components, pause);
    // None of these estimators watches validation rows, which would need the same turn.
    const fitted = await estimator.fit(projected, target, hyperparameters, { ...context, validation: null });
    return turnedBack(fitted, components, design);
  };
  return Object.freeze({ ...estimator, fit });
}

/** Rows as their positions along the components. */
async function project(
  design: Design,
  { count, means, directions }: Components,
  pause: () => Promise<void>,
): Promise<Design> {
  const nColumns = means.length;
  const { nRows } = design;
  const dense: DenseColumn[] = [];
  for (let k = 0; k < count; ++k) {
    const values = sharedNumbers(nRows);
    let centre = 0;
    for (let j = 0; j < nColumns; ++j) centre += directions[k * nColumns + j]! * means[j]!;
    values.fill(-centre);
    for (let start = 0; start < nRows; start += chunkRows) {
      addScores(design, directions, k * nColumns, start, Math.min(chunkRows, nRows - start), values, start);
      await pause();
    }
    const name = `component ${k + 1}`;
    dense.push({ name, source: name, values, cardinality: 0 });
  }
  return { nRows, dense, sparse: emptySparseBlock(nRows) };
}

function turnedBack({ predictor, notes }: FitResult, components: Components, design: Design): FitResult {
  const widths = { nDense: design.dense.length, nSparse: design.sparse.names.length };
  return {
    predictor: Object.freeze({ ...inColumns(predictor, components), ...widths }),
    notes: { ...notes, components: components.count, variance: components.share },
  };
}

function inColumns(predictor: Predictor, components: Components): LinearPredictor | ClustersPredictor {
  if (predictor.kind === "linear") return linearInColumns(predictor, components);
  if (predictor.kind === "clusters") return clustersInColumns(predictor, components);
  throw new MillraceError("INTERNAL", { reason: `a predictor of ${predictor.kind} cannot be turned back` });
}

/** w . D(x - mean) = (D'w) . x - (D'w) . mean, for directions D. */
function linearInColumns(predictor: LinearPredictor, { count, means, directions }: Components): LinearPredictor {
  const { outputs } = predictor;
  const nColumns = means.length;
  const coefficients = new Float64Array(outputs * nColumns);
  const intercept = predictor.intercept.slice();
  for (let o = 0; o < outputs; ++o) {
    addTurned(predictor.coefficients, o * count, { count, nColumns, directions }, coefficients, o * nColumns);
    for (let j = 0; j < nColumns; ++j) intercept[o]! -= coefficients[o * nColumns + j]! * means[j]!;
  }
  return { ...predictor, coefficients, intercept };
}

/**
 * Centres where they stand among the columns: mean + D'c. Directions are at right angles, so a row's squared distance to one
 * is that within the components plus its distance from their plane, the same for every centre: the nearest stays nearest.
 */
function clustersInColumns(predictor: ClustersPredictor, { count, means, directions }: Components): ClustersPredictor {
  const nColumns = means.length;
  const clusters = predictor.centres.length / count;
  const centres = new Float64Array(clusters * nColumns);
  for (let c = 0; c < clusters; ++c) {
    centres.set(means, c * nColumns);
    addTurned(predictor.centres, c * count, { count, nColumns, directions }, centres, c * nColumns);
  }
  return { ...predictor, centres };
}

/** out[at + j] += sum over components k of directions[k, j] * values[from + k]. */
function addTurned(
  values: Float64Array, // in
  from: number,
  { count, nColumns, directions }: { count: number; nColumns: number; directions: Float64Array }, // in
  out: Float64Array, // in and out
  at: number,
): void {
  for (let k = 0; k < count; ++k)
    for (let j = 0; j < nColumns; ++j) out[at + j]! += directions[k * nColumns + j]! * values[from + k]!;
}
