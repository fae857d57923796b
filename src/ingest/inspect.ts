import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMillraceError, MillraceError } from "../core/errors/error.ts";
import { silent } from "../core/progress.ts";
import type { Kind } from "../frame/column.ts";
import type { Contract } from "../frame/contract.ts";
import type { Frame } from "../frame/frame.ts";
import type { ColumnFacts } from "../query/column-facts.ts";
import type { SourceType } from "../query/source-type.ts";
import { readDataset } from "./dataset.ts";
import { guessSource } from "./dialect.ts";
import { gatherFacts } from "./facts.ts";
import { type Hold, ingestSource } from "./ingest.ts";
import { createFetcher } from "./fetch.ts";
import { type LocatedFile, locateFile, locateSource, type Place } from "./locate.ts";
import { openRelation, type Relation } from "./relation.ts";
import { type Source, sourceFromPath } from "./source.ts";
import { reasonOf, unreadable } from "./table.ts";

/** What `millrace init` knows of a file. */
export interface SourceInspection {
  /** How to read it; `path` as given. */
  readonly source: Source;
  readonly nRows: number;
  readonly columns: readonly ColumnFacts[];
  /** What each column is in the source. */
  readonly types: readonly SourceType[];
  /** All rows with the kinds of `columns`. */
  readonly frame: Frame;
}

export interface InspectOptions {
  /** Names of the columns of a file without a header line. */
  readonly columns?: readonly string[] | undefined;
  /** Told the names of the columns before the long work starts; what it throws is the end. */
  readonly onColumns?: ((names: readonly string[]) => void) | undefined;
  /** How to read it, where that is known. */
  readonly source?: Source | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks at a file a person points at: guesses its dialect, finds the kind that fits every value of each column, and
 * reads it. Relative paths start at the working directory.
 *
 * Throws what {@link ingestSource} throws, and SOURCE_FORMAT_UNKNOWN.
 */
export async function inspectSource(path: string, options: InspectOptions = {}): Promise<SourceInspection> {
  const fetcher = createFetcher();
  const place = { root: process.cwd(), fetcher, signal: options.signal };
  const scratch = await mkdtemp(join(tmpdir(), "millrace-inspect-"));
  try {
    const guessed = options.source ?? (await guessSource(path, await firstFile(path, place), options.columns));
    const { relation, source: read } = await openGuessed(guessed, place, scratch);
    let columns: readonly ColumnFacts[];
    try {
      options.onColumns?.(relation.names);
      columns = await gatherFacts(relation).catch((error: unknown) => {
        throw error instanceof MillraceError ? error : unreadable(read, reasonOf(error), error);
      });
    } finally {
      await relation.close();
    }
    const source = withMissing(read, columns);
    const contract = contractOf(columns);
    const output = join(scratch, "dataset.parquet");
    const hold: Hold = { heldBytes: Infinity, frame: null };
    const { types } = await ingestSource({ source, contract, output, progress: silent, hold, ...place });
    return {
      source,
      nRows: relation.nRows,
      types,
      columns,
      frame: hold.frame ?? (await readDataset(output, contract)),
    };
  } finally {
    await fetcher.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The file whose head is looked at: of a pattern, a folder or an address the first. */
async function firstFile(path: string, place: Place): Promise<LocatedFile> {
  if (!/[*?]|:\/\//.test(path)) return locateFile(path, place.root);
  const [first] = (await locateSource(sourceFromPath(path), place)).files;
  return first!;
}

/** Where quoting makes no sense of a delimited file, quotes are tried as ordinary characters. */
async function openGuessed(
  source: Source,
  place: Place,
  scratch: string,
): Promise<{ relation: Relation; source: Source }> {
  const options = { wanted: null, output: null, scratch, signal: place.signal };
  try {
    return { relation: await openRelation(await locateSource(source, place), options), source };
  } catch (error) {
    const mayBePlain = isMillraceError(error) && error.code === "SOURCE_UNREADABLE" && /quote/.test(error.message);
    if (!mayBePlain) throw error;
    const plain: Source = Object.freeze({ ...source, quotes: false });
    const relation = await openRelation(await locateSource(plain, place), options).catch(() => undefined);
    if (!relation) throw error;
    return { relation, source: plain };
  }
}

function withMissing(source: Source, columns: readonly ColumnFacts[]): Source {
  const missing = [...new Set(columns.flatMap((column) => column.missingTexts))].sort();
  return missing.length === 0 ? source : Object.freeze({ ...source, missing: Object.freeze(missing) });
}

function contractOf(columns: readonly { readonly name: string; readonly kind: Kind }[]): Contract {
  return { columns: columns.map(({ name, kind }) => ({ name, kind, missing: 1, onViolation: "warn" })) };
}
