import { writeFile } from "node:fs/promises";
import { MillraceError } from "../../core/errors/error.ts";
import { noHooks } from "../hooks.ts";
import { migrations } from "../migrations.ts";
import { bindable, loadSqlite, openSqlite, storeError } from "../sqlite.ts";
import type { SqliteDatabase, SqliteValue } from "../sqlite.ts";
import { rowsAtOnce } from "../tables.ts";
import type { PostgresSession } from "./session.ts";

function tablesOf(file: SqliteDatabase): readonly string[] {
  const rows = file.prepare("select name from sqlite_schema where type = 'table' order by name").all();
  return (rows as { name: string }[]).map(({ name }) => name);
}

function columnsOf(file: SqliteDatabase, table: string): readonly string[] {
  return (file.prepare(`pragma table_info("${table}")`).all() as { name: string }[]).map(({ name }) => name);
}

const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");

/**
 * Writes all of a store, as of one moment, as the file that an embedded store would be: backups have one format. Throws
 * where there is a file already.
 */
export async function writeSnapshot(session: PostgresSession, target: string): Promise<void> {
  await session.query("begin isolation level repeatable read read only");
  const format = Number((await session.query("select format from store_format")).rows[0]?.["format"]);
  if (format !== migrations.length)
    throw new MillraceError("STORE_FORMAT_TOO_NEW", { path: session.place, format, known: migrations.length });
  await writeFile(target, "", { flag: "wx" });
  const file = await openSqlite(target, await loadSqlite(), noHooks);
  try {
    file.exec("pragma foreign_keys = off; pragma journal_mode = delete; begin");
    for (const table of tablesOf(file)) await copyOut(session, file, table);
    file.exec("commit");
  } catch (error) {
    throw storeError(target, error);
  } finally {
    file.close();
  }
  await session.query("commit");
}

async function copyOut(session: PostgresSession, file: SqliteDatabase, table: string): Promise<void> {
  const columns = columnsOf(file, table);
  const atOnce = rowsAtOnce(table);
  file.exec(`delete from "${table}"`);
  const insert = file.prepare(
    `insert into "${table}" (${list(columns)}) values (${columns.map(() => "?").join(", ")})`,
  );
  await session.query(`declare copied no scroll cursor for select ${list(columns)} from "${table}"`);
  for (;;) {
    const { rows } = await session.query(`fetch ${atOnce} from copied`);
    for (const row of rows) insert.run(...columns.map((column) => bindable(row[column] as SqliteValue)));
    if (rows.length < atOnce) break;
  }
  await session.query("close copied");
}
