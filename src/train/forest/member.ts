import type { Team } from "../threads/team.ts";
import { ForestGrower } from "./grower.ts";
import type { ForestPlan, ForestTree } from "./plan.ts";

/** What a worker runs: every `threads`-th tree, its own; null where it was asked to stop. */
export async function runMember(payload: unknown, team: Team): Promise<readonly ForestTree[] | null> {
  return growShare(payload as ForestPlan, team);
}

/** The trees of one thread, in order. */
export async function growShare(plan: ForestPlan, team: Team): Promise<readonly ForestTree[] | null> {
  const grower = new ForestGrower(plan);
  const trees: ForestTree[] = [];
  for (let t = team.thread; t < plan.settings.trees; t += team.threads) {
    await team.pause();
    if (team.stopRequested()) return null;
    trees.push(grower.grow(t));
    if (team.thread === 0) team.report(Math.min(plan.settings.trees, t + team.threads));
  }
  return trees;
}
