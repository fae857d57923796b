import { reclaimMemory } from "../threads/reclaim-memory.ts";
import type { Team } from "../threads/team.ts";
import type { TrainingPlan } from "./plan.ts";
import { type TrainingOutcome, runTraining } from "./trainer.ts";

/** What a worker runs. All threads learn the same trees; the first one sends them. */
export async function runMember(payload: unknown, team: Team): Promise<TrainingOutcome | null> {
  // The columns this thread has binned are garbage now, and a training allocates too little to have it collected.
  for (let turn = 0; turn < team.threads; ++turn) {
    if (turn === team.thread) reclaimMemory();
    team.barrier();
  }
  const outcome = await runTraining(payload as TrainingPlan, team);
  return team.thread === 0 ? outcome : null;
}
