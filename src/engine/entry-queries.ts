import type { Compilable, InsertObject, Kysely } from "kysely";
import { compileOnce } from "../store/compile-once.ts";
import type { Database } from "../store/schema.ts";
import type { StepRecord } from "./context.ts";
import type { StepEntry } from "./journal.ts";
import type { Step } from "./step.ts";

/** How a step is to be run, as far as its definition says more than the default. */
export type StepSettings = Partial<Pick<Step, "tags" | "retry" | "timeoutMs" | "memoryMb" | "slots">>;

function settingsOf({ tags, retry, timeoutMs, memoryMb, slots }: Step): StepSettings | null {
  const given = Object.entries({ tags, retry, timeoutMs, memoryMb, slots }).filter(([, value]) => value !== undefined);
  return given.length === 0 ? null : (Object.fromEntries(given) as StepSettings);
}

interface AttemptKey {
  readonly run_id: string;
  readonly step: string;
  readonly attempt: number;
}

/** What records an entry, to be executed in this order; `attemptsBefore` = those before the run was resumed. */
export function entryQueries(
  database: Kysely<Database>,
  runId: string,
  entry: StepEntry,
  attemptsBefore: number,
): readonly Compilable[] {
  const key = { run_id: runId, step: entry.name, attempt: attemptsBefore + entry.attempt };
  const state = {
    status: entry.status,
    cache_key: entry.cacheKey?.digest ?? null,
    key_parts: entry.cacheKey?.parts ?? null,
    reason: entry.reason,
    started_at: entry.startedAt,
    duration_ms: entry.durationMs,
    error_code: entry.error?.code ?? null,
    error_message: entry.error?.message ?? null,
  };
  const row = { ...key, position: entry.position, ...state };
  const attempt = compileOnce(database, "attempt", [...Object.values(row), ...Object.values(state)], () =>
    database
      .insertInto("steps")
      .values(row)
      .onConflict((conflict) => conflict.columns(["run_id", "step", "attempt"]).doUpdateSet(state)),
  );
  const told = [...logQueries(database, key, entry), ...settingQueries(database, key, entry)];
  const written = [...outputQueries(database, key, entry), ...inputQueries(database, key, entry)];
  // What a step wrote before it failed says why, and answers nobody.
  if (entry.status === "failed") return [attempt, ...told, ...written];
  if (entry.status !== "ran" && entry.status !== "cached") return [attempt, ...told];
  return [attempt, ...told, ...written, ...detailQueries(database, key, entry), ...answerQueries(database, key, entry)];
}

function outputQueries(database: Kysely<Database>, key: AttemptKey, { record }: StepEntry): Compilable[] {
  const outputs = [...record.outputs.values()];
  if (outputs.length === 0) return [];
  const artifacts = outputs.map(({ digest, size }) => ({ digest, size }));
  const kept = compileOnce(database, `artifacts ${outputs.length}`, valuesOf(artifacts), () =>
    database
      .insertInto("artifacts")
      .values(artifacts)
      .onConflict((conflict) => conflict.column("digest").doNothing()),
  );
  const rows = outputs.map(({ output, digest, type, format }) => ({ ...key, output, digest, type, format }));
  const digests = outputs.map(({ digest }) => digest);
  // What was forgotten and is made again is there again.
  const back = compileOnce(database, `made again ${outputs.length}`, digests, () =>
    database.deleteFrom("forgotten").where("digest", "in", digests),
  );
  return [kept, back, ...unsyncedQueries(database, record), ...insertAll(database, "step_outputs", rows)];
}

/** The bytes of files that do not last yet. */
function unsyncedQueries(database: Kysely<Database>, { unsynced }: StepRecord): Compilable[] {
  const rows = [...unsynced].map(([digest, bytes]) => ({ digest, bytes: base64Of(bytes) }));
  if (rows.length === 0) return [];
  const insert = (): Compilable =>
    database
      .insertInto("unsynced")
      .values(rows)
      .onConflict((conflict) => conflict.doNothing());
  return [compileOnce(database, `unsynced ${rows.length}`, valuesOf(rows), insert)];
}

function base64Of({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function valuesOf(rows: readonly object[]): readonly unknown[] {
  return rows.flatMap((row) => Object.values(row) as unknown[]);
}

/** Rows of a table, which all have the same columns in the same order. */
function insertAll<Table extends keyof Database>(
  database: Kysely<Database>,
  table: Table,
  rows: readonly InsertObject<Database, Table>[],
): Compilable[] {
  if (rows.length === 0) return [];
  const insert = (): Compilable => database.insertInto(table).values(rows);
  return [compileOnce(database, `${table} ${rows.length}`, valuesOf(rows), insert)];
}

function inputQueries(database: Kysely<Database>, key: AttemptKey, { inputs }: StepEntry): Compilable[] {
  const rows = [...inputs].map(([input, digest]) => ({ ...key, input, digest }));
  return insertAll(database, "step_inputs", rows);
}

function detailQueries(database: Kysely<Database>, key: AttemptKey, entry: StepEntry): Compilable[] {
  const metrics = [...entry.record.metrics].map(([metric, value]) => ({ ...key, metric, value }));
  const params = Object.entries(entry.step.params).map(([param, value]) => ({
    ...key,
    param,
    value: JSON.stringify(value),
  }));
  return [...insertAll(database, "metrics", metrics), ...insertAll(database, "params", params)];
}

/** What it printed, once it has ended. */
function logQueries(database: Kysely<Database>, key: AttemptKey, { status, log }: StepEntry): Compilable[] {
  const kept = status === "running" ? null : log?.kept();
  if (!kept) return [];
  const row = database.insertInto("step_logs").values({ ...key, ...kept });
  return [row.onConflict((conflict) => conflict.columns(["run_id", "step", "attempt"]).doUpdateSet(kept))];
}

function settingQueries(database: Kysely<Database>, key: AttemptKey, { name, step }: StepEntry): Compilable[] {
  const settings = settingsOf(step);
  // Those of an element are the step's.
  if (name !== step.name || settings === null) return [];
  const row = database.insertInto("step_settings").values({ ...key, settings: JSON.stringify(settings) });
  return [row.onConflict((conflict) => conflict.doNothing())];
}

/** What ran answers for its cache key from now on. */
function answerQueries(database: Kysely<Database>, key: AttemptKey, entry: StepEntry): Compilable[] {
  if (entry.status === "cached" || entry.cacheKey === null) return [];
  const row = { cache_key: entry.cacheKey.digest, ...key };
  return [
    compileOnce(database, "answer", [...Object.values(row), ...Object.values(key)], () =>
      database
        .insertInto("cache_entries")
        .values(row)
        .onConflict((conflict) => conflict.column("cache_key").doUpdateSet(key)),
    ),
  ];
}
