import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { Store } from "../store/open.ts";
import { requireRun } from "./runs.ts";
import { linesOf } from "./step-log.ts";
import type { LogLine } from "./step-log.ts";

/** What one attempt of a step printed. */
export interface RecordedLog {
  /** With "[index]" for an element of a fan-out. */
  readonly step: string;
  readonly attempt: number;
  readonly head: readonly LogLine[];
  /** Lines left out between the first and the last. */
  readonly dropped: number;
  readonly tail: readonly LogLine[];
}

/**
 * What the steps of a run printed in processes of their own, or one of them with its elements, in the order of the workflow;
 * attempts that printed nothing are left out. Throws RUN_NOT_FOUND, STEP_UNKNOWN.
 */
export async function readLogs(store: Store, runId: string, step?: string): Promise<readonly RecordedLog[]> {
  const { workflow } = await requireRun(store, runId);
  const isWanted = (name: string): boolean => step === undefined || name === step || name.startsWith(`${step}[`);
  const steps = await store.database
    .selectFrom("steps")
    .select("step")
    .distinct()
    .where("run_id", "=", runId)
    .execute();
  if (step !== undefined && !steps.some((one) => isWanted(one.step))) {
    const found = steps.map((one) => one.step).filter((name) => !name.includes("["));
    throw new MillraceError("STEP_UNKNOWN", { step, workflow, found, nearest: nearestName(step, found) });
  }
  const rows = await store.database
    .selectFrom("step_logs")
    .innerJoin("steps", (join) =>
      join
        .onRef("steps.run_id", "=", "step_logs.run_id")
        .onRef("steps.step", "=", "step_logs.step")
        .onRef("steps.attempt", "=", "step_logs.attempt"),
    )
    .select(["step_logs.step", "step_logs.attempt", "head", "tail", "dropped"])
    .where("step_logs.run_id", "=", runId)
    .orderBy("steps.position")
    .orderBy("steps.started_at")
    .orderBy("step_logs.step")
    .orderBy("step_logs.attempt")
    .execute();
  return rows
    .filter((row) => isWanted(row.step))
    .map(({ head, tail, ...row }) => ({ ...row, head: linesOf(head), tail: linesOf(tail) }));
}
