import { isWorthReclaiming, reclaimMemory } from "../../threads/reclaim-memory.ts";
import type { Team } from "../../threads/team.ts";
import type { TrainingPlan } from "./plan.ts";
import { type TrainingOutcome, runTraining } from "./trainer.ts";

/** What a worker runs. All threads learn the same trees; the first one sends them. */
export async function runMember(payload: unknown, team: Team): Promise<TrainingOutcome | null> {
  const plan = payload as TrainingPlan;
  // The columns this thread has binned are garbage now, and a training allocates too little to have it collected.
  const turns = isWorthReclaiming(plan.nRows, plan.features.nValues.length) ? team.threads : 0;
  for (let turn = 0; turn < turns; ++turn) {
    if (turn === team.thread) reclaimMemory();
    team.barrier();
  }
  const outcome = await runTraining(plan, team);
  return team.thread === 0 ? outcome : null;
}
