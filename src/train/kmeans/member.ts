import type { Team } from "../threads/team.ts";
import { type Clustering, improveCentres } from "./lloyd.ts";
import type { ClusteringPlan } from "./plan.ts";

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
  for (const [restart, start] of plan.starts.entries()) {
    const clustering = await improveCentres(plan, start, team);
    if (clustering === null) return null;
    if (best === null || clustering.inertia < best.inertia) best = { ...clustering, restart };
    if (team.thread === 0) team.report(restart + 1);
  }
  return best;
}
