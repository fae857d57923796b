import type { SourceDescription } from "../source.ts";
import type { FetchedParts, PartsPlace } from "./kept-parts.ts";

/** Brings the rows of a source that has no file of a format to files; what each kind needs is loaded then. */
export async function readParts(source: SourceDescription, place: PartsPlace): Promise<FetchedParts> {
  switch (source.kind) {
    case "postgres":
    case "mysql":
      return { parts: await (await import("../databases/database-rows.ts")).readDatabase(source, place) };
    case "sqlite":
      return { parts: await (await import("../databases/sqlite-newer.ts")).readNewerSqlite(source, place) };
    case "stream":
      return (await import("../streams/stream-rows.ts")).readStream(source, place);
    case "images":
    case "audio":
      return (await import("../media/media-rows.ts")).readMedia(source, place);
    default:
      throw new RangeError(`${source.kind} is no source of parts`);
  }
}
