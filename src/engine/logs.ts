import type { Expression, ExpressionBuilder, SqlBool } from "kysely";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { Store } from "../store/open.ts";
import type { Database } from "../store/schema.ts";
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
  if (step !== undefined) await requireStep(store, runId, workflow, step);
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
    .$if(step !== undefined, (query) => query.where(isOf(step!)))
    .orderBy("steps.position")
    .orderBy("steps.started_at")
    .orderBy("step_logs.step")
    .orderBy("step_logs.attempt")
    .execute();
  return rows.map(({ head, tail, ...row }) => ({ ...row, head: linesOf(head), tail: linesOf(tail) }));
}

/** Whether a name is the step's or of one of its elements: stores compare texts byte by byte, and "\" comes after "[". */
function isOf(step: string): (e: ExpressionBuilder<Database, "steps">) => Expression<SqlBool> {
  return (e) => {
    const isElement = e.and([e("steps.step", ">=", `${step}[`), e("steps.step", "<", `${step}\\`)]);
    return e.or([e("steps.step", "=", step), isElement]);
  };
}

async function requireStep(store: Store, runId: string, workflow: string, step: string): Promise<void> {
  const steps = store.database.selectFrom("steps").select("step").distinct().where("run_id", "=", runId);
  if (await steps.where(isOf(step)).executeTakeFirst()) return;
  const found = (await steps.execute()).map((row) => row.step).filter((name) => !name.includes("["));
  throw new MillraceError("STEP_UNKNOWN", { step, workflow, found, nearest: nearestName(step, found) });
}
