import type { Design } from "../model/design.ts";
import type { RowBlocks } from "./row-blocks.ts";
import type { Team } from "../threads/team.ts";

/** Weighted mean and variance of every design column, dense columns first. */
export interface Moments {
  readonly means: Float64Array;
  readonly variances: Float64Array;
  /** Sum of the row weights. */
  readonly totalWeight: number;
}

/** Moments in two passes over dense columns; sparse ones in one, from sums over their entries. */
export function momentsOf(design: Design, weights: Float64Array | null): Moments {
  const { nRows, dense, sparse } = design;
  const nColumns = dense.length + sparse.names.length;
  const means = new Float64Array(nColumns);
  const variances = new Float64Array(nColumns);
  const totalWeight = totalOf(nRows, weights);
  for (let j = 0; j < dense.length; j += side) measureColumns(dense, weights, totalWeight, means, variances, j);
  addSparseSums(design, weights, means, variances);
  for (let j = dense.length; j < nColumns; ++j) {
    const mean = means[j]! / totalWeight;
    means[j] = mean;
    variances[j] = Math.max(variances[j]! / totalWeight - mean * mean, 0);
  }
  return { means, variances, totalWeight };
}

/**
 * The moments of dense columns, which the threads of a team take in turn: the same as alone. Every thread calls it with the
 * same two arrays of one element a column, in memory they share.
 */
export function momentsInTeam(
  { nRows, dense }: Pick<Design, "nRows" | "dense">,
  weights: Float64Array | null,
  team: Pick<Team, "thread" | "threads" | "barrier">,
  { means, variances }: Pick<Moments, "means" | "variances">,
): Moments {
  const totalWeight = totalOf(nRows, weights);
  for (let j = side * team.thread; j < dense.length; j += side * team.threads)
    measureColumns(dense, weights, totalWeight, means, variances, j);
  team.barrier();
  return { means, variances, totalWeight };
}

function totalOf(nRows: number, weights: Float64Array | null): number {
  if (weights === null) return nRows;
  let total = 0;
  for (let row = 0; row < nRows; ++row) total += weights[row]!;
  return total;
}

/** Columns summed side by side: a sum alone waits for each of its additions. */
const side = 4;
const chunkRows = 1024;
const ones = new Float64Array(chunkRows).fill(1);

/** Writes the moments of the columns from number `first` on, up to `side` of them. */
function measureColumns(
  dense: Design["dense"], // in
  weights: Float64Array | null, // in
  totalWeight: number,
  means: Float64Array, // out
  variances: Float64Array, // out
  first: number,
): void {
  const end = Math.min(first + side, dense.length);
  const columns = sideBySide(dense, first);
  const [sums, squares] = [new Float64Array(side), new Float64Array(side)];
  forChunks(columns[0]!.length, weights, (...chunk) => addSums(columns, ...chunk, sums));
  const centres = sums.map((sum) => sum / totalWeight);
  forChunks(columns[0]!.length, weights, (...chunk) => addSquares(columns, centres, ...chunk, squares));
  for (let j = first; j < end; ++j) {
    means[j] = centres[j - first]!;
    variances[j] = squares[j - first]! / totalWeight;
  }
}

/** The columns from number `first` on; places too many repeat the last. */
function sideBySide(dense: Design["dense"], first: number): readonly Float64Array[] {
  return Array.from({ length: side }, (_, i) => dense[Math.min(first + i, dense.length - 1)]!.values);
}

