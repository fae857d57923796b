import type { Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonValue } from "../core/json.ts";
import { createRng } from "../core/rng.ts";
import { nextInOrder, readLease, releaseLease, takeLease, watchLeases } from "../store/leases.ts";
import type { Fence } from "../store/leases.ts";
import type { Store } from "../store/open.ts";
import { thisProcess } from "../store/processes.ts";
import type { RunsTable } from "../store/run-tables.ts";
import type { Database } from "../store/schema.ts";
import { sealRun, unsealRun } from "../store/seals.ts";
import { createRunId } from "./run-id.ts";

/** What is known of a run before its first step. */
export interface NewRun {
  readonly workflow: string;
  readonly seed: number;
  /** Where code and data come from; for people and for `reproduce`. */
  readonly provenance?: JsonValue;
  /** The definition the run follows, where it is plain data. */
  readonly definition?: JsonValue;
  /** The run it is nested in. */
  readonly parent?: string;
}

/** A run this process executes: what it writes carries its fence. */
export interface HeldRun {
  readonly runId: string;
  /** 1, or more where the run was resumed. */
  readonly attempt: number;
  readonly fence: Fence;
}

const gcResource = "gc";
const lookMs = 50;

/** Waits while artifacts are being removed: a run must not be answered with one that is about to go. */
async function whenNothingIsRemoved<T>(
  store: Store,
  clock: Clock,
  work: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  const watch = watchLeases(clock.monotonic);
  for (;;) {
    const done = await store.database.transaction().execute(async (transaction) => {
      const lease = await readLease(transaction, gcResource);
      if (lease && !watch.isLost(lease)) return null;
      if (lease) await transaction.deleteFrom("leases").where("resource", "=", gcResource).execute();
      return { value: await work(transaction) };
    });
    if (done) return done.value;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** Begins the record of a run: from now on it shows as running, and this process holds its lease. */
export async function beginRun(store: Store, clock: Clock, run: NewRun): Promise<HeldRun> {
  const { host, pid, started } = thisProcess();
  const rng = createRng(clock.now()).fork(`${host} ${pid} ${started}`);
  const row = {
    workflow: run.workflow,
    seed: run.seed,
    status: "running" as const,
    started_at: clock.now(),
    parent: run.parent ?? null,
    provenance: run.provenance === undefined ? null : JSON.stringify(run.provenance),
    definition: run.definition === undefined ? null : JSON.stringify(run.definition),
    attempt: 1,
  };
  return whenNothingIsRemoved(store, clock, async (transaction) => {
    const sequence = await nextInOrder(transaction);
    for (;;) {
      const id = createRunId(clock.now(), rng);
      const result = await transaction
        .insertInto("runs")
        .values({ id, ...row, sequence, host, pid, process_started: started })
        .onConflict((conflict) => conflict.column("id").doNothing())
        .executeTakeFirstOrThrow();
      if (result.numInsertedOrUpdatedRows !== 1n) continue;
      return { runId: id, attempt: 1, fence: await takeLease(transaction, `run:${id}`) };
    }
  });
}

/**
 * Takes over a run that was interrupted, under its own id. Throws RUN_NOT_FOUND, RUN_HELD where a living process
 * executes it, or RUN_NOT_RESUMABLE where it came to an end.
 */
export async function takeOverRun(store: Store, clock: Clock, runId: string): Promise<HeldRun> {
  const { host, pid, started } = thisProcess();
  return whenNothingIsRemoved(store, clock, async (transaction) => {
    const run = await transaction.selectFrom("runs").selectAll().where("id", "=", runId).executeTakeFirst();
    if (!run) throw new MillraceError("RUN_NOT_FOUND", { run: runId });
    if (run.status === "running") throw new MillraceError("RUN_HELD", { run: runId, pid: run.pid, host: run.host });
    if (run.status !== "interrupted")
      throw new MillraceError("RUN_NOT_RESUMABLE", {
        run: runId,
        reason: `it ${run.status === "cancelled" ? "was" : "has"} ${run.status}`,
      });
    const attempt = run.attempt + 1;
    await unsealRun(transaction, runId);
    await transaction
      .updateTable("runs")
      .set({ status: "running", attempt, finished_at: null, host, pid, process_started: started })
      .where("id", "=", runId)
      .execute();
    return { runId, attempt, fence: await takeLease(transaction, `run:${runId}`) };
  });
}

/** How often each step was begun in earlier attempts of a run, by its name in the record. */
export async function stepAttempts(store: Store, runId: string): Promise<ReadonlyMap<string, number>> {
  const rows = await store.database
    .selectFrom("steps")
    .select((e) => ["step", e.fn.max("attempt").as("attempt")])
    .where("run_id", "=", runId)
    .groupBy("step")
    .execute();
  return new Map(rows.map((row) => [row.step, row.attempt]));
}

/** Ends the record of a run whose fence the transaction has checked: seals it and gives its lease back. */
export async function endRun(
  transaction: Transaction<Database>,
  held: HeldRun,
  ending: Pick<RunsTable, "status" | "finished_at" | "duration_ms">,
  error: MillraceError | null,
): Promise<void> {
  await transaction
    .updateTable("runs")
    .set({
      ...ending,
      error_code: error?.code ?? null,
      error_message: error?.message ?? null,
      error_remedy: error?.remedy ?? null,
    })
    .where("id", "=", held.runId)
    .execute();
  await sealRun(transaction, held.runId);
  await releaseLease(transaction, held.fence);
}
