import type { Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { isMillraceError, MillraceError } from "../core/errors/error.ts";
import { createRng } from "../core/rng.ts";
import type { Store } from "../store/open.ts";
import { thisProcess } from "../store/processes.ts";
import type { Database, StepsTable } from "../store/schema.ts";
import type { StepRecord, WrittenOutput } from "./context.ts";
import { createRunId } from "./run-id.ts";
import type { RunResult, Step, Workflow } from "./step.ts";

/** A step runs once in a run; retries will count on from here. */
const attempt = 1;

export interface StepEntry {
  readonly step: Step;
  readonly position: number;
  readonly status: StepsTable["status"];
  readonly startedAt: number | null;
  readonly durationMs: number | null;
  readonly cacheKey: Digest | null;
  readonly inputs: ReadonlyMap<string, Digest>;
  readonly record: StepRecord;
  readonly error: MillraceError | null;
}

/** The record of one run. What need not last by itself waits for the next commit, so that a cached run costs two. */
export interface Journal {
  readonly runId: string;
  /** Notes an entry; it is committed with the next one that must last. */
  note(entry: StepEntry): void;
  /** Commits an entry, its artifacts and its lineage in one transaction. */
  commit(entry: StepEntry): Promise<void>;
  finish(result: Pick<RunResult, "status" | "durationMs">, error: MillraceError | null): Promise<void>;
}

async function insertRun(store: Store, clock: Clock, workflow: Workflow): Promise<string> {
  const { host, pid, started } = thisProcess();
  const rng = createRng(clock.now()).fork(`${host} ${pid} ${started}`);
  const row = { workflow: workflow.name, seed: workflow.seed, status: "running" as const, started_at: clock.now() };
  return store.database.transaction().execute(async (transaction) => {
    for (;;) {
      const id = createRunId(clock.now(), rng);
      const result = await transaction
        .insertInto("runs")
        .values({ id, ...row, host, pid, process_started: started })
        .onConflict((conflict) => conflict.column("id").doNothing())
        .executeTakeFirstOrThrow();
      if (result.numInsertedOrUpdatedRows === 1n) return id;
    }
  });
}

async function insertOutputs(
  transaction: Transaction<Database>,
  key: { run_id: string; step: string; attempt: number },
  outputs: Iterable<WrittenOutput>,
  nowMs: number,
): Promise<void> {
  for (const { output, digest, size, type, format } of outputs) {
    await transaction
      .insertInto("artifacts")
      .values({ digest, size, created_at: nowMs })
      .onConflict((conflict) => conflict.column("digest").doNothing())
      .execute();
    await transaction
      .insertInto("step_outputs")
      .values({ ...key, output, digest, type, format })
      .execute();
  }
}

async function insertDetails(
  transaction: Transaction<Database>,
  key: { run_id: string; step: string; attempt: number },
  entry: StepEntry,
): Promise<void> {
  const inputs = [...entry.inputs].map(([input, digest]) => ({ ...key, input, digest }));
  if (inputs.length > 0) await transaction.insertInto("step_inputs").values(inputs).execute();
  const metrics = [...entry.record.metrics].map(([metric, value]) => ({ ...key, metric, value }));
  if (metrics.length > 0) await transaction.insertInto("metrics").values(metrics).execute();
  const params = Object.entries(entry.step.params).map(([param, value]) => ({
    ...key,
    param,
    value: JSON.stringify(value),
  }));
  if (params.length > 0) await transaction.insertInto("params").values(params).execute();
}

async function writeEntry(
  transaction: Transaction<Database>,
  runId: string,
  entry: StepEntry,
  nowMs: number,
): Promise<void> {
  const key = { run_id: runId, step: entry.step.name, attempt };
  const state = {
    status: entry.status,
    cache_key: entry.cacheKey,
    started_at: entry.startedAt,
    duration_ms: entry.durationMs,
    error_code: entry.error?.code ?? null,
    error_message: entry.error?.message ?? null,
  };
  await transaction
    .insertInto("steps")
    .values({ ...key, position: entry.position, ...state })
    .onConflict((conflict) => conflict.columns(["run_id", "step", "attempt"]).doUpdateSet(state))
    .execute();
  if (entry.status !== "ran" && entry.status !== "cached") return;
  await insertOutputs(transaction, key, entry.record.outputs.values(), nowMs);
  await insertDetails(transaction, key, entry);
  if (entry.status === "cached" || entry.cacheKey === null) return;
  const answer = { ...key, created_at: nowMs };
  await transaction
    .insertInto("cache_entries")
    .values({ cache_key: entry.cacheKey, ...answer })
    .onConflict((conflict) => conflict.column("cache_key").doUpdateSet(answer))
    .execute();
}

/** Begins the record of a run: from now on it shows as running, by this process. */
export async function startJournal(store: Store, clock: Clock, workflow: Workflow): Promise<Journal> {
  const runId = await insertRun(store, clock, workflow);
  let waiting: StepEntry[] = [];
  const write = async (more: (transaction: Transaction<Database>) => Promise<unknown>): Promise<void> => {
    const entries = waiting;
    await store.database.transaction().execute(async (transaction) => {
      for (const entry of entries) await writeEntry(transaction, runId, entry, clock.now());
      await more(transaction);
    });
    waiting = waiting.slice(entries.length);
  };
  return {
    runId,
    note(entry) {
      waiting = [...waiting, entry];
    },
    commit: (entry) => write((transaction) => writeEntry(transaction, runId, entry, clock.now())),
    finish: ({ status, durationMs }, error) =>
      write((transaction) =>
        transaction
          .updateTable("runs")
          .set({
            status,
            finished_at: clock.now(),
            duration_ms: durationMs,
            error_code: error?.code ?? null,
            error_message: error?.message ?? null,
            error_remedy: error?.remedy ?? null,
          })
          .where("id", "=", runId)
          .execute(),
      ),
  };
}

/** What an earlier attempt with the same cache key wrote and recorded; null where an artifact of it is gone. */
export async function findCached(store: Store, step: Step, cacheKey: Digest): Promise<StepRecord | null> {
  const found = await store.database
    .selectFrom("cache_entries")
    .select(["run_id", "step", "attempt"])
    .where("cache_key", "=", cacheKey)
    .executeTakeFirst();
  if (!found) return null;
  const outputs = await store.database
    .selectFrom("step_outputs")
    .innerJoin("artifacts", "artifacts.digest", "step_outputs.digest")
    .select(["output", "artifacts.digest", "size", "type", "format"])
    .where("run_id", "=", found.run_id)
    .where("step", "=", found.step)
    .where("attempt", "=", found.attempt)
    .execute();
  if (outputs.length !== step.outputs.length) return null;
  for (const { digest, size } of outputs) if ((await store.artifacts.sizeOf(digest)) !== size) return null;
  const metrics = await store.database
    .selectFrom("metrics")
    .select(["metric", "value"])
    .where("run_id", "=", found.run_id)
    .where("step", "=", found.step)
    .where("attempt", "=", found.attempt)
    .execute();
  return {
    outputs: new Map(outputs.map((row) => [row.output, row])),
    metrics: new Map(metrics.map((row) => [row.metric, row.value ?? Number.NaN])),
  };
}

/** The error of a step as one of the catalogue. */
export function stepError(step: string, error: unknown): MillraceError {
  if (isMillraceError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new MillraceError("STEP_FAILED", { step, reason }, { cause: error });
}
