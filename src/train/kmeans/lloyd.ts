import { agreedToStop, type Team } from "../../threads/team.ts";
import { assignPart, largestError, type Measures, measurePart } from "./assign.ts";
import { addMoves, createDrift } from "./bounds.ts";
import { halfLengths } from "./nearest.ts";
import { type ClusteringPlan, partsOfPlan } from "./plan.ts";
import { createRanking } from "./ranking.ts";
import { placeCentre } from "./start.ts";

const maxIterations = 300;

export interface Clustering {
  readonly centres: Float64Array;
  /** Weighted sum of squared distances from the nearest centre. */
  readonly inertia: number;
  readonly iterations: number;
}

/**
 * Lloyd's algorithm from given centres: assign every row to its nearest centre, move every centre to the mean of its rows,
 * until no row changes, the centres move by no more than `tolerance`, squared and summed, or 300 iterations are over. A centre that lost its rows starts anew at the
 * row farthest from its own. All threads of a team call it alike and get the same; null where they were asked to stop.
 */
export async function improveCentres(
  plan: ClusteringPlan,
  start: Float64Array,
  tolerance: number,
  team: Team,
): Promise<Clustering | null> {
  const { clusters, design, memory } = plan;
  const { nParts } = partsOfPlan(plan);
  const error = largestError(plan);
  const ranking = createRanking(plan, team.thread);
  const centres = start.slice();
  forget(plan, team);
  const drift = createDrift(clusters);
  let isSettled = false;
  let shift = Infinity;
  for (let iterations = 0; ; ++iterations) {
    const measures = { centres: centres.slice(), halves: halfLengths(centres, clusters), error, drift };
    ranking.aim(measures);
    for (let part = team.thread; part < nParts; part += team.threads)
      assignPart(plan, part, measures, ranking, !isSettled);
    team.barrier();
    const nChanged = memory.changed.reduce((sum, count) => sum + count, 0);
    if (nChanged === 0 || shift <= tolerance || iterations === maxIterations)
      return { centres, inertia: inertiaOf(plan, measures, team), iterations };
    isSettled = moveCentres(plan, centres);
    if (!isSettled) restartEmpty(plan, measures, centres, team);
    shift = squaredShift(measures.centres, centres);
    addMoves(drift, measures.centres, centres, design.nRows);
    await team.pause();
    if (agreedToStop(team, memory.flags)) return null;
  }
}

/** What an earlier start left behind. */
function forget(plan: ClusteringPlan, team: Team): void {
  const { memory, clusters } = plan;
  const { nParts, rangeOf } = partsOfPlan(plan);
  const width = memory.sums.length / nParts;
  for (let part = team.thread; part < nParts; part += team.threads) {
    plan.assignment.fill(-1, ...rangeOf(part));
    memory.sums.fill(0, part * width, (part + 1) * width);
    memory.held.fill(0, part * clusters, (part + 1) * clusters);
    memory.counts.fill(0, part * clusters, (part + 1) * clusters);
  }
}

function squaredShift(before: Float64Array, after: Float64Array): number {
  let total = 0;
  for (let i = 0; i < after.length; ++i) total += (after[i]! - before[i]!) * (after[i]! - before[i]!);
  return total;
}

/** Moves every centre that has rows to their mean, the sums of the parts in order; false where one has none. */
function moveCentres({ memory, clusters }: ClusteringPlan, centres: Float64Array): boolean {
  const { sums, held } = memory;
  const nColumns = centres.length / clusters;
  let isSettled = true;
  for (let c = 0; c < clusters; ++c) {
    const weight = weightOf(memory, c, clusters);
    if (weight === 0) {
      isSettled = false;
      continue;
    }
    for (let j = 0; j < nColumns; ++j) {
      let total = 0;
      for (let place = c; place < held.length; place += clusters) total += sums[place * nColumns + j]!;
      centres[c * nColumns + j] = total / weight;
    }
  }
  return isSettled;
}

/** Of the rows of a centre; 0 where it has none, or where so little is left of them that rounding ate it. */
function weightOf({ held }: ClusteringPlan["memory"], centre: number, clusters: number): number {
  let weight = 0;
  for (let place = centre; place < held.length; place += clusters) weight += held[place]!;
  return Math.max(0, weight);
}

/** Puts each centre without rows at the row that counts and is farthest from where its own centre was. */
function restartEmpty(plan: ClusteringPlan, before: Measures, centres: Float64Array, team: Team): void {
  const { design, weights, clusters, memory, upper } = plan;
  measureAll(plan, before, team);
  const taken = new Set<number>();
  for (let c = 0; c < clusters; ++c) {
    if (weightOf(memory, c, clusters) > 0) continue;
    let farthest = -1;
    for (let row = 0; row < design.nRows; ++row) {
      if ((weights !== null && weights[row] === 0) || taken.has(row)) continue;
      if (farthest < 0 || upper[row]! > upper[farthest]!) farthest = row;
    }
    if (farthest < 0 || upper[farthest] === 0) continue;
    placeCentre(design, farthest, centres, c);
    taken.add(farthest);
  }
}

function measureAll(plan: ClusteringPlan, measures: Measures, team: Team): void {
  const { nParts } = partsOfPlan(plan);
  for (let part = team.thread; part < nParts; part += team.threads) measurePart(plan, part, measures);
  team.barrier();
}

function inertiaOf(plan: ClusteringPlan, measures: Measures, team: Team): number {
  const { upper, weights } = plan;
  measureAll(plan, measures, team);
  let inertia = 0;
  for (let row = 0; row < upper.length; ++row) inertia += (weights === null ? 1 : weights[row]!) * upper[row]!;
  team.barrier();
  return inertia;
}
