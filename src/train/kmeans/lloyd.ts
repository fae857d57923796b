import type { Design } from "../../model/design.ts";
import { assignRows } from "./distances.ts";
import { placeCentre } from "./start.ts";

const maxIterations = 300;
/** Share of the columns' mean variance by which the centres, squared and summed, must move to go on; as scikit-learn's `tol`. */
const tolerance = 1e-4;

/** What the algorithm needs to know about the rows beside the design. */
export interface RowMeasures {
  /** Squared length of every row. */
  readonly norms: Float64Array;
  readonly weights: Float64Array | null;
  /** Variance of a column, on average. */
  readonly meanVariance: number;
}

export interface Clustering {
  readonly centres: Float64Array;
  /** Weighted sum of squared distances from the nearest centre. */
  readonly inertia: number;
  readonly iterations: number;
}

/**
 * Lloyd's algorithm from given centres: assign every row to its nearest centre, move every centre to the mean of its rows,
 * until no row changes, the centres hardly move or 300 iterations are over. A centre that lost its rows starts anew at the row farthest from its own.
 */
export async function improveCentres(
  design: Design,
  rows: RowMeasures,
  start: Float64Array,
  clusters: number,
  pause: () => Promise<void>,
): Promise<Clustering> {
  const { norms, weights, meanVariance } = rows;
  const centres = start.slice();
  const assignment = new Int32Array(design.nRows).fill(-1);
  const distances = new Float64Array(design.nRows);
  let iterations = 0;
  let shift = Infinity;
  while (
    assignRows(design, norms, centres, clusters, assignment, distances) > 0 &&
    shift > tolerance * meanVariance &&
    iterations < maxIterations
  ) {
    ++iterations;
    const before = centres.slice();
    moveCentres(design, weights, assignment, distances, centres, clusters);
    shift = squaredShift(before, centres);
    await pause();
  }
  let inertia = 0;
  for (let row = 0; row < design.nRows; ++row) inertia += (weights === null ? 1 : weights[row]!) * distances[row]!;
  return { centres, inertia, iterations };
}

function squaredShift(before: Float64Array, after: Float64Array): number {
  let total = 0;
  for (let i = 0; i < after.length; ++i) total += (after[i]! - before[i]!) * (after[i]! - before[i]!);
  return total;
}

function moveCentres(
  design: Design, // in
  weights: Float64Array | null, // in
  assignment: Int32Array, // in
  distances: Float64Array, // in and out: the distance of a row that becomes a centre is set to 0
  centres: Float64Array, // out
  clusters: number,
): void {
  const nColumns = design.dense.length + design.sparse.names.length;
  const held = new Float64Array(clusters);
  for (let row = 0; row < design.nRows; ++row) held[assignment[row]!]! += weights === null ? 1 : weights[row]!;
  const sums = clusterSums(design, weights, assignment, clusters, nColumns);
  for (let c = 0; c < clusters; ++c) {
    if (held[c]! > 0) {
      for (let i = c * nColumns; i < (c + 1) * nColumns; ++i) centres[i] = sums[i]! / held[c]!;
      continue;
    }
    const row = farthestRow(distances, weights);
    if (distances[row] === 0) continue;
    placeCentre(design, row, centres, c);
    distances[row] = 0;
  }
}

/** Row-major sums of the rows of each cluster, weighted. */
export function clusterSums(
  design: Design,
  weights: Float64Array | null,
  assignment: Int32Array,
  clusters: number,
  nColumns: number,
): Float64Array {
  const { nRows, dense, sparse } = design;
  const sums = new Float64Array(clusters * nColumns);
  for (let j = 0; j < dense.length; ++j) {
    const x = dense[j]!.values;
    for (let row = 0; row < nRows; ++row) {
      sums[assignment[row]! * nColumns + j]! += (weights === null ? 1 : weights[row]!) * x[row]!;
    }
  }
  for (let row = 0; row < nRows; ++row) {
    const at = assignment[row]! * nColumns + dense.length;
    const weight = weights === null ? 1 : weights[row]!;
    const end = sparse.offsets[row + 1]!;
    for (let e = sparse.offsets[row]!; e < end; ++e) sums[at + sparse.indices[e]!]! += weight * sparse.values[e]!;
  }
  return sums;
}

/** The row farthest from its centre among those that count. */
export function farthestRow(distances: Float64Array, weights: Float64Array | null): number {
  let farthest = 0;
  for (let row = 1; row < distances.length; ++row) {
    if (weights !== null && weights[row] === 0) continue;
    if (distances[row]! > distances[farthest]!) farthest = row;
  }
  return farthest;
}
