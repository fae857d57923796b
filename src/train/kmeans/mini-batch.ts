import { shuffle, type Rng } from "../../core/rng.ts";
import { takeRows, takeValues, type Design } from "../../model/design.ts";
import { squaredLengths } from "./distances.ts";
import type { Clustering } from "./lloyd.ts";
import { assignRows, pointRows } from "./nearest.ts";
import { placeCentre } from "./start.ts";

/** What is known of the rows beside the design. */
export interface RowMeasures {
  /** Squared length of every row. */
  readonly norms: Float64Array;
  readonly weights: Float64Array | null;
}

const mostPasses = 100;
/** Batches without a better smoothed loss before it stops; as scikit-learn's `max_no_improvement`. */
const patience = 10;

/**
 * Mini-batch k-means (Sculley 2010) from given centres: of each batch of rows, in random order, every row goes to its
 * nearest centre, and every centre becomes the mean of all rows it was ever given. Stops where the batches' mean squared
 * distance, smoothed, no longer falls, or after 100 passes. A centre that is given no row for a pass starts anew at the row
 * of a batch farthest from its own.
 */
export async function improveInBatches(
  design: Design,
  { norms, weights }: RowMeasures,
  start: Float64Array,
  clusters: number,
  { batch, rng, pause }: { readonly batch: number; readonly rng: Rng; readonly pause: () => Promise<void> },
): Promise<Clustering> {
  const centres = start.slice();
  const held = new Float64Array(clusters);
  const order = Uint32Array.from({ length: design.nRows }, (_, row) => row);
  const perPass = Math.ceil(design.nRows / batch);
  // A batch counts in the smoothed loss by its share of the rows, twice.
  const share = Math.min(1, (2 * batch) / (design.nRows + 1));
  let smoothed = Number.NaN;
  let least = Infinity;
  let nWorse = 0;
  let iterations = 0;
  for (; iterations < mostPasses * perPass && nWorse < patience; ++iterations) {
    const from = (iterations % perPass) * batch;
    if (from === 0) shuffle(order, rng);
    const rows = order.subarray(from, Math.min(from + batch, design.nRows));
    const loss = moveByBatch(
      takeRows(design, rows),
      weights && takeValues(weights, rows),
      centres,
      held,
      iterations >= perPass,
    );
    smoothed = Number.isNaN(smoothed) ? loss : smoothed * (1 - share) + loss * share;
    nWorse = smoothed < least ? 0 : nWorse + 1;
    least = Math.min(least, smoothed);
    await pause();
  }
  const distances = new Float64Array(design.nRows);
  assignRows(pointRows(design), norms, centres, clusters, new Int32Array(design.nRows), distances);
  let inertia = 0;
  for (let row = 0; row < design.nRows; ++row) inertia += (weights === null ? 1 : weights[row]!) * distances[row]!;
  return { centres, inertia, iterations };
}

/** Moves the centres by one batch; returns its mean squared distance from them before. */
function moveByBatch(
  batch: Design, // in
  weights: Float64Array | null, // in
  centres: Float64Array, // in and out
  held: Float64Array, // in and out: weight of the rows each centre is the mean of
  replaces: boolean, // whether a centre without rows starts anew
): number {
  const clusters = held.length;
  const nColumns = centres.length / clusters;
  const assignment = new Int32Array(batch.nRows).fill(-1);
  const distances = new Float64Array(batch.nRows);
  assignRows(pointRows(batch), squaredLengths(batch), centres, clusters, assignment, distances);
  const sums = clusterSums(batch, weights, assignment, clusters, nColumns);
  const given = new Float64Array(clusters);
  let loss = 0;
  for (let row = 0; row < batch.nRows; ++row) {
    const weight = weights === null ? 1 : weights[row]!;
    given[assignment[row]!]! += weight;
    loss += weight * distances[row]!;
  }
  const total = given.reduce((sum, weight) => sum + weight, 0);
  for (let c = 0; c < clusters; ++c) {
    if (given[c]! > 0) {
      const after = held[c]! + given[c]!;
      for (let i = c * nColumns; i < (c + 1) * nColumns; ++i) centres[i] = (centres[i]! * held[c]! + sums[i]!) / after;
      held[c] = after;
    } else if (held[c] === 0 && replaces) {
      const row = farthestRow(distances, weights);
      placeCentre(batch, row, centres, c);
      distances[row] = 0;
    }
  }
  return total > 0 ? loss / total : 0;
}

/** Row-major sums of the rows of each cluster, weighted. */
function clusterSums(
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
function farthestRow(distances: Float64Array, weights: Float64Array | null): number {
  let farthest = 0;
  for (let row = 1; row < distances.length; ++row) {
    if (weights !== null && weights[row] === 0) continue;
    if (distances[row]! > distances[farthest]!) farthest = row;
  }
  return farthest;
}
