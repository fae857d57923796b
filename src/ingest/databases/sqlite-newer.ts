import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { FetchedPart, PartsPlace } from "../parts/kept-parts.ts";
import { plainSource } from "../plain-source.ts";
import type { SourceDescription } from "../source.ts";
import { unreadableSqlite } from "../sqlite-rows.ts";
import { readSelected } from "./selected-rows.ts";
import { openSqlite } from "./sqlite-session.ts";

/**
 * The rows of a SQLite file whose source names a column that only grows, as files of cells: those that were read before and
 * those that came since.
 *
 * Throws SOURCE_UNREADABLE with what SQLite says, SOURCE_MISMATCH or CANCELLED.
 */
export async function readNewerSqlite(source: SourceDescription, place: PartsPlace): Promise<readonly FetchedPart[]> {
  const path = resolve(place.root, source.path);
  const key = createHash("sha256")
    .update(JSON.stringify([plainSource(source), path]))
    .digest("hex")
    .slice(0, 16);
  let session: Awaited<ReturnType<typeof openSqlite>> | undefined;
  try {
    session = await openSqlite(path);
    const selection = { key, name: source.path, query: async () => source.query!, since: source.since };
    return await readSelected(selection, session, place);
  } catch (error) {
    throw unreadableSqlite(source.path, error);
  } finally {
    session?.close();
  }
}
