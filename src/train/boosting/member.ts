import type { Team } from "../../threads/team.ts";
import type { TrainingPlan } from "./plan.ts";
import { type TrainingOutcome, runTraining } from "./trainer.ts";

/** What a worker runs. All threads learn the same trees; the first one sends them. */
export async function runMember(payload: unknown, team: Team): Promise<TrainingOutcome | null> {
  const outcome = await runTraining(payload as TrainingPlan, team);
  return team.thread === 0 ? outcome : null;
}
