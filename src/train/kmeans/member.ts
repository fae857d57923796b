import { createRng, type Rng } from "../../core/rng.ts";
import type { Team } from "../../threads/team.ts";
import { type Clustering, improveCentres } from "./lloyd.ts";
import { momentsInTeam, momentsOf } from "../moments.ts";
import { measureRows, writeRows } from "./nearest.ts";
import { type ClusteringPlan, partsOfPlan } from "./plan.ts";
import { plusPlusStart, randomStart } from "./start.ts";

/** The best of all starts, and which it was. */
export interface BestClustering extends Clustering {
  readonly restart: number;
}

/** Null where the team was asked to stop. */
export async function runMember(payload: unknown, team: Team): Promise<BestClustering | null> {
  return clusterRows(payload as ClusteringPlan, team);
}

/** Of several starts the clustering of least inertia, the first of equals; the same in every thread. */
export async function clusterRows(plan: ClusteringPlan, team: Team): Promise<BestClustering | null> {
  const tolerance = prepareRows(plan, team);
  let best: BestClustering | null = null;
  for (const [restart, seed] of plan.seeds.entries()) {
    const start = await startOf(plan, createRng(seed), team);
    const clustering = start && (await improveCentres(plan, start, tolerance, team));
    if (clustering === null) return null;
    if (best === null || clustering.inertia < best.inertia) best = { ...clustering, restart };
    if (team.thread === 0) team.report(restart + 1);
  }
  return best;
}

/** Share of the columns' mean variance by which the centres, squared and summed, must move to go on; as scikit-learn's `tol`. */
const shiftTolerance = 1e-4;

/** Writes all rows as points and measures them; gives the squared shift of the centres, summed, at which they count as still. */
function prepareRows(plan: ClusteringPlan, team: Team): number {
  const { design, rows, norms, weights, memory } = plan;
  const { nParts, rangeOf } = partsOfPlan(plan);
  for (let part = team.thread; part < nParts; part += team.threads) {
    writeRows(design, rows, ...rangeOf(part));
    measureRows(rows, ...rangeOf(part), norms);
  }
  // Only one alone has sparse columns.
  const hasSparse = design.sparse.names.length > 0;
  const { variances } = hasSparse ? momentsOf(design, weights) : momentsInTeam(design, weights, team, memory);
  return shiftTolerance * (variances.reduce((sum, variance) => sum + variance, 0) / Math.max(variances.length, 1));
}

async function startOf(plan: ClusteringPlan, rng: Rng, team: Team): Promise<Float64Array | null> {
  const { design, clusters, memory } = plan;
  if (!plan.isSpread) return randomStart(design, clusters, rng);
  // No row has bounds yet.
  const { startSums: sums, flags } = memory;
  return plusPlusStart({ ...plan, parts: partsOfPlan(plan), sums, flags }, clusters, rng, team);
}
