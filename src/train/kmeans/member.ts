import { createRng, type Rng } from "../../core/rng.ts";
import type { Team } from "../../threads/team.ts";
import { type Clustering, improveCentres } from "./lloyd.ts";
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
  let best: BestClustering | null = null;
  for (const [restart, seed] of plan.seeds.entries()) {
    const start = await startOf(plan, createRng(seed), team);
    const clustering = start && (await improveCentres(plan, start, team));
    if (clustering === null) return null;
    if (best === null || clustering.inertia < best.inertia) best = { ...clustering, restart };
    if (team.thread === 0) team.report(restart + 1);
  }
  return best;
}

async function startOf(plan: ClusteringPlan, rng: Rng, team: Team): Promise<Float64Array | null> {
  const { design, clusters, memory } = plan;
  if (!plan.isSpread) return randomStart(design, clusters, rng);
  // No row has bounds yet.
  const { upper: nearest, startSums: sums, flags } = memory;
  return plusPlusStart({ ...plan, parts: partsOfPlan(plan), nearest, sums, flags }, clusters, rng, team);
}
