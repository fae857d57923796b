import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Digest } from "../../src/core/digest.ts";
import { artifactPath } from "../../src/store/disk-artifacts.ts";
import { migrations } from "../../src/store/migrations.ts";
import { loadSqlite, type SqliteDatabase, type SqliteValue } from "../../src/store/sqlite.ts";

type Rows = Readonly<Record<string, readonly Readonly<Record<string, SqliteValue>>[]>>;

interface KeptStore {
  readonly format: number;
  readonly rows: Rows;
  readonly artifacts: Readonly<Record<Digest, string>>;
}

const [early, late] = ["store-4.json", "store-8.json"].map(
  (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8")) as KeptStore,
) as [KeptStore, KeptStore];

/** The newest format of which a store is kept. */
export const newestKept: number = late.format;

/** What a store of a format held. The sixth migration writes rows that later stores have. */
export function keptStoreOf(format: number): KeptStore {
  return format < 6 ? early : late;
}

/**
 * Makes the store in `folder` as an earlier release left it: the tables of that format, and of the kept rows what they had
 * room for. Files that were not synced then are lost. `copies` more runs make it larger.
 */
export async function makeOldStore(folder: string, format: number, copies = 0): Promise<void> {
  for (const name of ["artifacts", "temporary"]) mkdirSync(join(folder, name), { recursive: true });
  const kept = keptStoreOf(format);
  const unsynced = new Set(format >= 8 ? kept.rows["unsynced"]?.map((row) => row["digest"]) : []);
  for (const [digest, bytes] of Object.entries(kept.artifacts)) {
    if (unsynced.has(digest)) continue;
    const path = artifactPath(folder, digest as Digest);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, Buffer.from(bytes, "base64"));
  }
  const engine = new (await loadSqlite()).DatabaseSync(join(folder, "metadata.sqlite"));
  engine.exec("pragma journal_mode = wal; pragma foreign_keys = off");
  engine.exec("begin");
  for (const script of migrations.slice(0, format)) engine.exec(script);
  engine.exec(`pragma user_version = ${format}`);
  if (format >= 3) engine.exec("delete from counters");
  for (const [table, rows] of Object.entries(kept.rows)) insert(engine, table, rows);
  const first = kept.rows["runs"]![0]!;
  insert(
    engine,
    "runs",
    Array.from({ length: copies }, (_, i) => ({ ...first, id: `copy-${i}`, sequence: 1_000 + i })),
  );
  if (format >= 3 && copies > 0) engine.exec(`update counters set value = ${1_000 + copies}, twin = ${-1_000 - copies}`);
  engine.exec("commit");
  // Closing does so only once no statement is left, and garbage collection decides that.
  engine.exec("pragma wal_checkpoint(truncate)");
  engine.close();
}

/** Inserts what the table of that format has columns for; one it requires and the kept rows lack is 0. */
function insert(engine: SqliteDatabase, table: string, rows: Rows[string]): void {
  const columns = engine.prepare(`pragma table_info(${table})`).all() as { name: string; notnull: number }[];
  if (columns.length === 0) return;
  const names = columns.map(({ name }) => name);
  const statement = engine.prepare(`insert into ${table} (${names.join()}) values (${names.map(() => "?").join()})`);
  for (const row of rows) statement.run(...columns.map(({ name, notnull }) => row[name] ?? (notnull ? 0 : null)));
}
