import type { Compilable, InsertObject, Kysely } from "kysely";
import type { StoredArtifact } from "./artifacts.ts";
import { compileOnce } from "./compile-once.ts";
import type { CacheEntriesTable, MetricsTable, ParamsTable, StepLogsTable, StepsTable } from "./run-tables.ts";
import type { StepInputsTable, StepOutputsTable } from "./run-tables.ts";
import type { Database, UnsyncedTable } from "./schema.ts";

type AttemptKey = Pick<StepsTable, "run_id" | "step" | "attempt">;

/** What is recorded of one attempt: a row of "steps", and what stands under its key in other tables. Plain data. */
export interface StepRows {
  readonly step: Readonly<StepsTable>;
  /** As JSON; null where the definition says no more than its name. */
  readonly settings: string | null;
  readonly log: Readonly<Omit<StepLogsTable, keyof AttemptKey>> | null;
  readonly artifacts: readonly StoredArtifact[];
  /** Bytes of artifacts whose files do not last yet. */
  readonly unsynced: readonly Readonly<UnsyncedTable>[];
  readonly outputs: readonly Readonly<Omit<StepOutputsTable, keyof AttemptKey>>[];
  readonly inputs: readonly Readonly<Omit<StepInputsTable, keyof AttemptKey>>[];
  readonly metrics: readonly Readonly<Omit<MetricsTable, keyof AttemptKey>>[];
  readonly params: readonly Readonly<Omit<ParamsTable, keyof AttemptKey>>[];
  /** The cache key it answers for from now on. */
  readonly answers: CacheEntriesTable["cache_key"] | null;
}

/** What records an attempt, to be executed in this order. */
export function stepQueries(database: Kysely<Database>, rows: StepRows): readonly Compilable[] {
  const { run_id, step, attempt } = rows.step;
  const key: AttemptKey = { run_id, step, attempt };
  const below = <Row extends object>(list: readonly Row[]): readonly (AttemptKey & Row)[] =>
    list.map((row) => ({ ...key, ...row }));
  return [
    attemptQuery(database, rows.step),
    ...logQueries(database, key, rows.log),
    ...settingQueries(database, key, rows.settings),
    ...artifactQueries(database, rows),
    ...insertAll(database, "step_outputs", below(rows.outputs)),
    ...insertAll(database, "step_inputs", below(rows.inputs)),
    ...insertAll(database, "metrics", below(rows.metrics)),
    ...insertAll(database, "params", below(rows.params)),
    ...answerQueries(database, key, rows.answers),
  ];
}

function attemptQuery(database: Kysely<Database>, row: StepRows["step"]): Compilable {
  const { run_id, step, attempt, position, ...state } = row;
  const ordered = { run_id, step, attempt, position, ...state };
  return compileOnce(database, "attempt", [...Object.values(ordered), ...Object.values(state)], () =>
    database
      .insertInto("steps")
      .values(ordered)
      .onConflict((conflict) => conflict.columns(["run_id", "step", "attempt"]).doUpdateSet(state)),
  );
}

function artifactQueries(database: Kysely<Database>, { artifacts, unsynced }: StepRows): Compilable[] {
  if (artifacts.length === 0) return [];
  const kept = compileOnce(database, `artifacts ${artifacts.length}`, valuesOf(artifacts), () =>
    database
      .insertInto("artifacts")
      .values(artifacts)
      .onConflict((conflict) => conflict.column("digest").doNothing()),
  );
  const digests = artifacts.map(({ digest }) => digest);
  // What was forgotten and is made again is there again.
  const back = compileOnce(database, `made again ${digests.length}`, digests, () =>
    database.deleteFrom("forgotten").where("digest", "in", digests),
  );
  return [kept, back, ...unsyncedQueries(database, unsynced)];
}

function unsyncedQueries(database: Kysely<Database>, rows: StepRows["unsynced"]): Compilable[] {
  if (rows.length === 0) return [];
  const insert = (): Compilable =>
    database
      .insertInto("unsynced")
      .values(rows)
      .onConflict((conflict) => conflict.doNothing());
  return [compileOnce(database, `unsynced ${rows.length}`, valuesOf(rows), insert)];
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

/** What it printed, once it has ended. */
function logQueries(database: Kysely<Database>, key: AttemptKey, log: StepRows["log"]): Compilable[] {
  if (log === null) return [];
  const row = database.insertInto("step_logs").values({ ...key, ...log });
  return [row.onConflict((conflict) => conflict.columns(["run_id", "step", "attempt"]).doUpdateSet(log))];
}

function settingQueries(database: Kysely<Database>, key: AttemptKey, settings: string | null): Compilable[] {
  if (settings === null) return [];
  const row = database.insertInto("step_settings").values({ ...key, settings });
  return [row.onConflict((conflict) => conflict.doNothing())];
}

function answerQueries(database: Kysely<Database>, key: AttemptKey, cacheKey: string | null): Compilable[] {
  if (cacheKey === null) return [];
  const row = { cache_key: cacheKey, ...key };
  return [
    compileOnce(database, "answer", [...Object.values(row), ...Object.values(key)], () =>
      database
        .insertInto("cache_entries")
        .values(row)
        .onConflict((conflict) => conflict.column("cache_key").doUpdateSet(key)),
    ),
  ];
}
