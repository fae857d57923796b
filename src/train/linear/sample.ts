import { sharedNumbers } from "../../core/shared-memory.ts";
import { exp } from "../../math/elementary.ts";
import { choleskyFactor } from "../../math/linear-algebra.ts";
import { type Design, emptySparseBlock, rowRange, takeValues } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import type { Team } from "../../threads/team.ts";
import { centredProducts } from "../centred-products.ts";
import { type Moments, momentsOf } from "../moments.ts";
import { addScores } from "../products.ts";
import type { RowBlocks } from "../row-blocks.ts";
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
export function sampleSize({ dense, sparse }: Pick<Design, "dense" | "sparse">, { task, values }: Target): number {
  if (task !== "binary" || sparse.names.length > 0) return 0;
  const nRows = values.length;
  const nParameters = dense.length + 1;
  let nPositive = 0;
  for (let row = 0; row < nRows; ++row) nPositive += values[row]!;
  const share = nPositive / nRows;
  const size = Math.ceil((rowsPerParameter * nParameters) / (4 * share * (1 - share)));
  return size * Math.max(leastRatio, nParameters / 4) <= nRows ? size : 0;
}

export function sampleMemory({ dense }: Pick<Design, "dense">, size: number): SampleMemory {
  return {
    columns: sharedNumbers(dense.length * size),
    products: sharedNumbers(nStretches * (dense.length + 1) ** 2),
  };
}

/**
 * Solves logistic regression over a sample, as `takeSample` gives it. From there, with the sample's second derivatives, all rows are
 * a few steps of Newton's away (Byrd et al. 2011). `moments`, `l2` and the parameters are those of all rows. The
 * threads of a team call it alike and get the same; null where the sample says nothing.
 */
export async function leadOfSample(
  sample: Design,
  target: Target,
  l2: number,
  moments: Moments,
  { team, memory }: { readonly team: Team; readonly memory: SampleMemory },
): Promise<Lead | null> {
  const rows = spreadRows(target.values.length, sample.nRows);
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

/** A sample of so many rows; the threads of a team take its columns in turn. */
export function takeSample(
  { nRows, dense }: Design,
  size: number,
  team: Pick<Team, "thread" | "threads" | "barrier">,
  memory: SampleMemory,
): Design {
  const sample = sampleOf(dense, size, memory);
  const rows = spreadRows(nRows, size);
  for (let j = team.thread; j < dense.length; j += team.threads) {
    const own = sample.dense[j]!.values;
    const { values } = dense[j]!;
    for (let i = 0; i < size; ++i) own[i] = values[rows[i]!]!;
  }
  team.barrier();
  return sample;
}

/** The same sample of rows of which a block is in memory at a time; awaits `pause` after each. */
export async function takeStreamedSample(
  { nRows, blocks }: RowBlocks,
  { dense }: Pick<Design, "dense">,
  size: number,
  memory: SampleMemory,
  pause: () => Promise<void>,
): Promise<Design> {
  const sample = sampleOf(dense, size, memory);
  const rows = spreadRows(nRows, size);
  let taken = 0;
  for (const { from, design } of blocks()) {
    const first = taken;
    while (taken < size && rows[taken]! < from + design.nRows) ++taken;
    for (let j = 0; j < dense.length; ++j)
      for (let i = first; i < taken; ++i) sample.dense[j]!.values[i] = design.dense[j]!.values[rows[i]! - from]!;
    await pause();
  }
  return sample;
}

function sampleOf(dense: Design["dense"], size: number, { columns }: SampleMemory): Design {
  const own = dense.map((column, j) => ({ ...column, values: columns.subarray(j * size, (j + 1) * size) }));
  return { nRows: size, dense: own, sparse: emptySparseBlock(size) };
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
