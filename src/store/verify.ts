import type { Clock } from "../core/clock.ts";
import { isMillraceError, toMillraceError } from "../core/errors/error.ts";
import { noHooks } from "./hooks.ts";
import { memoDigest } from "./memo.ts";
import { migrations } from "./migrations.ts";
import { inspectStore, metadataFile } from "./open.ts";
import type { InspectedStore, StoreOptions } from "./open.ts";
import { digestOfModel, digestOfRun } from "./seals.ts";
import { formatOf, loadSqlite, openSqlite } from "./sqlite.ts";
import type { SqliteDatabase } from "./sqlite.ts";

/** One thing that is not as it was written. */
export interface Fault {
  /** What it is about: a file below the store's folder, a run, a model. */
  readonly subject: string;
  readonly problem: string;
  readonly remedy: string;
}

export interface Verification {
  readonly faults: readonly Fault[];
  readonly runs: number;
  readonly artifacts: number;
  /** Bytes whose digest was computed. */
  readonly bytes: number;
}

const restore = "Restore the store from a backup with `millrace restore`.";
const remake = "Delete it and run its pipeline again, or restore the store from a backup with `millrace restore`.";

type Rows = readonly Readonly<Record<string, unknown>>[];

function select(engine: SqliteDatabase, sql: string): Rows {
  return engine.prepare(sql).all() as Rows;
}

/**
 * Checks everything the store in `folder` holds against what was written: the database's structure, the seals of runs and
 * models, what the tables say of each other, and the digest of every artifact, where `place` says that they are kept. Changes
 * nothing. `more` adds checks of what only higher floors understand.
 */
export async function verifyStore(
  folder: string,
  clock: Clock,
  more: (inspected: InspectedStore) => Promise<readonly Fault[]> = async () => [],
  place: Pick<StoreOptions, "artifacts"> = {},
): Promise<Verification> {
  let inspected: InspectedStore;
  try {
    inspected = await inspectStore(folder, { clock, ...place });
  } catch (error) {
    return { faults: [faultOf(metadataFile, error)], runs: 0, artifacts: 0, bytes: 0 };
  }
  const faults: Fault[] = [];
  const found = { runs: 0, artifacts: 0, bytes: 0 };
  const checks = [
    async () => checkStructure(inspected.engine),
    async () => checkCounters(inspected.engine),
    async () => checkAnswers(inspected.engine),
    () => checkMemo(inspected),
    () => checkRuns(inspected, found),
    () => checkModels(inspected),
    () => checkArtifacts(inspected, found),
    () => more(inspected),
  ];
  const { engine } = inspected;
  try {
    // One moment for all checks: runs may go on meanwhile.
    attempt(() => engine.exec("begin"));
    for (const check of checks) {
      // A check that cannot even read what it checks has found a fault, and the others go on.
      faults.push(...(await check().catch((error: unknown) => [faultOf(metadataFile, error)])));
    }
  } finally {
    attempt(() => engine.exec("rollback"));
    await inspected.store.close();
  }
  return { faults, ...found };
}

/** A database too damaged for a transaction is checked without: the checks say what is wrong with it. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    return;
  }
}

function faultOf(subject: string, error: unknown): Fault {
  const { message } = toMillraceError(error);
  const remedy = isMillraceError(error) ? error.remedy : restore;
  return { subject, problem: message, remedy };
}

async function checkStructure(engine: SqliteDatabase): Promise<Fault[]> {
  const problems = select(engine, "pragma integrity_check")
    .map((row) => String(row["integrity_check"]))
    .filter((text) => text !== "ok");
  for (const row of select(engine, "pragma foreign_key_check")) {
    problems.push(
      `row ${String(row["rowid"])} of ${String(row["table"])} points at nothing in ${String(row["parent"])}`,
    );
  }
  const format = formatOf(engine);
  if (format !== migrations.length) problems.push(`its format is ${format}, not ${migrations.length}`);
  const schema = "select type, name, tbl_name, sql from sqlite_schema order by type, name";
  const sound = await openSqlite(":memory:", await loadSqlite(), noHooks);
  const expected = JSON.stringify(select(sound, schema));
  sound.close();
  if (JSON.stringify(select(engine, schema)) !== expected) problems.push("its tables are not those of its format");
  return problems.map((problem) => ({ subject: metadataFile, problem, remedy: restore }));
}

async function checkCounters(engine: SqliteDatabase): Promise<Fault[]> {
  const rows = select(engine, "select * from counters");
  const used = select(
    engine,
    "select max(coalesce((select max(sequence) from runs), 0), coalesce((select max(token) from leases), 0)) as n",
  );
  const row = rows[0];
  const isSound =
    rows.length === 1 &&
    row?.["counter"] === "order" &&
    Number(row["value"]) === -Number(row["twin"]) &&
    Number(row["value"]) >= Number(used[0]?.["n"]);
  return isSound ? [] : [{ subject: metadataFile, problem: "the store's counter was altered", remedy: restore }];
}

/** What answers for a cache key is the attempt that ran under it. */
async function checkAnswers(engine: SqliteDatabase): Promise<Fault[]> {
  const rows = select(
    engine,
    `select c.run_id, c.step from cache_entries c left join steps s
       on s.run_id = c.run_id and s.step = c.step and s.attempt = c.attempt
     where s.cache_key is null or s.cache_key <> c.cache_key`,
  );
  return rows.map((row) => ({
    subject: `run ${String(row["run_id"])}`,
    problem: `step "${String(row["step"])}" answers for a cache key that is not its own`,
    remedy: restore,
  }));
}

