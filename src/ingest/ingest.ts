import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { type Progress, silent } from "../core/progress.ts";
import type { Contract } from "../frame/contract.ts";
import { quoteIdentifier, quoteLiteral } from "../query/quote.ts";
import { type SourceType, sourceTypeOf } from "../query/source-type.ts";
import { type CellIssues, findCellIssues } from "./cell-issues.ts";
import { type Conversion, convert, withParsed } from "./convert.ts";
import { parquetOptions } from "./frame-writer.ts";
import { type DelimitedResult, ingestDelimited } from "./delimited/ingest-delimited.ts";
import { guardValue, keyFor, keyMark, setKey } from "./guard.ts";
import { createFetcher, type Fetcher } from "./fetch.ts";
import { requireChecksums } from "./fingerprint.ts";
import { filesOf, type LocatedSource, locateOutput, locateSource, refusalsOf, unwritable } from "./locate.ts";
import type { ObjectOrigin } from "./objects/fetch-objects.ts";
import { ingestIncrementally, type PartitionCounts } from "./parts/incremental-files.ts";
import type { Refusal } from "./parts/kept-parts.ts";
import { openRelation, type Relation } from "./relation.ts";
import type { SourceDescription } from "./source.ts";
import { snapshotWriter } from "./snapshot/snapshot-writer.ts";
import { storedNames } from "./stored-names.ts";
import { type CleanedCells, cleanValue, countCleaned, type TextCleaning } from "./text-cleaning.ts";
import { type Origin, reasonOf, unreadable } from "./table.ts";

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
  /** What was no row at all: messages that are no JSON, files that are no image; the first 1,000 of `nRefused`. */
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
export async function ingestSource(request: IngestRequest): Promise<IngestReport> {
  const fetcher = request.fetcher ?? createFetcher();
  try {
    const place = { root: request.root, fetcher, signal: request.signal };
    const located = await locateSource(request.source, place);
    await requireChecksums(located);
    const isIncremental = request.source.incremental === true && fetcher.folder !== null;
    const report = isIncremental
      ? await ingestParts(request, located, join(fetcher.folder!, "partitions"))
      : (await ingestLocated(request, located)).report;
    const objects = filesOf(located).flatMap(({ object }) => object ?? []);
    const refusals = withoutSecrets(refusalsOf(located), request.contract);
    return {
      ...report,
      ...(objects.length === 0 ? {} : { objects }),
      ...(refusals.nRefused === 0 ? {} : refusals),
    };
  } finally {
    if (!request.fetcher) await fetcher.close();
  }
}

/** What is no row has no columns to hide: of it, a contract that hides any keeps nothing but the place and the reason. */
function withoutSecrets(
  { refused, nRefused }: ReturnType<typeof refusalsOf>,
  { columns }: Contract,
): Required<Pick<IngestReport, "refused" | "nRefused">> {
  const hides = columns.some(({ privacy }) => privacy !== undefined);
  return { refused: hides ? refused.map((one) => ({ ...one, text: null })) : refused, nRefused };
}

/** The columns stand beside the report, to tell files of other columns apart. */
interface Ingested {
  readonly report: IngestReport;
  readonly columns: string;
}

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
    privacyKey,
    ...how
  } = request;
  const key = keyFor(request.contract, privacyKey);
  const convertOne = (one: LocatedSource, to: string): Promise<Ingested> =>
    ingestLocated({ ...request, output: to, progress: silent }, one);
  return ingestIncrementally({
    located,
    folder,
    output,
    columns: request.contract.columns,
    how: JSON.stringify({ ...how, key: key && keyMark(key), writer: snapshotWriter }),
    convert: convertOne,
    signal,
  });
}

