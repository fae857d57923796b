import { MillraceError } from "../core/errors/error.ts";
import { loadSqlite } from "../store/sqlite.ts";

interface Statement {
  iterate(...parameters: string[]): Iterable<unknown>;
  setReadBigInts(enabled: boolean): void;
}

interface ReadingDatabase {
  prepare(sql: string): Statement;
  close(): void;
}

const statements = new WeakMap<object, Statement>();

/**
 * The rows of a statement. The iterator of the engine that comes as a package does not hold its statement: collected as garbage
 * while rows are read, that takes the rows with it, or the process.
 */
export function rowsOf(statement: Statement, parameters: readonly string[] = []): Iterable<unknown> {
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
  const { DatabaseSync } = await loadSqlite();
  const Reader = DatabaseSync as unknown as new (path: string, options: { readOnly: true }) => ReadingDatabase;
  let database: ReadingDatabase | undefined;
  try {
    database = new Reader(path, { readOnly: true });
    const statement = database.prepare(query);
    statement.setReadBigInts(true);
    for (const row of rowsOf(statement)) yield row;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError("SOURCE_UNREADABLE", { path: name, format: "SQLite", reason }, { cause: error });
  } finally {
    database?.close();
  }
}
