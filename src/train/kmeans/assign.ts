import { type Drift, upperBound } from "./bounds.ts";
import { scoreOf } from "./nearest.ts";
import { type ClusteringPlan, partsOfPlan } from "./plan.ts";
import type { Ranking } from "./ranking.ts";

/** Centres and what is known of them and the rows. */
export interface Measures {
  readonly centres: Float64Array;
  readonly halves: Float64Array;
  /** Largest error of a squared distance computed as |x|^2 - 2 score. */
  readonly error: number;
  readonly drift: Drift;
}

/** Centres are means of rows, hence no longer than the longest; each addition is off by half a unit in the last place. */
export function largestError({ norms, design }: Pick<ClusteringPlan, "norms" | "design">): number {
  let longest = 0;
  for (let row = 0; row < norms.length; ++row) longest = Math.max(longest, norms[row]!);
  return 4 * longest * (design.dense.length + design.sparse.names.length + 8) * Number.EPSILON;
}

/** Centres up to which measuring a row by all of them costs about as much as by its own alone. */
const fewCentres = 16;

/**
 * Assigns the rows of a part to their nearest centres, the first of equals, and moves the part's sums along. A row is measured
 * only where the centres may have moved past it (Hamerly 2010): its distance from its own centre is at most what it was
 * plus that centre's moves, from all others at least what it was less the largest moves, or half the distance between
 * centres. The bounds hold whatever the rounding, so the assignment is that of measuring all, as `all` does.
 */
export function assignPart(
  plan: ClusteringPlan,
  part: number,
  measures: Measures,
  ranking: Ranking,
  all: boolean,
): void {
  const [from, to] = partsOfPlan(plan).rangeOf(part);
  const { listed, moved } = ranking;
  let nMoved = 0;
  for (let start = from; start < to; start += listed.length) {
    const end = Math.min(to, start + listed.length);
    let count = all ? listAll(start, end, listed) : ranking.listLoose(start, end);
    if (!all && plan.clusters > fewCentres) count = tighten(plan, measures, listed, count);
    ranking.rank(count);
    const some = ranking.bound(count);
    for (let i = 0; i < some; ++i) moveRow(plan, part, listed[moved[i]!]!, ranking.nearest[moved[i]!]!);
    nMoved += some;
  }
  plan.memory.changed[part] = nMoved;
}

function listAll(start: number, end: number, listed: Uint32Array): number {
  for (let row = start; row < end; ++row) listed[row - start] = row;
  return end - start;
}

/** Measures listed rows by their own centre; keeps on the list, and counts, those that may still be nearer to another. */
function tighten(
  { rows, assignment, norms, upper, slack }: ClusteringPlan,
  { centres, halves, error, drift }: Measures,
  listed: Uint32Array, // in and out
  count: number,
): number {
  const nColumns = centres.length / halves.length;
  let kept = 0;
  for (let i = 0; i < count; ++i) {
    const row = listed[i]!;
    const centre = assignment[row]!;
    const score = scoreOf(rows, row, centres, centre * nColumns, halves[centre]!);
    const most = upperBound(Math.sqrt(Math.max(norms[row]! - 2 * score, 0) + error), drift, centre);
    slack[row]! += upper[row]! - most;
    upper[row] = most;
    listed[kept] = row;
    if (!(drift.both[centre]! < slack[row]! || most + drift.own[centre]! < drift.apart[centre]!)) ++kept;
  }
  return kept;
}

/** Assigns a row to another centre, and takes it along to that one's sums. */
function moveRow(plan: ClusteringPlan, part: number, row: number, nearest: number): void {
  const { assignment, weights } = plan;
  const before = assignment[row]!;
  assignment[row] = nearest;
  const weight = weights === null ? 1 : weights[row]!;
  if (weight === 0) return;
  if (before >= 0) addRow(plan, row, -weight, part * plan.clusters + before);
  addRow(plan, row, weight, part * plan.clusters + nearest);
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
  const { assignment, norms, rows, upper } = plan;
  const nColumns = centres.length / halves.length;
  const [from, to] = partsOfPlan(plan).rangeOf(part);
  for (let row = from; row < to; ++row) {
    const centre = assignment[row]!;
    const score = scoreOf(rows, row, centres, centre * nColumns, halves[centre]!);
    upper[row] = Math.max(norms[row]! - 2 * score, 0);
  }
}
