import { log } from "../../math/elementary.ts";
import { emptySparseBlock, type Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import { labelWeights } from "../class-weights.ts";
import { diagonalCurvature } from "../linear/curvature.ts";
import { minimise, type SolverOptions } from "../linear/lbfgs.ts";
import { softmaxLoss } from "../linear/losses.ts";
import { createObjective } from "../linear/objective.ts";
import { momentsOf } from "../moments.ts";
import { chunkRows } from "../products.ts";

/** Margins become scores of probabilities as slope * margin + shifts[k]. */
export interface Calibration {
  readonly slope: number;
  readonly shifts: Float64Array;
}

type Options = Pick<SolverOptions, "afterIteration">;

/** Slopes never fall below it: where margins tell nothing of held-out rows, their order is kept all the same. */
const leastSlope = 1e-6;
const limits = { maxIterations: 200, tolerance: 1e-9 };

/**
 * Two labels: Platt's sigmoid (1999), fitted to margins of held-out rows; the targets are drawn in from 0 and 1 by one row of
 * each label, so that the slope stays finite where margins separate the labels.
 */
export async function calibrateTwo(
  margins: Float64Array,
  target: Target,
  { afterIteration }: Options,
): Promise<Calibration> {
  const totals = labelWeights(target);
  const high = (totals[1]! + 1) / (totals[1]! + 2);
  const low = 1 / (totals[0]! + 2);
  const smoothed = { ...target, values: target.values.map((label) => (label === 1 ? high : low)) };
  const dense = [{ name: "margin", source: "margin", values: margins, cardinality: 0 }];
  const design: Design = { nRows: margins.length, dense, sparse: emptySparseBlock(margins.length) };
  const objective = createObjective(design, smoothed, 0, momentsOf(design, target.weights));
  const { coefficients, intercept } = objective.uncentre(
    (await minimise(objective, { ...limits, afterIteration })).parameters,
  );
  if (coefficients[0]! >= leastSlope) return { slope: coefficients[0]!, shifts: intercept };
  const mean = (high * totals[1]! + low * totals[0]!) / (totals[0]! + totals[1]!);
  return { slope: leastSlope, shifts: Float64Array.of(log(mean / (1 - mean))) };
}

/**
 * More labels: one slope and a shift a label under softmax, of least multinomial loss plus half the squares of them all, which
 * keeps them finite where margins separate the labels or a label has no rows. `margins` holds one run of rows a label.
 */
export async function calibrateMany(
  margins: Float64Array,
  target: Target,
  { afterIteration }: Options,
): Promise<Calibration> {
  const { nLabels } = target;
  const nRows = target.values.length;
  const total = labelWeights(target).reduce((sum, weight) => sum + weight, 0);
  const lossOf = softmaxLoss(nLabels);
  const scores = new Float64Array(nLabels * chunkRows);
  const evaluate = (parameters: Float64Array, gradient: Float64Array): number => {
    gradient.set(parameters);
    let loss = 0;
    for (let i = 0; i < parameters.length; ++i) loss += (parameters[i]! * parameters[i]!) / 2;
    for (let start = 0; start < nRows; start += chunkRows) {
      const count = Math.min(chunkRows, nRows - start);
      for (let k = 0; k < nLabels; ++k)
        for (let r = 0; r < count; ++r)
          scores[k * chunkRows + r] = parameters[0]! * margins[k * nRows + start + r]! + parameters[k + 1]!;
      loss += lossOf(target, start, count, scores, chunkRows);
      for (let k = 0; k < nLabels; ++k)
        for (let r = 0; r < count; ++r) {
          const residual = scores[k * chunkRows + r]!;
          gradient[0]! += residual * margins[k * nRows + start + r]!;
          gradient[k + 1]! += residual;
        }
    }
    for (let i = 0; i < gradient.length; ++i) gradient[i]! /= total;
    return loss / total;
  };
  const curvature = diagonalCurvature(new Float64Array(nLabels + 1).fill(0.25));
  const objective = { nParameters: nLabels + 1, curvature, evaluate };
  const { parameters } = await minimise(objective, { ...limits, afterIteration });
  return { slope: Math.max(leastSlope, parameters[0]!), shifts: parameters.slice(1) };
}
