import type { Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import { type Curvature, diagonalCurvature } from "./curvature.ts";
import type { ChunkLoss } from "./losses.ts";
import { logisticLoss, softmaxLoss, squaredLoss } from "./losses.ts";
import type { Moments } from "../moments.ts";
import { partsOf } from "../parts.ts";
import { addGradient, addScores, chunkRows } from "../products.ts";
import type { Team } from "../../threads/team.ts";

/**
 * A smooth convex function to minimise. Parameters: one run of column coefficients an output, then one intercept an
 * output. Scores are taken of centred columns, which frees the intercept from the coefficients and spares the solver
 * long narrow valleys; `uncentre` turns the intercepts into those of the columns as they are.
 */
export interface Objective {
  readonly nParameters: number;
  readonly curvature: Curvature;
  /** The value; overwrites `gradient`. */
  evaluate(parameters: Float64Array, gradient: Float64Array): number;
  uncentre(parameters: Float64Array): { readonly coefficients: Float64Array; readonly intercept: Float64Array };
}

/** A loss of numbers, with a guess of its second derivative by the score. */
export interface RegressionLoss {
  readonly chunkLoss: ChunkLoss;
  readonly curvature: number;
}

const squared: RegressionLoss = Object.freeze({ chunkLoss: squaredLoss, curvature: 1 });

/** Threads take the parts in turn, and then each adds up all of them. */
export interface PartSums {
  readonly team: Pick<Team, "thread" | "threads" | "barrier">;
  /** `sumsLength` numbers, which the threads share. */
  readonly sums: Float64Array;
}

/** Of a part: a gradient, the sums of the residuals, the loss. */
const widthOf = (nColumns: number, outputs: number): number => outputs * (nColumns + 1) + 1;

/** Numbers in the sums of all parts. */
export function sumsLength({ nRows, dense, sparse }: Design, outputs: number): number {
  return partsOf(nRows).nParts * widthOf(dense.length + sparse.names.length, outputs);
}

const alone = Object.freeze({ thread: 0, threads: 1, barrier: () => {} });

/**
 * (sum of weight * loss + l2 / 2 * squared coefficients) / total weight, the loss following from the task: that of numbers
 * given (half the squared residual), logistic, or multinomial with one output a label. Intercepts are not penalised.
 * In a team, all threads evaluate at the same parameters and get the same bits, as one alone does.
 */
export function createObjective(
  design: Design,
  target: Target,
  l2: number,
  moments: Moments,
  loss: RegressionLoss = squared,
  shared?: PartSums,
): Objective {
  const outputs = target.task === "multiclass" ? target.nLabels : 1;
  const nColumns = moments.means.length;
  const nCoefficients = outputs * nColumns;
  const { means } = moments;
  const lossOf = chunkLossOf(target, loss);
  const scores = new Float64Array(outputs * chunkRows);
  const residualSums = new Float64Array(outputs);
  const shifts = new Float64Array(outputs);
  const { team, sums } = shared ?? { team: alone, sums: new Float64Array(sumsLength(design, outputs)) };
  const width = widthOf(nColumns, outputs);
  const { nParts, rangeOf } = partsOf(design.nRows);
  const sumPart = (part: number, parameters: Float64Array): void => {
    const own = sums.subarray(part * width, (part + 1) * width).fill(0);
    const [from, to] = rangeOf(part);
    for (let start = from; start < to; start += chunkRows) {
      const count = Math.min(chunkRows, to - start);
      for (let k = 0; k < outputs; ++k) {
        scores.fill(shifts[k]!, k * chunkRows, k * chunkRows + count);
        addScores(design, parameters, k * nColumns, start, count, scores, k * chunkRows);
      }
      own[width - 1]! += lossOf(target, start, count, scores, chunkRows);
      for (let k = 0; k < outputs; ++k) {
        own[nCoefficients + k]! += sumOfRange(scores, k * chunkRows, count);
        addGradient(design, scores, k * chunkRows, start, count, own, k * nColumns);
      }
    }
  };
  return {
    nParameters: nCoefficients + outputs,
    curvature: curvatureOf(outputs, moments, target.task === "regression" ? loss.curvature : 0.25, l2),
    evaluate(parameters, gradient) {
      centredIntercepts(parameters, means, outputs, shifts);
      for (let part = team.thread; part < nParts; part += team.threads) sumPart(part, parameters);
      team.barrier();
      gradient.fill(0);
      residualSums.fill(0);
      let loss = 0;
      for (let part = 0; part < nParts; ++part) {
        const at = part * width;
        for (let i = 0; i < nCoefficients; ++i) gradient[i]! += sums[at + i]!;
        for (let k = 0; k < outputs; ++k) residualSums[k]! += sums[at + nCoefficients + k]!;
        loss += sums[at + width - 1]!;
      }
      team.barrier();
      return finish(parameters, gradient, residualSums, loss, l2, moments);
    },
    uncentre(parameters) {
      const intercept = new Float64Array(outputs);
      centredIntercepts(parameters, means, outputs, intercept);
      return { coefficients: parameters.slice(0, nCoefficients), intercept };
    },
  };
}

/** Turns sums into the mean and adds what centring and the penalty contribute. */
function finish(
  parameters: Float64Array,
  gradient: Float64Array,
  residualSums: Float64Array,
  loss: number,
  l2: number,
  moments: Moments,
): number {
  const { means, totalWeight } = moments;
  const nColumns = means.length;
  let squares = 0;
  for (let k = 0; k < residualSums.length; ++k) {
    for (let j = 0, i = k * nColumns; j < nColumns; ++j, ++i) {
      const coefficient = parameters[i]!;
      squares += coefficient * coefficient;
      gradient[i] = (gradient[i]! - means[j]! * residualSums[k]! + l2 * coefficient) / totalWeight;
    }
    gradient[residualSums.length * nColumns + k] = residualSums[k]! / totalWeight;
  }
  return (loss + 0.5 * l2 * squares) / totalWeight;
}

/** intercepts[k] = the parameter's intercept - sum of mean * coefficient. */
function centredIntercepts(
  parameters: Float64Array,
  means: Float64Array,
  outputs: number,
  intercepts: Float64Array,
): void {
  const nColumns = means.length;
  for (let k = 0; k < outputs; ++k) {
    let intercept = parameters[outputs * nColumns + k]!;
    for (let j = 0; j < nColumns; ++j) intercept -= means[j]! * parameters[k * nColumns + j]!;
    intercepts[k] = intercept;
  }
}

function curvatureOf(outputs: number, moments: Moments, scale: number, l2: number): Curvature {
  const { variances, totalWeight } = moments;
  const nColumns = variances.length;
  const diagonal = new Float64Array(outputs * nColumns + outputs).fill(scale);
  for (let i = 0; i < outputs * nColumns; ++i) {
    const estimate = scale * variances[i % nColumns]! + l2 / totalWeight;
    if (estimate > 0) diagonal[i] = estimate;
  }
  return diagonalCurvature(diagonal);
}

function chunkLossOf(target: Target, loss: RegressionLoss): ChunkLoss {
  if (target.task === "regression") return loss.chunkLoss;
  return target.task === "binary" ? logisticLoss : softmaxLoss(target.nLabels);
}

function sumOfRange(values: Float64Array, from: number, count: number): number {
  let total = 0;
  for (let i = from; i < from + count; ++i) total += values[i]!;
  return total;
}
