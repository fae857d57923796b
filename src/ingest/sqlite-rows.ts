import { isMillraceError, MillraceError } from "../core/errors/error.ts";
import { busyTimeoutMs, isBusy, loadSqlite, type SqliteDatabase, type SqliteStatement } from "../store/sqlite.ts";

/** What reading uses of the `node:sqlite` API. */
interface ReadingStatement extends Pick<SqliteStatement, "setReadBigInts"> {
  iterate(...parameters: string[]): Iterable<unknown>;
  columns(): readonly { readonly name: string }[];
}

interface ReadingDatabase extends Pick<SqliteDatabase, "exec" | "close"> {
  prepare(sql: string): ReadingStatement;
}

/** Opens a SQLite file read-only; it waits for whoever writes to it, but not forever. What SQLite says is thrown as it is. */
export async function openReading(path: string): Promise<ReadingDatabase> {
  const { DatabaseSync } = await loadSqlite();
  const Reader = DatabaseSync as unknown as new (path: string, options: { readOnly: true }) => ReadingDatabase;
  const database = new Reader(path, { readOnly: true });
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  return database;
}

/** SOURCE_UNREADABLE with what SQLite says of the source `name`; an error with a code as it is. */
export function unreadableSqlite(name: string, error: unknown): MillraceError {
  if (isMillraceError(error)) return error;
  const said = error instanceof Error ? error.message : String(error);
  const context = isBusy(error) ? lockedFor(said) : { reason: said };
  return new MillraceError("SOURCE_UNREADABLE", { path: name, format: "SQLite", ...context }, { cause: error });
}

function lockedFor(said: string): { readonly reason: string; readonly remedy: string } {
  return {
    reason: `${said}: another connection has been writing to it for more than ${busyTimeoutMs / 1000} s`,
    remedy: "Run again once that is done; in WAL mode (PRAGMA journal_mode = wal) readers do not wait for writers.",
  };
}

const statements = new WeakMap<object, ReadingStatement>();

/**
 * The rows of a statement. The iterator of the engine that comes as a package does not hold its statement: collected as garbage
 * while rows are read, that takes the rows with it, or the process.
 */
export function rowsOf(statement: ReadingStatement, parameters: readonly string[] = []): Iterable<unknown> {
  const rows = statement.iterate(...parameters);
  statements.set(rows, statement);
  return rows;
}

/**
 * The rows of a query on a SQLite file that is opened read-only, one by one; integers are bigints, so that none is rounded.
 *
 * Throws SOURCE_UNREADABLE with what SQLite says.
 */
export async function* readSqlite(path: string, query: string, name: string): AsyncGenerator<unknown, void, void> {
  let database: ReadingDatabase | undefined;
  try {
    database = await openReading(path);
    const statement = database.prepare(query);
    statement.setReadBigInts(true);
    for (const row of rowsOf(statement)) yield row;
  } catch (error) {
    throw unreadableSqlite(name, error);
  } finally {
    database?.close();
  }
}
