import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import { type Progress, silent } from "../core/progress.ts";
import type { Contract } from "../frame/contract.ts";
import type { Frame } from "../frame/frame.ts";
import { quoteIdentifier, quoteLiteral } from "../query/quote.ts";
import type { SourceType } from "../query/source-type.ts";
import type { CellIssues } from "./cell-issues.ts";
import { parquetOptions } from "./frame-writer.ts";
import { type DelimitedResult, ingestDelimited } from "./delimited/ingest-delimited.ts";
import { keyFor, keyMark } from "./guard.ts";
import { createFetcher, type Fetcher } from "./fetch.ts";
import { requireChecksums } from "./fingerprint.ts";
import { filesOf, type LocatedSource, locateOutput, locateSource, refusalsOf, unwritable } from "./locate.ts";
import type { ObjectOrigin } from "./objects/fetch-objects.ts";
import { readSound } from "./malformed/sound-source.ts";
import { ingestIncrementally, type PartitionCounts } from "./parts/incremental-files.ts";
import type { Refusal } from "./parts/kept-parts.ts";
import { openRelation, type Relation } from "./relation.ts";
import { reportOf, requireRows, select } from "./selection.ts";
import type { SourceDescription } from "./source.ts";
import { snapshotWriter } from "./snapshot/snapshot-writer.ts";
import { storedNames } from "./stored-names.ts";
import type { CleanedCells, TextCleaning } from "./text-cleaning.ts";
import { type Origin, reasonOf, unreadable } from "./table.ts";

/** For a dataset that is wanted in memory and at hand as it is written. */
export interface Hold {
  /** One that takes more, as `readDataset` counts, is not held. */
  readonly heldBytes: number;
  /** What reading the dataset would give, bit for bit, once its file is complete; null where it is not held. */
  frame: Frame | null;
}

export interface IngestRequest {
  readonly source: SourceDescription;
  readonly contract: Contract;
  /** Where relative paths start: the project folder. */
  readonly root: string;
  /** The Parquet file to write; nothing else is left behind. */
  readonly output: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Memory DuckDB may use before it spills beside `output`. Default 1024. */
  readonly memoryMb?: number;
  /** Texts to be cleaned as they are read. */
  readonly texts?: readonly TextCleaning[];
  /** The key of columns that are kept as hashes. */
  readonly privacyKey?: string | undefined;
  /** What was fetched already; default: whatever is not a local file is fetched now and thrown away after. */
  readonly fetcher?: Fetcher;
  readonly hold?: Hold | undefined;
  /** Whether a column may be absent of JSON, as a key may be of one file that others have. Default false. */
  readonly mayLackKeys?: boolean;
}

/** What reading a source gave beside the dataset itself. */
export interface IngestReport extends CellIssues {
  readonly nRows: number;
  /** The files the rows come from, in their order; empty where rows are computed. */
  readonly origins: readonly Origin[];
  /** What each column is in the source. */
  readonly types: readonly SourceType[];
  /** Cells whose text was cleaned, of the columns that ask for it. */
  readonly cleaned: readonly CleanedCells[];
  /** Of rows from an object store: each object as it was read. */
  readonly objects?: readonly ObjectOrigin[];
  /**
   * What was no row at all: messages that are no JSON, files that are no image, of which the first 1,000 are told, and malformed
   * records of files, of which all are.
   */
  readonly refused?: readonly Refusal[];
  readonly nRefused?: number;
  /** Of an incremental source, and of this reading alone. */
  readonly partitions?: PartitionCounts;
}

/**
 * Reads a source into an immutable dataset file: exactly the contract's columns in the contract's kinds, rows in file
 * order, equal bytes for equal rows on any number of threads. Nothing is sniffed: delimited files are read by a strict
 * parser of ours, all else is counted twice, by us and by DuckDB, and must agree. A cell that is not of its column's kind becomes missing and an issue of code "kind".
 *
 * Throws SOURCE_NOT_FOUND, SOURCE_EMPTY, SOURCE_UNREADABLE, SOURCE_REFUSED, SOURCE_UNREACHABLE, SOURCE_CHANGED,
 * SOURCE_MISMATCH, COLUMN_MISSING, COLUMN_NAME_INVALID, COLUMN_NAME_DUPLICATE, STORE_UNWRITABLE or CANCELLED; then there
 * is no output.
 */
export function ingestSource(request: IngestRequest): Promise<IngestReport> {
  return reported(request, async (located, { folder }) => {
    const isIncremental = request.source.incremental === true && folder !== null;
    if (isIncremental) return ingestParts(request, located, join(folder, "partitions"));
    return (await ingestLocated(request, located)).report;
  });
}

/** Finds the files of a source for `read`, and says in its report what else is known of them. */
export async function reported(
  request: IngestRequest,
  read: (located: LocatedSource, fetcher: Fetcher) => Promise<IngestReport>,
): Promise<IngestReport> {
  const fetcher = request.fetcher ?? createFetcher();
  try {
    const place = { root: request.root, fetcher, signal: request.signal };
    const located = await locateSource(request.source, place);
    await requireChecksums(located);
    const report = await read(located, fetcher);
    const objects = filesOf(located).flatMap(({ object }) => object ?? []);
    const brought = refusalsOf(located);
    const refused = withoutSecrets([...brought.refused, ...(report.refused ?? [])], request.contract);
    const nRefused = brought.nRefused + (report.nRefused ?? 0);
    return {
      ...report,
      ...(objects.length === 0 ? {} : { objects }),
      ...(nRefused === 0 ? {} : { refused, nRefused }),
    };
  } finally {
    if (!request.fetcher) await fetcher.close();
  }
}

