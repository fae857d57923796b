import { MillraceError } from "../core/errors/error.ts";
import { loadSqlite } from "../store/sqlite.ts";

interface ReadingDatabase {
  prepare(sql: string): { iterate(): Iterable<unknown>; setReadBigInts(enabled: boolean): void };
  close(): void;
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
    for (const row of statement.iterate()) yield row;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError("SOURCE_UNREADABLE", { path: name, format: "SQLite", reason }, { cause: error });
  } finally {
    database?.close();
  }
}
