import { noHooks } from "../hooks.ts";
import { migrations } from "../migrations.ts";
import { loadSqlite, openSqlite } from "../sqlite.ts";
import type { SqliteDatabase } from "../sqlite.ts";
import { formatOf } from "./migrate.ts";
import type { PostgresSession } from "./session.ts";

interface Reference {
  readonly table: string;
  readonly parent: string;
  /** Column, and the column of the parent it refers to. */
  readonly columns: readonly (readonly [from: string, to: string])[];
}

interface Shape {
  /** Every table with its columns, in order of name. */
  readonly tables: Readonly<Record<string, readonly string[]>>;
  readonly references: readonly Reference[];
}

/** What the migrations make, as an embedded database tells it. */
async function soundShape(): Promise<Shape> {
  const sound = await openSqlite(":memory:", await loadSqlite(), noHooks);
  const select = <Row>(sql: string): Row[] => sound.prepare(sql).all() as Row[];
  const names = select<{ name: string }>("select name from sqlite_schema where type = 'table' order by name");
  const tables = names.map(({ name }): [string, string[]] => {
    const columns = select<{ name: string }>(`pragma table_info("${name}")`);
    return [name, columns.map((column) => column.name).sort()];
  });
  const references = names.flatMap(({ name }) => referencesOf(sound, name));
  sound.close();
  return { tables: Object.fromEntries(tables), references };
}

function referencesOf(sound: SqliteDatabase, table: string): Reference[] {
  const rows = sound.prepare(`pragma foreign_key_list("${table}")`).all() as {
    id: number;
    table: string;
    from: string;
    to: string;
  }[];
  return [...new Set(rows.map(({ id }) => id))].map((id) => {
    const own = rows.filter((row) => row.id === id);
    return { table, parent: own[0]!.table, columns: own.map(({ from, to }) => [from, to] as const) };
  });
}

/** What is wrong with the format, the tables and the references of a store in PostgreSQL. */
export async function structureOf(session: PostgresSession, schema: string): Promise<string[]> {
  const problems: string[] = [];
  const format = await formatOf(session, schema);
  if (format !== migrations.length) problems.push(`its format is ${format}, not ${migrations.length}`);
  const { tables, references } = await soundShape();
  const { rows } = await session.query(
    `select c.relname as name, array_agg(a.attname::text order by a.attname) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = $1::regnamespace and c.relkind = 'r' and c.relname <> 'store_format'
     group by c.relname order by c.relname`,
    [`"${schema}"`],
  );
  const found = Object.fromEntries((rows as { name: string; columns: string[] }[]).map((r) => [r.name, r.columns]));
  if (JSON.stringify(found) !== JSON.stringify(tables)) return [...problems, "its tables are not those of its format"];
  for (const reference of references) problems.push(...(await danglingRows(session, reference)));
  return problems;
}

async function danglingRows(session: PostgresSession, { table, parent, columns }: Reference): Promise<string[]> {
  const matches = columns.map(([from, to]) => `p."${to}" = c."${from}"`).join(" and ");
  // A reference of which a part is missing refers to nothing, and may.
  const refers = columns.map(([from]) => `c."${from}" is not null`).join(" and ");
  const { rows } = await session.query(
    `select count(*) as n from "${table}" c where ${refers} and not exists (select 1 from "${parent}" p where ${matches})`,
  );
  const n = Number(rows[0]?.["n"]);
  return n === 0 ? [] : [`${n} rows of ${table} point at nothing in ${parent}`];
}
