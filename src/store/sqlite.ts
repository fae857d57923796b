import { MillraceError } from "../core/errors/error.ts";
import type { StoreHooks } from "./hooks.ts";
import { migrations } from "./migrations.ts";
import { storable } from "./storable.ts";
import { unwritableError } from "./unwritable.ts";

export type SqliteValue = null | number | bigint | string | Uint8Array;

/** What the store uses of the `node:sqlite` API; `@photostructure/sqlite` has the same shape. */
export interface SqliteStatement {
  all(...parameters: SqliteValue[]): unknown[];
  get(...parameters: SqliteValue[]): unknown;
  run(...parameters: SqliteValue[]): { readonly changes: number | bigint };
  columns(): readonly unknown[];
  setReadBigInts(isWanted: boolean): void;
}

export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export interface SqliteModule {
  readonly DatabaseSync: new (path: string) => SqliteDatabase;
}

/**
 * A value as it must be given to a statement. The engine that comes as a package takes numbers next to zero for the integer
 * 0; as text, a column of numbers gets every bit of them.
 */
export function bindable(value: SqliteValue): SqliteValue {
  return typeof value === "number" && value !== 0 && Math.abs(value) < 1e-12 ? String(value) : storable(value);
}

/**
 * All rows of a statement. The engines refuse a whole answer for one integer that a double cannot hold; we never write one,
 * so whoever did gets its nearest double, and everyone else their rows.
 */
export function allRows(statement: SqliteStatement, parameters: readonly SqliteValue[]): unknown[] {
  try {
    return statement.all(...parameters);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("too large to be represented"))) throw error;
    statement.setReadBigInts(true);
    const rows = statement.all(...parameters) as Record<string, SqliteValue>[];
    statement.setReadBigInts(false);
    const rounded = (value: SqliteValue): SqliteValue => (typeof value === "bigint" ? Number(value) : value);
    return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, rounded(value)])));
  }
}

/** Earlier engines can lose pages when a write races a checkpoint in WAL mode (the WAL-reset bug). */
export const oldestEngine = "3.51.3";

function isAtLeast(version: string, needed: string): boolean {
  const [a, b] = [version, needed].map((text) => text.split(".").map(Number));
  for (let i = 0; i < 3; ++i) if ((a![i] ?? 0) !== (b![i] ?? 0)) return (a![i] ?? 0) > (b![i] ?? 0);
  return true;
}

/** Node 22 announces its SQLite as experimental on standard error; what we use of it is tested there, and users can do nothing. */
async function withoutExperimentalWarning<T>(load: () => Promise<T>): Promise<T> {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).startsWith("SQLite is an experimental feature")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return await load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** The built-in `node:sqlite` where its SQLite is sound, else the one that comes as a package. */
export async function loadSqlite(): Promise<SqliteModule> {
  const builtin = process.versions["sqlite"];
  if (builtin !== undefined && isAtLeast(builtin, oldestEngine)) {
    const name = "node:sqlite"; // not a literal import: Node 20 and its types do not know the module
    return withoutExperimentalWarning(async () => (await import(name)) as SqliteModule);
  }
  try {
    return (await import("@photostructure/sqlite")) as unknown as SqliteModule;
  } catch (cause) {
    throw new MillraceError("STORE_ENGINE_TOO_OLD", { version: builtin ?? "(none)", needed: oldestEngine }, { cause });
  }
}

/** The primary result code of an engine's error: the low byte of the extended one; 0 for any other error. */
function codeOf(error: unknown): number {
  return error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
}

const busyCodes = [5, 6];
const unwritableCodes = [8, 10, 13, 14]; // read-only, input/output error, disk full, cannot open
const damagedCodes = [11, 26]; // corrupt, not a database
const refusedCodes = [1, 19, 20, 25]; // no such column, against a constraint, of a wrong kind, too many values
export const busyTimeoutMs = 5000;

/** Whether another connection was in the way of this one. */
export function isBusy(error: unknown): boolean {
  return busyCodes.includes(codeOf(error));
}

/** Whether what was to be written cannot be, whatever the state of disk and others. */
export function isRefused(error: unknown): boolean {
  return refusedCodes.includes(codeOf(error));
}

/** An error of the engine in our words, where a person can mend its cause; any other as it is. */
export function storeError(path: string, error: unknown): unknown {
  const code = codeOf(error);
  const reason = error instanceof Error ? error.message : String(error);
  const cause = { cause: error };
  if (isBusy(error)) return new MillraceError("STORE_BUSY", { path, seconds: busyTimeoutMs / 1000 }, cause);
  if (unwritableCodes.includes(code)) return new MillraceError("STORE_UNWRITABLE", { path, reason }, cause);
  if (damagedCodes.includes(code)) return new MillraceError("STORE_DAMAGED", { path, reason }, cause);
  return unwritableError(path, error);
}