async function checkMemo({ store }: InspectedStore): Promise<Fault[]> {
  const rows = await store.database.selectFrom("memo").selectAll().execute();
  return rows
    .filter((row) => memoDigest(row.memo_key, row.value) !== row.digest)
    .map((row) => ({
      subject: `memo ${row.memo_key}`,
      problem: "it was altered after it was written",
      remedy: "Nothing: it is not used, and written anew by the next run.",
    }));
}

async function checkRuns({ store }: InspectedStore, found: { runs: number }): Promise<Fault[]> {
  const faults: Fault[] = [];
  const ids = await store.database.selectFrom("runs").select("id").execute();
  found.runs = ids.length;
  const known = new Set(ids.map(({ id }) => id));
  const seals = await store.database.selectFrom("seals").selectAll().where("subject", "like", "run:%").execute();
  for (const { subject, digest } of seals) {
    const id = subject.slice(4);
    const problem = !known.has(id)
      ? "its record is gone"
      : (await digestOfRun(store.database, id)) === digest
        ? null
        : "its record was altered after it ended";
    if (problem !== null) faults.push({ subject: `run ${id}`, problem, remedy: restore });
  }
  return faults;
}

async function checkModels({ store }: InspectedStore): Promise<Fault[]> {
  const versions = await store.database.selectFrom("versions").select("model").distinct().execute();
  const known = new Set(versions.map(({ model }) => model));
  const faults: Fault[] = [];
  const seals = await store.database.selectFrom("seals").selectAll().where("subject", "not like", "run:%").execute();
  for (const { subject, digest } of seals) {
    const model = subject.slice(6);
    if (subject.startsWith("model:") && known.has(model) && (await digestOfModel(store.database, model)) === digest)
      continue;
    const problem = "versions, judgements or aliases were altered, or are gone";
    faults.push({ subject: subject.replace(":", " "), problem, remedy: restore });
  }
  return faults;
}

function isOutOfReach(error: unknown): boolean {
  const codes: readonly string[] = ["OBJECTS_UNREACHABLE", "OBJECTS_DENIED", "BUCKET_MISSING", "PACKAGE_MISSING"];
  return isMillraceError(error) && codes.includes(error.code);
}

async function checkArtifacts(
  { store }: InspectedStore,
  found: { artifacts: number; bytes: number },
): Promise<Fault[]> {
  const faults: Fault[] = [];
  const rows = await store.database.selectFrom("artifacts").selectAll().orderBy("digest").execute();
  for (const { digest, size } of rows) {
    let problem: string | null;
    try {
      problem = await store.artifacts.problemOf(digest, size);
    } catch (error) {
      // A bucket out of reach says nothing of one artifact, and would say it of each.
      if (isOutOfReach(error)) return [...faults, faultOf("artifacts", error)];
      problem = isMillraceError(error) ? error.message : String(error);
    }
    found.artifacts += 1;
    found.bytes += size;
    if (problem !== null) faults.push({ subject: store.artifacts.nameOf(digest), problem, remedy: remake });
  }
  return faults;
}
