import { createHash } from "node:crypto";
import { type Cell, type CellRows, recordOf } from "../parts/cells-file.ts";
import { createKeeper, type FetchedPart, type Keeper, type Kept, type PartsPlace } from "../parts/kept-parts.ts";
import type { SelectSession } from "./session.ts";

/** What is asked of a session. */
export interface Selection {
  /** 16 hexadecimal digits that tell sources apart. */
  readonly key: string;
  /** What a person calls the source. */
  readonly name: string;
  query(): Promise<string>;
  /** A column that only grows: rows beyond the last reading's maximum are read and no others. */
  readonly since?: string | undefined;
  /** A query whose answer stands for all rows: where it is as before, nothing is read. */
  readonly version?: string | undefined;
}

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

/** The rows of a selection, as files of cells; with `since` or `version`, those that were kept of the last reading and what is new. */
export async function readSelected(
  selection: Selection,
  session: SelectSession,
  place: PartsPlace,
): Promise<readonly FetchedPart[]> {
  const { since, version } = selection;
  const isKept = since !== undefined || version !== undefined;
  const keeper = createKeeper<State>(selection.key, isKept ? place : { ...place, folder: null });
  const before = isKept ? await keeper.recall() : null;
  const found = version === undefined ? null : await answerOf(session, version);
  if (before && found !== null && before.state.version === found) return keeper.paths(before.parts);
  const query = await selection.query();
  const kept =
    (before && since !== undefined && (await readNewer(selection, session, keeper, before, query, since))) ||
    (await readAll(selection, session, keeper, query, found));
  await keeper.keep(kept);
  return keeper.paths(kept.parts);
}

async function readAll(
  { name, since }: Selection,
  session: SelectSession,
  keeper: Keeper<State>,
  query: string,
  version: string | null,
): Promise<Kept<State>> {
  const bare = withoutEnd(query);
  const ordered = since === undefined ? query : `SELECT * FROM (${bare}) AS q ORDER BY ${session.quoteName(since)}`;
  const rows = await session.select(ordered);
  const part = await keeper.write(name, rows);
  const mark = since === undefined ? null : await watermarkOf(session, bare, since);
  return { parts: [part], state: { version, columns: JSON.stringify(rows.columns), since: mark } };
}

/** The rows that came since; null where what was read before is not what stands there now, so that all is to be read. */
async function readNewer(
  selection: Selection,
  session: SelectSession,
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
  const part = await keeper.write(`${selection.name} from ${since} ${mark.value}`, withoutSeen(rows, seen));
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
async function watermarkOf(session: SelectSession, query: string, since: string): Promise<Watermark | null> {
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
  session: SelectSession,
  query: string,
  name: string,
  limit: string,
  value: string,
): Promise<string> {
  const sql = `SELECT count(*) FROM (${query}) AS q WHERE ${name} < ${limit} OR ${name} IS NULL`;
  return (await cellOf(session, sql, [value]))!;
}

async function cellOf(session: SelectSession, sql: string, parameters: readonly string[] = []): Promise<Cell> {
  let cell: Cell = null;
  for await (const batch of (await session.select(sql, parameters)).batches) cell = batch[0]?.[0] ?? cell;
  return cell;
}

/** All that a query gives, as one text. */
async function answerOf(session: SelectSession, query: string): Promise<string> {
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