/**
 * Runs `work` until no other process is in its way, for at most half a minute. Waits outside SQLite, so that the event
 * loop goes on meanwhile.
 */
export async function whenFree<T>(path: string, work: () => T): Promise<T> {
  const limitMs = 30_000;
  for (let waited = 0, delay = 1; ; waited += delay, delay = Math.min(delay * 2, 40)) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (waited >= limitMs) {
        throw new MillraceError("STORE_BUSY", { path, seconds: limitMs / 1000 }, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

/** Takes the write lock at the start of a transaction, so that no transaction fails half-way for want of it. */
export async function beginImmediate(database: SqliteDatabase, path: string): Promise<void> {
  database.exec("pragma busy_timeout = 0");
  try {
    await whenFree(path, () => database.exec("begin immediate"));
  } finally {
    database.exec(`pragma busy_timeout = ${busyTimeoutMs}`);
  }
}

/** Puts all that is in the log into the database itself, and makes it last there; the log begins anew. */
export async function emptyLog(database: SqliteDatabase, path: string, hooks: StoreHooks): Promise<void> {
  database.exec("pragma busy_timeout = 0");
  try {
    hooks.reached("log.emptying");
    await whenFree(path, () => {
      const { busy } = database.prepare("pragma wal_checkpoint(truncate)").get() as { readonly busy: number };
      if (busy !== 0) throw Object.assign(new Error("others read from the log"), { errcode: busyCodes[0] });
    });
    hooks.reached("log.emptied");
  } catch (error) {
    throw storeError(path, error);
  } finally {
    database.exec(`pragma busy_timeout = ${busyTimeoutMs}`);
  }
}

/** The number of the last migration a database went through. */
export function formatOf(database: SqliteDatabase): number {
  return (database.prepare("pragma user_version").get() as { user_version: number }).user_version;
}

async function migrate(database: SqliteDatabase, path: string, hooks: StoreHooks): Promise<void> {
  const format = formatOf(database);
  const known = migrations.length;
  if (format > known) throw new MillraceError("STORE_FORMAT_TOO_NEW", { path, format, known });
  if (format === known) return;
  await beginImmediate(database, path);
  try {
    for (let next = formatOf(database); next < known; ++next) database.exec(migrations[next]!);
    database.exec(`pragma user_version = ${known}`);
    hooks.reached("store.migrating");
    database.exec("commit");
    hooks.reached("store.migrated");
  } catch (error) {
    rollBack(database);
    // A script that does not fit what it finds there: the format number or the tables are not what was written.
    if (codeOf(error) !== 1) throw error;
    const reason = `format ${format} cannot be migrated: ${(error as Error).message}`;
    throw new MillraceError("STORE_DAMAGED", { path, reason }, { cause: error });
  }
}

/** Rolls back what is left of a transaction: after a full disk the engine has done so itself. */
export function rollBack(database: Pick<SqliteDatabase, "exec">): void {
  try {
    database.exec("rollback");
  } catch (error) {
    if (codeOf(error) !== 1) throw error;
  }
}

function versionOf(database: SqliteDatabase): string {
  return (database.prepare("select sqlite_version() as version").get() as { version: string }).version;
}

/** The version of the SQLite the store would use here. */
export async function sqliteVersion(): Promise<string> {
  const sqlite = await loadSqlite();
  const database = new sqlite.DatabaseSync(":memory:");
  try {
    return versionOf(database);
  } finally {
    database.close();
  }
}

/** Opens (and where needed creates or migrates) the metadata database; ":memory:" for one that does not last. */
export async function openSqlite(path: string, sqlite: SqliteModule, hooks: StoreHooks): Promise<SqliteDatabase> {
  const engine = await openEngine(path, sqlite);
  try {
    await migrate(engine, path, hooks);
    return engine;
  } catch (error) {
    engine.close();
    throw storeError(path, error);
  }
}

/** Opens the database as it is; one of an engine that can lose pages is refused. */
export async function openEngine(path: string, sqlite: SqliteModule): Promise<SqliteDatabase> {
  let database: SqliteDatabase | undefined;
  try {
    const opened = new sqlite.DatabaseSync(path);
    database = opened;
    // First of all: any other statement may find another process at work on the file.
    opened.exec(`pragma busy_timeout = ${busyTimeoutMs}`);
    const version = versionOf(opened);
    if (!isAtLeast(version, oldestEngine)) {
      throw new MillraceError("STORE_ENGINE_TOO_OLD", { version, needed: oldestEngine });
    }
    await whenFree(path, () => {
      opened.exec("pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;");
      // What is removed is gone: it may be what a person asked to be forgotten.
      opened.exec("pragma secure_delete = on");
    });
    return opened;
  } catch (error) {
    database?.close();
    throw storeError(path, error);
  }
}
