import { sharedNumbers } from "../../core/shared-memory.ts";
import { exp } from "../../math/elementary.ts";
import { choleskyFactor } from "../../math/linear-algebra.ts";
import { type Design, emptySparseBlock, rowRange, takeValues } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import type { Team } from "../../threads/team.ts";
import { centredProducts } from "../centred-products.ts";
import { type Moments, momentsOf } from "../moments.ts";
import { addScores } from "../products.ts";
import { type Curvature, factoredCurvature } from "./curvature.ts";
import { minimise } from "./lbfgs.ts";
import { createObjective } from "./objective.ts";

/** With so many rows of labels in balance for each parameter, the curvature of a sample is that of all rows to about a tenth. */
const rowsPerParameter = 400;
/** With fewer rows for each of a sample, what it saves is not worth its cost. */
const leastRatio = 10;
/** What is left to descend after so many iterations is less than a sample is off by. */
const maxIterations = 16;
/** Stretches of a sample, which threads take in turn. Part of the summation order: never to depend on the machine. */
const nStretches = 8;

/** What a sample of the rows says of the minimum over all of them. */
export interface Lead {
  /** The parameters where the sample's own minimum is. */
  readonly start: Float64Array;
  readonly curvature: Curvature;
}

/** Written by all threads of a team. */
export interface SampleMemory {
  /** The sample's columns, one after the other. */
  readonly columns: Float64Array;
  /** By stretch: a matrix of second derivatives. */
  readonly products: Float64Array;
}

/**
 * How many rows of a binary target make a sample that a fit gains by; 0 where none does: rows are few for their columns, or
 * one label is too rare. The matrix of its second derivatives must cost no more than a gradient over all rows.
 */
export function sampleSize({ nRows, dense, sparse }: Design, { task, values }: Target): number {
  if (task !== "binary" || sparse.names.length > 0) return 0;
  const nParameters = dense.length + 1;
  let nPositive = 0;
  for (let row = 0; row < nRows; ++row) nPositive += values[row]!;
  const share = nPositive / nRows;
  const size = Math.ceil((rowsPerParameter * nParameters) / (4 * share * (1 - share)));
  return size * Math.max(leastRatio, nParameters / 4) <= nRows ? size : 0;
}

export function sampleMemory({ dense }: Design, size: number): SampleMemory {
  return {
    columns: sharedNumbers(dense.length * size),
    products: sharedNumbers(nStretches * (dense.length + 1) ** 2),
  };
}

/**
 * Solves logistic regression over a sample of `size` rows. From there, with the sample's second derivatives, all rows are
 * a few steps of Newton's away (Byrd et al. 2011). `moments`, `l2` and the parameters are those of all rows. The
 * threads of a team call it alike and get the same; null where the sample says nothing.
 */
export async function leadOfSample(
  design: Design,
  target: Target,
  l2: number,
  moments: Moments,
  size: number,
  { team, memory }: { readonly team: Team; readonly memory: SampleMemory },
): Promise<Lead | null> {
  const rows = spreadRows(design.nRows, size);
  const sample = takeSample(design, rows, team, memory);
  const weights = target.weights && takeValues(target.weights, rows);
  const { variances, totalWeight } = momentsOf(sample, weights);
  if (!(totalWeight > 0)) return null;
  const values = takeValues(target.values, rows);
  const share = (l2 * totalWeight) / moments.totalWeight;
  const objective = createObjective(sample, { ...target, values, weights }, share, { ...moments, totalWeight });
  const options = { maxIterations, tolerance: 0, afterIteration: () => team.pause() };
  const { parameters: start } = await minimise(objective, options);
  const { coefficients, intercept } = objective.uncentre(start);
  const bends = bendsOf(sample, weights, coefficients, intercept[0]!);
  const n = start.length;
  const matrix = await secondDerivatives(sample, bends, moments.means, team, memory);
  const mean = matrix[n * n - 1]! / totalWeight;
  for (let i = 0; i < matrix.length; ++i) matrix[i]! /= totalWeight;
  // What a sample lacks of a column's variance, of which rare values may make the most, bends at the mean of all rows.
  for (let j = 0; j < n - 1; ++j)
    matrix[j * n + j]! += l2 / moments.totalWeight + mean * Math.max(0, moments.variances[j]! - variances[j]!);
  return choleskyFactor(matrix, n) ? { start, curvature: factoredCurvature(matrix, n) } : null;
}

/** As many rows of all, ascending: one of each stretch of equal length, at a place that follows no period (golden ratio). */
function spreadRows(nRows: number, size: number): Uint32Array {
  const ratio = (Math.sqrt(5) - 1) / 2;
  return Uint32Array.from({ length: size }, (_, i) => Math.floor(((i + ((i * ratio) % 1)) * nRows) / size));
}

function takeSample(
  { dense }: Design,
  rows: Uint32Array,
  team: Pick<Team, "thread" | "threads" | "barrier">,
  { columns }: SampleMemory,
): Design {
  const nRows = rows.length;
  const ownOf = (j: number): Float64Array => columns.subarray(j * nRows, (j + 1) * nRows);
  for (let j = team.thread; j < dense.length; j += team.threads) {
    const own = ownOf(j);
    const { values } = dense[j]!;
    for (let i = 0; i < nRows; ++i) own[i] = values[rows[i]!]!;
  }
  team.barrier();
  return {
    nRows,
    dense: dense.map((column, j) => ({ ...column, values: ownOf(j) })),
    sparse: emptySparseBlock(nRows),
  };
}

/** Of each row its weight times the second derivative of its loss by the score, p (1 - p). */
function bendsOf(
  design: Design,
  weights: Float64Array | null,
  coefficients: Float64Array,
  intercept: number,
): Float64Array {
  const bends = new Float64Array(design.nRows).fill(intercept);
  addScores(design, coefficients, 0, 0, design.nRows, bends, 0);
  for (let row = 0; row < bends.length; ++row) {
    const small = exp(-Math.abs(bends[row]!));
    bends[row] = ((weights === null ? 1 : weights[row]!) * small) / ((1 + small) * (1 + small));
  }
  return bends;
}

/** The lower triangle of the sum of `bends` times the products of centred columns and, last, the intercept's 1. */
async function secondDerivatives(
  sample: Design,
  bends: Float64Array,
  means: Float64Array,
  team: Team,
  { products }: SampleMemory,
): Promise<Float64Array> {
  const size = sample.nRows;
  const width = products.length / nStretches;
  const ones = new Float64Array(size).fill(1);
  for (let stretch = team.thread; stretch < nStretches; stretch += team.threads) {
    const [from, to] = [stretch, stretch + 1].map((at) => Math.floor((at * size) / nStretches)) as [number, number];
    const last = { values: ones.subarray(from, to), mean: 0 };
    const part = rowRange(sample, from, to);
    const own = await centredProducts(part, bends.subarray(from, to), means, last, () => team.pause());
    products.set(own, stretch * width);
  }
  team.barrier();
  const total = products.slice(0, width);
  for (let i = width; i < products.length; ++i) total[i % width]! += products[i]!;
  return total;
}
