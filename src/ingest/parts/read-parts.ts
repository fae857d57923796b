import type { SourceDescription } from "../source.ts";
import type { FetchedPart, PartsPlace } from "./kept-parts.ts";

/** Brings the rows of a source that has no file of a format to files of cells; what each kind needs is loaded then. */
export async function readParts(source: SourceDescription, place: PartsPlace): Promise<readonly FetchedPart[]> {
  switch (source.kind) {
    case "postgres":
    case "mysql":
      return (await import("../databases/database-rows.ts")).readDatabase(source, place);
    default:
      throw new RangeError(`${source.kind} is no source of parts`);
  }
}