async function ingestLocated(request: IngestRequest, located: LocatedSource): Promise<Ingested> {
  const { contract, signal, memoryMb } = request;
  const output = await locateOutput(request.output);
  const quick = await ingestQuickly(request, located, output);
  if (quick) return quick;
  const scratch = await mkdtemp(join(dirname(output), "ingest-")).catch((error: unknown) => {
    throw unwritable(request.output, error);
  });
  try {
    const relation = await openRelation(located, { wanted: contract.columns, output, scratch, memoryMb, signal });
    try {
      const report = await writeDataset(request, relation, output);
      const columns = relation.names.map((name, i) => `${name} ${relation.types[i]}`);
      return { report, columns: columns.sort((a, b) => (a < b ? -1 : 1)).join(", ") };
    } finally {
      await relation.close();
    }
  } catch (error) {
    await rm(output, { force: true });
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Delimited files without anything out of the ordinary, in one pass; null for all others, with nothing left behind. */
async function ingestQuickly(request: IngestRequest, located: LocatedSource, output: string): Promise<Ingested | null> {
  const { contract, texts = [], progress, signal } = request;
  let result: DelimitedResult | null = null;
  try {
    result = await ingestDelimited({ located, contract, texts, output, progress, signal });
  } finally {
    if (result === null) await rm(output, { force: true });
  }
  if (result === null) return null;
  const columns = result.names.map((name) => `${name} VARCHAR`).sort((a, b) => (a < b ? -1 : 1));
  progress.report(result.report.nRows, result.report.nRows, "rows");
  return { report: result.report, columns: columns.join(", ") };
}

async function writeDataset(request: IngestRequest, relation: Relation, output: string): Promise<IngestReport> {
  const { source, contract, progress, texts = [] } = request;
  const { session, nRows } = relation;
  const plain = contract.columns.map((column) => {
    const position = positionOf(relation, column.name, source);
    const own = texts.find((cleaning) => cleaning.column === column.name)?.missing ?? [];
    const missing = [...(source.missing ?? []), ...own];
    return convert(`c${position}`, relation.types[position]!, column.kind, missing);
  });
  const cleanedOnes = plain.map((conversion, i) => {
    const { name, kind } = contract.columns[i]!;
    return cleanValue(
      conversion,
      kind,
      texts.find(({ column }) => column === name),
    );
  });
  const key = keyFor(contract, request.privacyKey);
  if (key !== null) await setKey(session, key);
  const conversions = cleanedOnes.map((conversion, i) => guardValue(conversion, contract.columns[i]!));
  const names = storedNames(contract.columns.map((column) => column.name));
  const selected = conversions
    .map((conversion, i) => `${conversion.value} AS ${quoteIdentifier(names[i]!)}`)
    .join(", ");
  progress.report(0, nRows, "rows");
  const target = quoteLiteral(output);
  await session
    .run(`COPY (SELECT ${selected} FROM ${withParsed(relation.sql, conversions)}) TO ${target} (${parquetOptions})`, {
      progress,
      total: nRows,
    })
    .catch((error: unknown) => {
      throw sourceFault(error, source, request.output);
    });
  const written = await session.rows(`SELECT num_rows::DOUBLE FROM parquet_file_metadata(${target})`);
  if (Number(written[0]![0]) !== nRows) {
    throw unreadable(source, `it holds ${nRows} rows, of which DuckDB read ${String(written[0]![0])}`);
  }
  const issues = await findCellIssues(relation, contract, await suspects(relation, conversions, target));
  progress.report(nRows, nRows, "rows");
  const changed = plain.flatMap((conversion, i) => {
    const clean = cleanedOnes[i]!;
    return clean === conversion ? [] : [{ column: contract.columns[i]!.name, plain: conversion, clean }];
  });
  const cleaned = await countCleaned(session, relation.sql, changed);
  const types = contract.columns.map(({ name }) => {
    return { column: name, type: sourceTypeOf(relation.types[positionOf(relation, name, source)]!) };
  });
  return { nRows, origins: relation.origins, types, cleaned, ...issues };
}

function positionOf(relation: Relation, name: string, source: SourceDescription): number {
  const position = relation.names.indexOf(name);
  if (position >= 0) return position;
  const twin = relation.names.findIndex((candidate) => candidate.normalize("NFC") === name.normalize("NFC"));
  if (twin >= 0) return twin;
  throw new MillraceError("COLUMN_MISSING", {
    name,
    subject: `"${source.path}"`,
    found: relation.names,
    nearest: nearestName(name, relation.names),
  });
}

/** Columns whose conversion can fail and whose stored values have gaps; only they are worth a second reading. */
async function suspects(
  relation: Relation,
  conversions: readonly Conversion[],
  output: string,
): Promise<(Conversion | null)[]> {
  const gaps = await relation.session.rows(
    `SELECT column_id::INTEGER, sum(num_values - coalesce(stats_null_count, num_values))::DOUBLE, sum(num_values)::DOUBLE FROM parquet_metadata(${output}) GROUP BY column_id`,
  );
  const withGaps = new Set(gaps.filter((row) => row[1] !== row[2]).map((row) => Number(row[0])));
  return conversions.map((conversion, i) => (!conversion.isTotal && withGaps.has(i) ? conversion : null));
}

/** Disk faults are ours to report as such; everything else DuckDB says while reading is about the source. */
function sourceFault(error: unknown, source: SourceDescription, output: string): unknown {
  if (error instanceof MillraceError) return error;
  const reason = reasonOf(error);
  if (/no space left|could not write|cannot open file.*write/i.test(reason)) return unwritable(output, error);
  return unreadable(source, reason, error);
}
