import { createHash } from "node:crypto";
import { MillraceError } from "../../core/errors/error.ts";
import { plainSource } from "../plain-source.ts";
import type { FetchedPart, PartsPlace } from "../parts/kept-parts.ts";
import type { SourceDescription } from "../source.ts";
import type { DatabaseDescription, FromEnvironment } from "./database-source.ts";
import { databaseFault } from "./faults.ts";
import { readSelected } from "./selected-rows.ts";
import type { DatabaseSession, SessionOptions } from "./session.ts";

/**
 * The rows of a table or a query of a server, as files of cells; read in one read-only transaction, whole or not at all.
 *
 * Throws SOURCE_SECRET_MISSING, SOURCE_DENIED, SOURCE_QUERY_INVALID, SOURCE_UNREACHABLE, SOURCE_MISMATCH,
 * PACKAGE_MISSING or CANCELLED.
 */
export async function readDatabase(source: SourceDescription, place: PartsPlace): Promise<readonly FetchedPart[]> {
  const description = source.database!;
  const options = sessionOptions(source, description);
  const late = AbortSignal.timeout(description.timeoutMs);
  const ended = place.signal ? AbortSignal.any([place.signal, late]) : late;
  let session: DatabaseSession | undefined;
  const destroy = (): void => session?.destroy();
  ended.addEventListener("abort", destroy);
  try {
    const open = (session = await openSession(source.kind, options));
    if (ended.aborted) throw new Error("it was ended");
    const { since, version } = description;
    const query = (): Promise<string> => queryOf(source, open);
    const selection = { key: keyOf(source, options), name: source.path, query, since, version };
    const parts = await readSelected(selection, open, { ...place, signal: ended });
    await open.finish();
    return parts;
  } catch (error) {
    session?.destroy();
    throw databaseFault(error, {
      path: source.path,
      secrets: secretsOf(options),
      timeoutMs: description.timeoutMs,
      isLate: late.aborted,
      isCancelled: place.signal?.aborted === true,
    });
  } finally {
    ended.removeEventListener("abort", destroy);
  }
}

async function openSession(kind: string, options: SessionOptions): Promise<DatabaseSession> {
  if (kind === "postgres") return (await import("./postgres-session.ts")).openPostgres(options);
  return (await import("./mysql-session.ts")).openMysql(options);
}

function sessionOptions(source: SourceDescription, { url, password, timeoutMs }: DatabaseDescription): SessionOptions {
  const found = typeof url === "string" ? url : fromEnvironment(source.path, url);
  if (!URL.canParse(found)) {
    const reason = `the variable ${(url as FromEnvironment).env} holds no address such as ${source.kind}://user@host/database`;
    throw new MillraceError("SOURCE_QUERY_INVALID", { path: source.path, reason });
  }
  return { url: found, password: password && fromEnvironment(source.path, password), timeoutMs };
}

/** Throws SOURCE_SECRET_MISSING. */
export function fromEnvironment(path: string, { env }: FromEnvironment): string {
  const found = process.env[env];
  if (found !== undefined && found !== "") return found;
  throw new MillraceError("SOURCE_SECRET_MISSING", { path, variable: env });
}

function secretsOf({ url, password }: SessionOptions): readonly string[] {
  const inside = new URL(url).password;
  return [...(password === undefined ? [] : [password]), ...(inside === "" ? [] : [inside, safelyDecoded(inside)])];
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Sources of one text that lead to different servers are different; the password does not count. */
function keyOf(source: SourceDescription, { url }: SessionOptions): string {
  const { host, pathname, username } = new URL(url);
  const text = JSON.stringify([plainSource(source), host, pathname, username]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** A table's rows come in the order of its primary key, so that equal tables give equal snapshots. */
async function queryOf(source: SourceDescription, session: DatabaseSession): Promise<string> {
  const { table, since } = source.database!;
  if (table === undefined) return source.query!;
  const name = table.split(".").map(session.quoteName).join(".");
  const plain = `SELECT * FROM ${name}`;
  if (since !== undefined) return plain;
  const key = await session.keyOf(table);
  return key.length === 0 ? plain : `${plain} ORDER BY ${key.map(session.quoteName).join(", ")}`;
}
