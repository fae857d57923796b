import { takeRows, takeValues, type Design } from "../../model/design.ts";
import type { EstimatorImplementation, FitResult, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { NeighborsPredictor } from "../../model/predictor.ts";
import { refuseMissing } from "../completeness.ts";
import { neighborsHyperparameters } from "./hyperparameters.ts";
import { orderRows } from "./order.ts";

/**
 * Nearest neighbours (Fix and Hodges 1951): the train rows themselves are the model, and the nearest of them in prepared
 * columns answer: the mean of their values or the shares of their labels. Row weights weigh votes; rows of weight 0 are
 * left out.
 */
export const neighborsEstimator: EstimatorImplementation = Object.freeze({
  name: "neighbors",
  tasks: Object.freeze(["regression", "binary", "multiclass"] as const),
  style: "dense",
  hyperparameters: neighborsHyperparameters,
  fit: async (design: Design, target: Target, hyperparameters: HyperparameterValues) =>
    fit(design, target, hyperparameters),
});

function fit(given: Design, target: Target, hyperparameters: HyperparameterValues): FitResult {
  refuseMissing("neighbors", given, target);
  const { weights, task, nLabels } = target;
  // Halves of what is left after rows of weight 0 stay near each other.
  const order = orderRows(given).filter((row) => weights === null || weights[row]! > 0);
  const { dense, sparse, nRows } = takeRows(given, order);
  const points = new Float64Array(nRows * dense.length);
  dense.forEach(({ values }, j) => {
    for (let row = 0; row < nRows; ++row) points[row * dense.length + j] = values[row]!;
  });
  const predictor: NeighborsPredictor = Object.freeze({
    kind: "neighbors",
    link: task === "regression" ? "identity" : "share",
    outputs: task === "multiclass" ? nLabels : 1,
    nDense: dense.length,
    nSparse: sparse.names.length,
    neighbors: Math.min(Number(hyperparameters["neighbors"]), nRows),
    weighting: hyperparameters["weighting"] === "distance" ? "distance" : "uniform",
    points,
    offsets: sparse.offsets,
    indices: sparse.indices,
    entries: sparse.values,
    values: takeValues(target.values, order),
    weights: weights === null ? new Float64Array(nRows).fill(1) : takeValues(weights, order),
  });
  return { predictor, notes: { rows: nRows } };
}
