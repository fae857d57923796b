import { createHash } from "node:crypto";
import { MillraceError } from "../../core/errors/error.ts";
import { plainSource } from "../plain-source.ts";
import { type Cell, type CellRows, recordOf } from "../parts/cells-file.ts";
import { createKeeper, type FetchedPart, type Keeper, type Kept, type PartsPlace } from "../parts/kept-parts.ts";
import type { SourceDescription } from "../source.ts";
import type { DatabaseDescription, FromEnvironment } from "./database-source.ts";
import { databaseFault } from "./faults.ts";
import type { DatabaseSession, SessionOptions } from "./session.ts";

/** What must be known of the rows read before. */
type State = {
  readonly version: string | null;
  readonly columns: string;
  readonly since: Watermark | null;
};

/** How far a column that grows was read. */
type Watermark = {
  readonly value: string;
  /** Rows below the value or without one: where their number changed, the past changed. */
  readonly nBefore: string;
  /** Digests of the rows at the value itself, of which more may come. */
  readonly rowsAt: readonly string[];
};

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
    session = await openSession(source.kind, options);
    if (ended.aborted) throw new Error("it was ended");
    const parts = await readParts(source, session, { ...place, signal: ended }, options);
    await session.finish();
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

async function readParts(
  source: SourceDescription,
  session: DatabaseSession,
  place: PartsPlace,
  options: SessionOptions,
): Promise<readonly FetchedPart[]> {
  const { since, version } = source.database!;
  const isKept = since !== undefined || version !== undefined;
  const keeper = createKeeper<State>(keyOf(source, options), isKept ? place : { ...place, folder: null });
  const before = isKept ? await keeper.recall() : null;
  const found = version === undefined ? null : await answerOf(session, version);
  if (before && found !== null && before.state.version === found) return keeper.paths(before.parts);
  const query = await queryOf(source, session);
  const kept =
    (before && since !== undefined && (await readNewer(source, session, keeper, before, query, since))) ||
    (await readAll(source, session, keeper, query, found));
  await keeper.keep(kept);
  return keeper.paths(kept.parts);
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

async function readAll(
  source: SourceDescription,
  session: DatabaseSession,
  keeper: Keeper<State>,
  query: string,
  version: string | null,
): Promise<Kept<State>> {
  const { since } = source.database!;
  const bare = withoutEnd(query);
  const ordered = since === undefined ? query : `SELECT * FROM (${bare}) AS q ORDER BY ${session.quoteName(since)}`;
  const rows = await session.select(ordered);
  const part = await keeper.write(source.path, rows);
  const mark = since === undefined ? null : await watermarkOf(session, bare, since);
  return { parts: [part], state: { version, columns: JSON.stringify(rows.columns), since: mark } };
}

/** The rows that came since; null where what was read before is not what stands there now, so that all is to be read. */
async function readNewer(
  source: SourceDescription,
  session: DatabaseSession,
  keeper: Keeper<State>,
  before: Kept<State>,
  query: string,
  since: string,
): Promise<Kept<State> | null> {
  const { since: mark, columns } = before.state;
  if (mark === null) return null;
  const bare = withoutEnd(query);
  const name = session.quoteName(since);
  const limit = await session.watermark(bare, since, 1);
  if ((await countBefore(session, bare, name, limit, mark.value)) !== mark.nBefore) return null;
  const rows = await session.select(`SELECT * FROM (${bare}) AS q WHERE ${name} >= ${limit} ORDER BY ${name}`, [
    mark.value,
  ]);
  if (JSON.stringify(rows.columns) !== columns) {
    for await (const _ of rows.batches) continue;
    return null;
  }
  const seen = createSeen(mark.rowsAt);
  const part = await keeper.write(`${source.path} from ${since} ${mark.value}`, withoutSeen(rows, seen));
  if (seen.nLeft() > 0) return null;
  if (part.nRows === 0) return before;
  const next = await watermarkOf(session, bare, since);
  return { parts: [...before.parts, part], state: { ...before.state, since: next } };
}

/** A multiset of digests of rows, taken from one by one. */
interface Seen {
  take(row: readonly Cell[]): boolean;
  nLeft(): number;
}

function createSeen(digests: readonly string[]): Seen {
  const counts = new Map<string, number>();
  for (const digest of digests) counts.set(digest, (counts.get(digest) ?? 0) + 1);
  let nLeft = digests.length;
  return {
    take(row) {
      if (nLeft === 0) return false;
      const digest = digestOf(row);
      const count = counts.get(digest) ?? 0;
      if (count === 0) return false;
      counts.set(digest, count - 1);
      --nLeft;
      return true;
    },
    nLeft: () => nLeft,
  };
}

function withoutSeen({ columns, batches }: CellRows, seen: Seen): CellRows {
  const left = async function* (): AsyncGenerator<readonly (readonly Cell[])[]> {
    for await (const batch of batches) yield batch.filter((row) => !seen.take(row));
  };
  return { columns, batches: left() };
}

/** null where there is no row with a value. Within one transaction it tells of the very rows that were read. */
async function watermarkOf(session: DatabaseSession, query: string, since: string): Promise<Watermark | null> {
  const name = session.quoteName(since);
  const limit = await session.watermark(query, since, 1);
  const value = await cellOf(session, `SELECT max(${name}) FROM (${query}) AS q`);
  if (value === null) return null;
  const nBefore = await countBefore(session, query, name, limit, value);
  const rowsAt: string[] = [];
  const rows = await session.select(`SELECT * FROM (${query}) AS q WHERE ${name} = ${limit}`, [value]);
  for await (const batch of rows.batches) for (const row of batch) rowsAt.push(digestOf(row));
  return { value, nBefore, rowsAt };
}

async function countBefore(
  session: DatabaseSession,
  query: string,
  name: string,
  limit: string,
  value: string,
): Promise<string> {
  const sql = `SELECT count(*) FROM (${query}) AS q WHERE ${name} < ${limit} OR ${name} IS NULL`;
  return (await cellOf(session, sql, [value]))!;
}

async function cellOf(session: DatabaseSession, sql: string, parameters: readonly string[] = []): Promise<Cell> {
  let cell: Cell = null;
  for await (const batch of (await session.select(sql, parameters)).batches) cell = batch[0]?.[0] ?? cell;
  return cell;
}

/** All that a query gives, as one text. */
async function answerOf(session: DatabaseSession, query: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const batch of (await session.select(query)).batches) for (const row of batch) hash.update(recordOf(row));
  return hash.digest("hex");
}

function digestOf(row: readonly Cell[]): string {
  return createHash("sha256").update(recordOf(row)).digest("hex").slice(0, 32);
}

/** A query's last semicolon would end it inside of another one. */
function withoutEnd(query: string): string {
  return `${query.replace(/;\s*$/, "")}\n`;
}
