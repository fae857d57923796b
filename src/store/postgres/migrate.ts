import { createHash } from "node:crypto";
import { MillraceError } from "../../core/errors/error.ts";
import type { StoreHooks } from "../hooks.ts";
import type { PostgresAddress } from "../metadata-address.ts";
import { migrations } from "../migrations.ts";
import { isConnectionLost } from "./faults.ts";
import type { PostgresSession } from "./session.ts";

/** The key of a store's write lock among all locks of its database. */
export function lockOf(schema: string): bigint {
  return createHash("sha256").update(`millrace store ${schema}`).digest().readBigInt64BE();
}

/** The scripts are shared with SQLite, which compares text byte by byte; here each column has to be told to. */
function scriptOf(format: number): string {
  return migrations[format]!.replaceAll(/\btext\b/g, 'text collate "C"');
}

/** The number of the last migration the schema went through; null where there is no store in it. */
export async function formatOf(session: PostgresSession, schema: string): Promise<number | null> {
  const table = `"${schema}".store_format`;
  const found = await session.query("select to_regclass($1) is not null as found", [table]);
  if (found.rows[0]?.["found"] !== true) return null;
  return Number((await session.query(`select format from ${table}`)).rows[0]?.["format"] ?? 0);
}

async function hasSchema(session: PostgresSession, schema: string): Promise<boolean> {
  return (await session.query("select 1 from pg_namespace where nspname = $1", [schema])).rows.length > 0;
}

async function requireUtf8(session: PostgresSession): Promise<void> {
  const encoding = String((await session.query("show server_encoding")).rows[0]?.["server_encoding"]);
  if (encoding === "UTF8") return;
  const reason = `its encoding is ${encoding}, and names may be in any language: it must be UTF8`;
  throw new MillraceError("STORE_DENIED", { place: session.place, reason });
}

/** Makes the store's tables, or brings them to the format of this release. Of several processes at once, one does so. */
export async function migrate(
  session: PostgresSession,
  { schema, place }: PostgresAddress,
  hooks: StoreHooks,
): Promise<void> {
  const known = migrations.length;
  const seen = await formatOf(session, schema);
  if (seen !== null && seen > known)
    throw new MillraceError("STORE_FORMAT_TOO_NEW", { path: place, format: seen, known });
  if (seen === known) return;
  await requireUtf8(session);
  await session.query(`begin; select pg_advisory_xact_lock(${lockOf(schema)})`);
  try {
    if (!(await hasSchema(session, schema))) await session.query(`create schema "${schema}"`);
    const format = await formatOf(session, schema);
    if (format === null) await session.query("create table store_format (format bigint primary key)");
    if (!format) await session.query("insert into store_format select 0 where not exists (select 1 from store_format)");
    for (let next = format ?? 0; next < known; ++next) await session.query(scriptOf(next));
    if ((format ?? 0) < known) await session.query("update store_format set format = $1", [known]);
    hooks.reached("store.migrating");
    await session.query("commit");
    hooks.reached("store.migrated");
  } catch (error) {
    if (isConnectionLost(error)) session.drop();
    else await session.query("rollback").catch(() => session.drop());
    throw error;
  }
}
