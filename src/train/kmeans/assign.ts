import { type Moves, roundingFactor } from "./bounds.ts";
import { nearestTwo, type NearestTwo, scoreOf } from "./nearest.ts";
import { type ClusteringPlan, partsOfPlan } from "./plan.ts";

/** Centres and what is known of them and the rows. */
export interface Measures {
  readonly centres: Float64Array;
  readonly halves: Float64Array;
  /** Largest error of a squared distance computed as |x|^2 - 2 score. */
  readonly error: number;
}

/** Centres are means of rows, hence no longer than the longest; each addition is off by half a unit in the last place. */
export function largestError({ norms, design }: Pick<ClusteringPlan, "norms" | "design">): number {
  let longest = 0;
  for (let row = 0; row < norms.length; ++row) longest = Math.max(longest, norms[row]!);
  return 4 * longest * (design.dense.length + design.sparse.names.length + 8) * Number.EPSILON;
}

/**
 * Assigns the rows of a part to their nearest centres, the first of equals, and moves the part's sums along. A row is measured
 * only where the centres may have moved past it (Hamerly 2010): its distance from its own centre is at most what it was
 * plus that centre's move, from all others at least what it was less the largest move, or half the distance between
 * centres. The bounds hold whatever the rounding, so the assignment is that of measuring all. `moves` null: all are.
 */
export function assignPart(plan: ClusteringPlan, part: number, measures: Measures, moves: Moves | null): void {
  const { memory, rows } = plan;
  const { centres, halves } = measures;
  const [from, to] = partsOfPlan(plan).rangeOf(part);
  const found: NearestTwo = { nearest: 0, best: 0, second: 0 };
  memory.changed[part] = 0;
  for (let row = from; row < to; ++row) {
    if (moves !== null && isHeld(plan, row, measures, moves)) continue;
    nearestTwo(rows, row, centres, halves, found);
    settle(plan, part, row, found, measures.error);
  }
}

/** Whether a row is surely nearest to the centre it has: by the bounds, moved on, or by its true distance. */
function isHeld({ rows, memory, norms }: ClusteringPlan, row: number, measures: Measures, moves: Moves): boolean {
  const { assignment, upper, lower } = memory;
  const centre = assignment[row]!;
  const least = lower[row]! - (centre === moves.farthest ? moves.secondLargest : moves.largest);
  const limit = Math.max(moves.apart[centre]!, least);
  const most = upper[row]! + moves.own[centre]!;
  lower[row] = least;
  upper[row] = most;
  if (most * roundingFactor < limit) return true;
  const { centres, halves, error } = measures;
  const nColumns = centres.length / halves.length;
  const score = scoreOf(rows, row, centres, centre * nColumns, halves[centre]!);
  const tight = Math.sqrt(Math.max(norms[row]! - 2 * score, 0) + error);
  upper[row] = tight;
  return tight * roundingFactor < limit;
}

/** Writes down what was measured of a row, and takes it along to its new centre's sums where that is another. */
function settle(plan: ClusteringPlan, part: number, row: number, found: NearestTwo, error: number): void {
  const { memory, norms, weights, clusters } = plan;
  const { assignment, upper, lower } = memory;
  upper[row] = Math.sqrt(Math.max(norms[row]! - 2 * found.best, 0) + error);
  lower[row] = Math.sqrt(Math.max(norms[row]! - 2 * found.second - error, 0)) / roundingFactor;
  const before = assignment[row]!;
  if (before === found.nearest) return;
  assignment[row] = found.nearest;
  ++memory.changed[part]!;
  const weight = weights === null ? 1 : weights[row]!;
  if (weight === 0) return;
  if (before >= 0) addRow(plan, row, -weight, part * clusters + before);
  addRow(plan, row, weight, part * clusters + found.nearest);
}

/** Adds a row to the sums at a place, or with a weight below 0 takes it off. */
function addRow({ memory, rows }: ClusteringPlan, row: number, weight: number, place: number): void {
  const { sums, held, counts } = memory;
  const { points, nDense, sparse } = rows;
  const nColumns = sums.length / held.length;
  const at = place * nColumns;
  counts[place]! += weight > 0 ? 1 : -1;
  // Where no row is left, rounding must not be either.
  if (counts[place] === 0) {
    held[place] = 0;
    sums.fill(0, at, at + nColumns);
    return;
  }
  held[place]! += weight;
  for (let j = 0; j < nDense; ++j) sums[at + j]! += weight * points[row * nDense + j]!;
  if (sparse === null) return;
  for (let e = sparse.offsets[row]!; e < sparse.offsets[row + 1]!; ++e)
    sums[at + nDense + sparse.indices[e]!]! += weight * sparse.values[e]!;
}

/** Writes the squared distance of every row of a part from its centre where its bound stood. */
export function measurePart(plan: ClusteringPlan, part: number, { centres, halves }: Measures): void {
  const { memory, norms, rows } = plan;
  const nColumns = centres.length / halves.length;
  const [from, to] = partsOfPlan(plan).rangeOf(part);
  for (let row = from; row < to; ++row) {
    const centre = memory.assignment[row]!;
    const score = scoreOf(rows, row, centres, centre * nColumns, halves[centre]!);
    memory.upper[row] = Math.max(norms[row]! - 2 * score, 0);
  }
}
