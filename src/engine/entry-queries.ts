import type { Compilable, Kysely } from "kysely";
import type { Database } from "../store/schema.ts";
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
  const attempt = database
    .insertInto("steps")
    .values({ ...key, position: entry.position, ...state })
    .onConflict((conflict) => conflict.columns(["run_id", "step", "attempt"]).doUpdateSet(state));
  const told = [...logQueries(database, key, entry), ...settingQueries(database, key, entry)];
  if (entry.status !== "ran" && entry.status !== "cached") return [attempt, ...told];
  return [
    attempt,
    ...told,
    ...outputQueries(database, key, entry),
    ...detailQueries(database, key, entry),
    ...answerQueries(database, key, entry),
  ];
}

function outputQueries(database: Kysely<Database>, key: AttemptKey, { record }: StepEntry): Compilable[] {
  const outputs = [...record.outputs.values()];
  if (outputs.length === 0) return [];
  const kept = database
    .insertInto("artifacts")
    .values(outputs.map(({ digest, size }) => ({ digest, size })))
    .onConflict((conflict) => conflict.column("digest").doNothing());
  const rows = outputs.map(({ output, digest, type, format }) => ({ ...key, output, digest, type, format }));
  const digests = outputs.map(({ digest }) => digest);
  // What was forgotten and is made again is there again.
  const back = database.deleteFrom("forgotten").where("digest", "in", digests);
  return [kept, back, database.insertInto("step_outputs").values(rows)];
}

function detailQueries(database: Kysely<Database>, key: AttemptKey, entry: StepEntry): Compilable[] {
  const inputs = [...entry.inputs].map(([input, digest]) => ({ ...key, input, digest }));
  const metrics = [...entry.record.metrics].map(([metric, value]) => ({ ...key, metric, value }));
  const params = Object.entries(entry.step.params).map(([param, value]) => ({
    ...key,
    param,
    value: JSON.stringify(value),
  }));
  return [
    ...(inputs.length > 0 ? [database.insertInto("step_inputs").values(inputs)] : []),
    ...(metrics.length > 0 ? [database.insertInto("metrics").values(metrics)] : []),
    ...(params.length > 0 ? [database.insertInto("params").values(params)] : []),
  ];
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
  return [
    database
      .insertInto("cache_entries")
      .values({ cache_key: entry.cacheKey.digest, ...key })
      .onConflict((conflict) => conflict.column("cache_key").doUpdateSet(key)),
  ];
}
