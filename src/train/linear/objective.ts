import type { Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import { type Curvature, diagonalCurvature } from "./curvature.ts";
import type { ChunkLoss } from "./losses.ts";
import { logisticLoss, softmaxLoss, squaredLoss } from "./losses.ts";
import type { Moments } from "../moments.ts";
import { partsOf } from "../parts.ts";
import { addGradient, addScores, chunkRows } from "../products.ts";
import type { RowBlocks } from "../row-blocks.ts";
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

/** An objective whose value may have to be waited for. */
export interface Minimisable extends Pick<Objective, "nParameters" | "curvature"> {
  evaluate(parameters: Float64Array, gradient: Float64Array): number | Promise<number>;
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
  const { team, sums } = shared ?? { team: alone, sums: new Float64Array(sumsLength(design, outputsOf(target))) };
  const { nParts, rangeOf } = partsOf(design.nRows);
  const { begin, addChunk, finish, ...known } = createSums(target, l2, moments, loss, sums);
  return {
    ...known,
    evaluate(parameters, gradient) {
      for (let part = team.thread; part < nParts; part += team.threads) {
        begin(part, parameters);
        const [from, to] = rangeOf(part);
        for (let start = from; start < to; start += chunkRows)
          addChunk(part, parameters, { design, at: start }, start, Math.min(chunkRows, to - start));
      }
      team.barrier();
      const value = finish(parameters, gradient);
      team.barrier();
      return value;
    },
  };
}

/** The same logistic objective over rows of which a block is in memory at a time, each beginning at a multiple of `chunkRows`; awaits `pause` after each. */
export function createStreamedObjective(
  rows: RowBlocks,
  target: Target,
  l2: number,
  moments: Moments,
  pause: () => Promise<void>,
): Omit<Objective, "evaluate"> & Minimisable {
  const { nParts, partOf } = partsOf(rows.nRows);
  const sums = new Float64Array(nParts * widthOf(moments.means.length, outputsOf(target)));
  const { begin, addChunk, finish, ...known } = createSums(target, l2, moments, squared, sums);
  return {
    ...known,
    async evaluate(parameters, gradient) {
      for (let part = 0; part < nParts; ++part) begin(part, parameters);
      for (const { from, design } of rows.blocks()) {
        for (let at = 0; at < design.nRows; at += chunkRows)
          addChunk(partOf(from + at), parameters, { design, at }, from + at, Math.min(chunkRows, design.nRows - at));
        await pause();
      }
      return finish(parameters, gradient);
    },
  };
}

const outputsOf = (target: Target): number => (target.task === "multiclass" ? target.nLabels : 1);

/** An objective summed by parts, and what is known of it without the rows. */
interface Sums extends Omit<Objective, "evaluate"> {
  /** Empties a part's sums. */
  begin(part: number, parameters: Float64Array): void;
  /** Adds up to `chunkRows` rows to a part, the first of them number `start` of all: those from number `at` on of a design. */
  addChunk(
    part: number,
    parameters: Float64Array,
    rows: { readonly design: Design; readonly at: number },
    start: number,
    count: number,
  ): void;
  /** The value from the sums of all parts, in order; overwrites `gradient`. */
  finish(parameters: Float64Array, gradient: Float64Array): number;
}

function createSums(target: Target, l2: number, moments: Moments, loss: RegressionLoss, sums: Float64Array): Sums {
  const outputs = outputsOf(target);
  const nColumns = moments.means.length;
  const nCoefficients = outputs * nColumns;
  const { means } = moments;
  const lossOf = chunkLossOf(target, loss);
  const scores = new Float64Array(outputs * chunkRows);
  const shifts = new Float64Array(outputs);
  const width = widthOf(nColumns, outputs);
  return {
    nParameters: nCoefficients + outputs,
    curvature: curvatureOf(outputs, moments, target.task === "regression" ? loss.curvature : 0.25, l2),
    begin(part, parameters) {
      centredIntercepts(parameters, means, outputs, shifts);
      sums.fill(0, part * width, (part + 1) * width);
    },
    addChunk(part, parameters, { design, at }, start, count) {
      const own = sums.subarray(part * width, (part + 1) * width);
      for (let k = 0; k < outputs; ++k) {
        scores.fill(shifts[k]!, k * chunkRows, k * chunkRows + count);
        addScores(design, parameters, k * nColumns, at, count, scores, k * chunkRows);
      }
      own[width - 1]! += lossOf(target, start, count, scores, chunkRows);
      for (let k = 0; k < outputs; ++k) {
        own[nCoefficients + k]! += sumOfRange(scores, k * chunkRows, count);
        addGradient(design, scores, k * chunkRows, at, count, own, k * nColumns);
      }
    },
    finish: (parameters, gradient) => meanOf(parameters, gradient, sums, l2, moments, outputs),
    uncentre(parameters) {
      const intercept = new Float64Array(outputs);
      centredIntercepts(parameters, means, outputs, intercept);
      return { coefficients: parameters.slice(0, nCoefficients), intercept };
    },
  };
}

/** Adds up the sums of all parts, turns them into the mean and adds what centring and the penalty contribute. */
function meanOf(
  parameters: Float64Array, // in
  gradient: Float64Array, // out
  sums: Float64Array, // in
  l2: number,
  { means, totalWeight }: Moments, // in
  outputs: number,
): number {
  const nColumns = means.length;
  const width = widthOf(nColumns, outputs);
  gradient.fill(0);
  let loss = 0;
  for (let at = 0; at < sums.length; at += width) {
    for (let i = 0; i < gradient.length; ++i) gradient[i]! += sums[at + i]!;
    loss += sums[at + width - 1]!;
  }
  let squares = 0;
  for (let k = 0; k < outputs; ++k) {
    const residualSum = gradient[outputs * nColumns + k]!;
    for (let j = 0, i = k * nColumns; j < nColumns; ++j, ++i) {
      const coefficient = parameters[i]!;
      squares += coefficient * coefficient;
      gradient[i] = (gradient[i]! - means[j]! * residualSum + l2 * coefficient) / totalWeight;
    }
    gradient[outputs * nColumns + k] = residualSum / totalWeight;
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
