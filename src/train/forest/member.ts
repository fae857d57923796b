import type { Team } from "../../threads/team.ts";
import { ForestGrower } from "./grower.ts";
import type { ForestPlan, ForestTree } from "./plan.ts";
import { openView } from "./view.ts";

/** What a worker runs; null where it was asked to stop. */
export async function runMember(payload: unknown, team: Team): Promise<readonly ForestTree[] | null> {
  return growShare(payload as ForestPlan, team);
}

/** Grows the next tree that no thread has begun, until there are none: a thread on a busy core grows fewer. */
export async function growShare(plan: ForestPlan, team: Team): Promise<readonly ForestTree[] | null> {
  const view = openView(plan, team.thread);
  const grower = new ForestGrower(plan, view);
  const trees: ForestTree[] = [];
  for (;;) {
    await team.pause();
    if (team.stopRequested()) return null;
    const number = Atomics.add(view.next, 0, 1);
    if (number >= plan.settings.trees) return trees;
    if (team.thread === 0) team.report(number);
    trees.push(grower.grow(number));
  }
}