/** What is no row has no columns to hide: of it, a contract that hides any keeps nothing but the place and the reason. */
function withoutSecrets(refused: readonly Refusal[], { columns }: Contract): readonly Refusal[] {
  const hides = columns.some(({ privacy }) => privacy !== undefined);
  return hides ? refused.map((one) => ({ ...one, text: null })) : refused;
}

/** The columns stand beside the report, to tell files of other columns apart, and of JSON all keys. */
interface Ingested {
  readonly report: IngestReport;
  readonly columns: string;
  readonly keys?: readonly string[];
}

/** Raised when a cell is converted otherwise, so that no file is taken for converted that was so before. */
const conversions = 2;

/** The members that say where and not what make no difference to a converted file. */
function ingestParts(request: IngestRequest, located: LocatedSource, folder: string): Promise<IngestReport> {
  const {
    source: _,
    root: _root,
    output,
    progress: _progress,
    signal,
    memoryMb: _memory,
    fetcher: _f,
    hold: _hold,
    privacyKey,
    ...how
  } = request;
  const key = keyFor(request.contract, privacyKey);
  const convertOne = (one: LocatedSource, to: string): Promise<Ingested> =>
    ingestLocated({ ...request, output: to, progress: silent, hold: undefined, mayLackKeys: true }, one);
  return ingestIncrementally({
    located,
    folder,
    output,
    contract: request.contract,
    how: JSON.stringify({ ...how, key: key && keyMark(key), writer: snapshotWriter, conversions }),
    convert: convertOne,
    signal,
  });
}

async function ingestLocated(request: IngestRequest, located: LocatedSource): Promise<Ingested> {
  const output = await locateOutput(request.output);
  return readSound({ ...request, output }, located, (sound) => ingestSound(request, sound, output));
}

async function ingestSound(request: IngestRequest, located: LocatedSource, output: string): Promise<Ingested> {
  const quick = await ingestQuickly(request, located, output);
  if (quick) return quick;
  try {
    return await withRelation(request, located, output, async (relation) => {
      const report = await writeDataset(request, relation, output);
      const columns = relation.names.map((name, i) => `${name} ${relation.types[i]}`);
      const { keys } = relation;
      return { report, columns: columns.sort((a, b) => (a < b ? -1 : 1)).join(", "), ...(keys && { keys }) };
    });
  } catch (error) {
    await rm(output, { force: true });
    throw error;
  }
}

/** Opens the source for `use`, with a folder to spill to beside `output`. */
export async function withRelation<Result>(
  { contract, memoryMb, signal, mayLackKeys, output: asked }: IngestRequest,
  located: LocatedSource,
  output: string,
  use: (relation: Relation) => Promise<Result>,
): Promise<Result> {
  const scratch = await mkdtemp(join(dirname(output), "ingest-")).catch((error: unknown) => {
    throw unwritable(asked, error);
  });
  try {
    const relation = await openRelation(located, {
      wanted: contract.columns,
      mayLackKeys,
      output,
      scratch,
      memoryMb,
      signal,
    });
    try {
      return await use(relation);
    } finally {
      await relation.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Delimited files without anything out of the ordinary, in one pass; null for all others, with nothing left behind. */
export async function ingestQuickly(
  request: IngestRequest,
  located: LocatedSource,
  output: string,
): Promise<Ingested | null> {
  const { contract, texts = [], progress, signal, hold } = request;
  let result: DelimitedResult | null = null;
  try {
    result = await ingestDelimited({ located, contract, texts, output, progress, signal, hold });
  } finally {
    if (result === null) await rm(output, { force: true });
  }
  if (result === null) return null;
  const columns = result.names.map((name) => `${name} VARCHAR`).sort((a, b) => (a < b ? -1 : 1));
  progress.report(result.report.nRows, result.report.nRows, "rows");
  return { report: result.report, columns: columns.join(", ") };
}

async function writeDataset(request: IngestRequest, relation: Relation, output: string): Promise<IngestReport> {
  const { source, contract, progress } = request;
  const { session, nRows } = relation;
  const selection = await select(request, relation);
  const names = storedNames(contract.columns.map((column) => column.name));
  progress.report(0, nRows, "rows");
  const target = quoteLiteral(output);
  await session
    .run(`COPY (${selection.sql(names.map(quoteIdentifier))}) TO ${target} (${parquetOptions})`, {
      progress,
      total: nRows,
    })
    .catch((error: unknown) => {
      throw sourceFault(error, source, request.output);
    });
  const written = await session.rows(`SELECT num_rows::DOUBLE FROM parquet_file_metadata(${target})`);
  requireRows(source, nRows, Number(written[0]![0]));
  const withGaps = await columnsWithGaps(relation, target);
  progress.report(nRows, nRows, "rows");
  return reportOf(request, relation, selection, withGaps);
}

async function columnsWithGaps({ session }: Relation, output: string): Promise<ReadonlySet<number>> {
  const gaps = await session.rows(
    `SELECT column_id::INTEGER, sum(num_values - coalesce(stats_null_count, num_values))::DOUBLE, sum(num_values)::DOUBLE FROM parquet_metadata(${output}) GROUP BY column_id`,
  );
  return new Set(gaps.filter((row) => row[1] !== row[2]).map((row) => Number(row[0])));
}

/** Disk faults are ours to report as such; everything else DuckDB says while reading is about the source. */
export function sourceFault(error: unknown, source: SourceDescription, output: string): unknown {
  if (error instanceof MillraceError) return error;
  const reason = reasonOf(error);
  if (/no space left|could not write|cannot open file.*write/i.test(reason)) return unwritable(output, error);
  return unreadable(source, reason, error);
}
