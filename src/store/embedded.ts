import type { Compilable, Kysely } from "kysely";
import { noHooks } from "./hooks.ts";
import type { Durability, StoreHooks } from "./hooks.ts";
import { checkFence, heldLease } from "./leases.ts";
import type { Fence } from "./leases.ts";
import type { InspectedMetadata, Metadata } from "./metadata.ts";
import { migrations } from "./migrations.ts";
import type { Database } from "./schema.ts";
import { SqliteDriver } from "./sqlite-driver.ts";
import { formatOf, loadSqlite, openEngine, openSqlite } from "./sqlite.ts";
import type { SqliteDatabase } from "./sqlite.ts";

function writeTogether(
  driver: SqliteDriver,
  database: Kysely<Database>,
  queries: readonly Compilable[],
  fence: Fence | undefined,
  durability: Durability,
): Promise<readonly number[]> {
  const compiled = queries.map((query) => query.compile());
  const [first] = compiled;
  if (first && compiled.length === 1 && !fence)
    return driver.alone(first, durability).then(({ numAffectedRows }) => [Number(numAffectedRows ?? 0)]);
  const held = fence && heldLease(database, fence).compile();
  return driver.atOnce((execute) => {
    if (fence && held) checkFence(fence, execute(held).rows[0]);
    return compiled.map((query) => Number(execute(query).numAffectedRows ?? 0));
  }, durability);
}

async function assemble(engine: SqliteDatabase, path: string, hooks: StoreHooks): Promise<Metadata> {
  // Loaded only when a store is opened.
  const { createQueryBuilder } = await import("./query-builder.ts");
  const driver = new SqliteDriver(engine, path, hooks);
  const database = createQueryBuilder("sqlite", driver);
  return {
    database,
    read: (query) => driver.rowsOf(query.compile()),
    write: (queries, fence, durability) => writeTogether(driver, database, queries, fence, durability),
    prepare: (queries) => queries.forEach((query) => driver.prepare(query.compile())),
    lasting: () => driver.lasting(),
    snapshot: (target) => driver.snapshot(target),
  };
}

/** Opens (and where needed makes or migrates) the metadata in a file; ":memory:" for what does not last. */
export async function openEmbeddedMetadata(path: string, hooks: StoreHooks): Promise<Metadata> {
  return assemble(await openSqlite(path, await loadSqlite(), hooks), path, hooks);
}

/** Opens the file as it lies there: nothing is made or migrated. */
export async function inspectEmbeddedMetadata(path: string, hooks: StoreHooks = noHooks): Promise<InspectedMetadata> {
  const engine = await openEngine(path, await loadSqlite());
  return {
    ...(await assemble(engine, path, hooks)),
    freeze: async () => engine.exec("begin"),
    thaw: async () => engine.exec("rollback"),
    structure: () => structureOf(engine),
  };
}

type Rows = readonly Readonly<Record<string, unknown>>[];

function select(engine: SqliteDatabase, sql: string): Rows {
  return engine.prepare(sql).all() as Rows;
}

async function structureOf(engine: SqliteDatabase): Promise<string[]> {
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
  if (tablesOf(engine) !== (await soundTables())) problems.push("its tables are not those of its format");
  return problems;
}

/** Every table and index as the text that made it. */
function tablesOf(engine: SqliteDatabase): string {
  return JSON.stringify(select(engine, "select type, name, tbl_name, sql from sqlite_schema order by type, name"));
}

let sound: string | undefined;

/** What the migrations make. They take longer than all else that is asked of a small store, and always make the same. */
async function soundTables(): Promise<string> {
  if (sound === undefined) {
    const engine = await openSqlite(":memory:", await loadSqlite(), noHooks);
    sound = tablesOf(engine);
    engine.close();
  }
  return sound;
}