/** The moments of dense columns from two passes over blocks of rows: the same as of all rows at once. Awaits `pause` after each. */
export async function momentsOfBlocks(
  { nRows, blocks }: RowBlocks,
  nColumns: number,
  weights: Float64Array | null,
  pause: () => Promise<void>,
): Promise<Moments> {
  const totalWeight = totalOf(nRows, weights);
  const groups = Array.from({ length: Math.ceil(nColumns / side) }, (_, group) => group * side);
  const [means, variances] = [0, 1].map(() => new Float64Array(groups.length * side)) as [Float64Array, Float64Array];
  const pass = async (
    add: (columns: readonly Float64Array[], first: number, ...chunk: Chunk) => void,
  ): Promise<void> => {
    for (const { from, design } of blocks()) {
      const own = weights && weights.subarray(from, from + design.nRows);
      for (const first of groups) {
        const columns = sideBySide(design.dense, first);
        forChunks(design.nRows, own, (...chunk) => add(columns, first, ...chunk));
      }
      await pause();
    }
  };
  const ofGroup = (all: Float64Array, first: number): Float64Array => all.subarray(first, first + side);
  await pass((columns, first, ...chunk) => addSums(columns, ...chunk, ofGroup(means, first)));
  for (let j = 0; j < means.length; ++j) means[j]! /= totalWeight;
  await pass((columns, first, ...chunk) =>
    addSquares(columns, ofGroup(means, first), ...chunk, ofGroup(variances, first)),
  );
  for (let j = 0; j < variances.length; ++j) variances[j]! /= totalWeight;
  return { means: means.slice(0, nColumns), variances: variances.slice(0, nColumns), totalWeight };
}

/** First row and number of rows of a chunk; the weights, and where among them the first row's stands. */
type Chunk = readonly [start: number, count: number, weights: Float64Array, from: number];

/** Calls `add` for one chunk of rows after the other; the weight of row `start` + r stands at `from` + r. */
function forChunks(nRows: number, weights: Float64Array | null, add: (...chunk: Chunk) => void): void {
  for (let start = 0; start < nRows; start += chunkRows) {
    const count = Math.min(chunkRows, nRows - start);
    if (weights === null) add(start, count, ones, 0);
    else add(start, count, weights, start);
  }
}

/** Adds weight * value of four columns. */
function addSums(
  columns: readonly Float64Array[], // in
  start: number,
  count: number,
  weights: Float64Array, // in
  from: number,
  sums: Float64Array, // in and out
): void {
  const x0 = columns[0]!;
  const x1 = columns[1]!;
  const x2 = columns[2]!;
  const x3 = columns[3]!;
  let s0 = sums[0]!;
  let s1 = sums[1]!;
  let s2 = sums[2]!;
  let s3 = sums[3]!;
  for (let r = 0; r < count; ++r) {
    const weight = weights[from + r]!;
    const row = start + r;
    s0 += weight * x0[row]!;
    s1 += weight * x1[row]!;
    s2 += weight * x2[row]!;
    s3 += weight * x3[row]!;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

/** Adds weight * (value - centre)^2 of four columns. */
function addSquares(
  columns: readonly Float64Array[], // in
  centres: Float64Array, // in
  start: number,
  count: number,
  weights: Float64Array, // in
  from: number,
  sums: Float64Array, // in and out
): void {
  const x0 = columns[0]!;
  const x1 = columns[1]!;
  const x2 = columns[2]!;
  const x3 = columns[3]!;
  const c0 = centres[0]!;
  const c1 = centres[1]!;
  const c2 = centres[2]!;
  const c3 = centres[3]!;
  let s0 = sums[0]!;
  let s1 = sums[1]!;
  let s2 = sums[2]!;
  let s3 = sums[3]!;
  for (let r = 0; r < count; ++r) {
    const weight = weights[from + r]!;
    const row = start + r;
    const d0 = x0[row]! - c0;
    const d1 = x1[row]! - c1;
    const d2 = x2[row]! - c2;
    const d3 = x3[row]! - c3;
    s0 += weight * (d0 * d0);
    s1 += weight * (d1 * d1);
    s2 += weight * (d2 * d2);
    s3 += weight * (d3 * d3);
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

function addSparseSums(design: Design, weights: Float64Array | null, sums: Float64Array, squares: Float64Array): void {
  const { offsets, indices, values } = design.sparse;
  const from = design.dense.length;
  for (let row = 0; row < design.nRows; ++row) {
    const weight = weights === null ? 1 : weights[row]!;
    const end = offsets[row + 1]!;
    for (let e = offsets[row]!; e < end; ++e) {
      sums[from + indices[e]!]! += weight * values[e]!;
      squares[from + indices[e]!]! += weight * values[e]! * values[e]!;
    }
  }
}
