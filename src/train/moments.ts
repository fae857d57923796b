import type { Design } from "../model/design.ts";
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
  dense.forEach(({ values }, j) => measureColumn(values, weights, totalWeight, means, variances, j));
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
  for (let j = team.thread; j < dense.length; j += team.threads)
    measureColumn(dense[j]!.values, weights, totalWeight, means, variances, j);
  team.barrier();
  return { means, variances, totalWeight };
}

function totalOf(nRows: number, weights: Float64Array | null): number {
  if (weights === null) return nRows;
  let total = 0;
  for (let row = 0; row < nRows; ++row) total += weights[row]!;
  return total;
}

function measureColumn(
  values: Float64Array, // in
  weights: Float64Array | null, // in
  totalWeight: number,
  means: Float64Array, // out
  variances: Float64Array, // out
  j: number,
): void {
  means[j] = weightedSum(values, 0, 1, weights) / totalWeight;
  variances[j] = weightedSum(values, means[j]!, 2, weights) / totalWeight;
}

/** Sum of weight * (value - centre)^power, power 1 or 2. */
function weightedSum(values: Float64Array, centre: number, power: 1 | 2, weights: Float64Array | null): number {
  let total = 0;
  for (let row = 0; row < values.length; ++row) {
    const distance = values[row]! - centre;
    total += (weights === null ? 1 : weights[row]!) * (power === 1 ? distance : distance * distance);
  }
  return total;
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
