import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Digest } from "../../core/digest.ts";
import { isMillraceError, MillraceError } from "../../core/errors/error.ts";
import type { Contract, Issue } from "../../frame/contract.ts";
import { quoteLiteral } from "../../query/quote.ts";
import { withQuery } from "../../query/session.ts";
import { digestFile } from "../byte-stream.ts";
import { mostIssues, mostRows } from "../cell-issues.ts";
import { parquetOptions } from "../frame-writer.ts";
import { requireKeys } from "../json-table.ts";
import type { IngestReport } from "../ingest.ts";
import { type LocatedFile, type LocatedSource, locateOutput } from "../locate.ts";
import { ShownTexts } from "../malformed/shown-texts.ts";
import { mostSetAside, tooMany } from "../malformed/sieve.ts";
import { plainSource } from "../plain-source.ts";
import { concatenateSnapshots } from "../snapshot/concatenate.ts";
import type { SnapshotColumn } from "../snapshot/snapshot-writer.ts";
import type { FileKind } from "../source.ts";
import { unreadableFile } from "../table.ts";

/** What became of the files of an incremental source. */
export interface PartitionCounts {
  /** Converted by an earlier run, and not read again. */
  readonly reused: number;
  /** Read now. */
  readonly converted: number;
  /** Of those read now, files that an earlier run had read with other bytes. */
  readonly changed: number;
  /** Files an earlier run had read that are not there any more. */
  readonly gone: number;
}

/** One file converted to the contract's columns, and what was found in it. */
interface Converted {
  /** null: the file holds no rows. */
  readonly columns: string | null;
  /** Of JSON, every key of the file. */
  readonly keys?: readonly string[];
  readonly report: IngestReport;
}

/** A file as it was when it was read last. */
interface Remembered {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly digest: Digest;
}

export interface IncrementalRequest {
  readonly located: LocatedSource;
  /** Where converted files are kept. */
  readonly folder: string;
  readonly output: string;
  readonly contract: Contract;
  /** All that the conversion depends on beside the source and the file. */
  readonly how: string;
  /** Converts a single file; `columns` tells files of another shape apart. Of JSON, a column may be absent. */
  readonly convert: (located: LocatedSource, output: string) => Promise<Converted & { readonly columns: string }>;
  readonly signal?: AbortSignal | undefined;
}

/** A file as it was converted, now or before. */
interface Part {
  readonly path: string;
  readonly converted: Converted;
  readonly isNew: boolean;
}

/**
 * The files of a folder or a pattern, each converted once: a file whose bytes are known is taken as it was converted
 * before. The snapshot is the very one that reading all files gives.
 */
export async function ingestIncrementally(request: IncrementalRequest): Promise<IngestReport> {
  const { located, folder } = request;
  await mkdir(folder, { recursive: true });
  const source = plainSource(located.source);
  const sourceKey = shortDigest(JSON.stringify(source));
  const partOf = partsOf(request, sourceKey, source);
  const notes = join(folder, `${sourceKey}.json`);
  const before = await recall(notes);
  const now: Remembered[] = [];
  const parts: Part[] = [];
  for (const file of located.files) {
    if (request.signal?.aborted) throw new MillraceError("CANCELLED", { subject: `reading "${located.source.path}"` });
    const remembered = await remember(file, before.get(file.name));
    now.push(remembered);
    parts.push(await partOf(file, remembered.digest));
  }
  requireOneShape(located, parts);
  requireFewRefused(located, parts);
  const filled = parts.filter(({ converted }) => converted.report.nRows > 0).map(({ path }) => path);
  if (filled.length === 0) {
    const found = `${parts.length} files without rows`;
    throw new MillraceError("SOURCE_EMPTY", { path: located.source.path, found });
  }
  if (located.format === "json" || located.format === "jsonl")
    requireKeys(located, request.contract.columns, [
      ...new Set(parts.flatMap(({ converted }) => converted.keys ?? [])),
    ]);
  await concatenate(filled, request.output, request.contract.columns);
  await keep(notes, now);
  const paths = parts.map(({ path }) => path);
  await removeOthers(folder, sourceKey, paths);
  return { ...mergeReports(parts.map((part) => part.converted.report)), partitions: countParts(parts, before, now) };
}

/** Gives the files of a source as they were converted before, and converts the others. */
function partsOf(
  request: IncrementalRequest,
  sourceKey: string,
  source: ReturnType<typeof plainSource>,
): (file: LocatedFile, digest: Digest) => Promise<Part> {
  const { path: _, ...options } = source as { readonly path: string };
  return async (file, digest) => {
    const key = shortDigest(JSON.stringify([digest, file.partition, options, request.how]));
    const path = join(request.folder, `${sourceKey}-${key}.parquet`);
    const known = await readConverted(path);
    return { path, converted: known ?? (await convertFile(request, file, path)), isNew: known === null };
  };
}

function countParts(
  parts: readonly Part[],
  before: ReadonlyMap<string, Remembered>,
  now: readonly Remembered[],
): PartitionCounts {
  const converted = parts.filter(({ isNew }) => isNew).length;
  const changed = now.filter(({ name, digest }) => before.has(name) && before.get(name)!.digest !== digest).length;
  const names = new Set(now.map(({ name }) => name));
  const gone = [...before.keys()].filter((name) => !names.has(name)).length;
  return { reused: parts.length - converted, converted, changed, gone };
}

function shortDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

async function recall(notes: string): Promise<ReadonlyMap<string, Remembered>> {
  try {
    const known = JSON.parse(await readFile(notes, "utf8")) as readonly Remembered[];
    return new Map(known.map((file) => [file.name, file]));
  } catch {
    return new Map();
  }
}

async function keep(notes: string, files: readonly Remembered[]): Promise<void> {
  await writeFile(`${notes}.partial`, JSON.stringify(files));
  await rename(`${notes}.partial`, notes);
}

/** A file whose size and time of change are as before is not read again. */
async function remember(file: LocatedFile, known: Remembered | undefined): Promise<Remembered> {
  const { name, sizeBytes, modifiedMs } = file;
  if (known?.sizeBytes === sizeBytes && known.modifiedMs === modifiedMs) return known;
  return { name, sizeBytes, modifiedMs, digest: await digestFile(file.path) };
}

/** null where it was not converted before, or is not as it was written. */
async function readConverted(path: string): Promise<Converted | null> {
  try {
    const { digest, ...converted } = JSON.parse(await readFile(`${path}.json`, "utf8")) as Converted & {
      readonly digest: string | null;
    };
    return digest === null || (await digestFile(path)) === digest ? converted : null;
  } catch {
    return null;
  }
}

async function convertFile(request: IncrementalRequest, file: LocatedFile, path: string): Promise<Converted> {
  const located = { ...request.located, files: [file] };
  // Beside the output, where what a crash leaves, copies of raw data among it, is swept away.
  const partial = `${request.output}.partial`;
  let converted: Converted;
  let digest: Digest | null = null;
  try {
    converted = await request.convert(located, partial);
    digest = await digestFile(partial);
    await rename(partial, path);
  } catch (error) {
    if (!isMillraceError(error) || error.code !== "SOURCE_EMPTY") throw error;
    converted = { columns: null, report: emptyReport(file) };
  }
  await writeFile(`${path}.json.partial`, JSON.stringify({ ...converted, digest }));
  await rename(`${path}.json.partial`, `${path}.json`);
  return converted;
}

function emptyReport({ name }: LocatedFile): IngestReport {
  const origins = [{ file: name, nRows: 0, lines: [] }];
  return { nRows: 0, origins, types: [], cleaned: [], issues: [], issueCounts: [], badRows: [] };
}

/** Reading all files at once would refuse files of other columns; so does this. */
function requireOneShape({ source, files }: LocatedSource, parts: readonly Part[]): void {
  const first = parts.findIndex(({ converted }) => converted.columns !== null);
  const other = parts.findIndex(
    ({ converted }) => converted.columns !== null && converted.columns !== parts[first]!.converted.columns,
  );
  if (other < 0) return;
  throw new MillraceError("SOURCE_MISMATCH", {
    subject: `"${files[other]!.name}"`,
    rule: `must have the columns of "${files[first]!.name}" (${parts[first]!.converted.columns})`,
    actual: parts[other]!.converted.columns!,
    remedy: `Narrow the pattern of ${source.kind}(), or bring both to one shape with union() and sql().`,
  });
}

/** Reading all files at once would stop there; so does this. */
function requireFewRefused({ files, format }: LocatedSource, parts: readonly Part[]): void {
  let nBefore = 0;
  for (const [i, { converted }] of parts.entries()) {
    const { refused = [] } = converted.report;
    const beyond = refused[mostSetAside - nBefore];
    if (beyond !== undefined)
      throw unreadableFile(files[i]!, format as FileKind, `line ${beyond.line} ${tooMany(beyond)}`);
    nBefore += refused.length;
  }
}

async function concatenate(
  paths: readonly string[],
  output: string,
  columns: readonly SnapshotColumn[],
): Promise<void> {
  const target = await locateOutput(output);
  const files: string[] = [];
  for (const path of paths) files.push(await locateOutput(path));
  if (await concatenateSnapshots(files, target, columns)) return;
  await withQuery({ files: [...files, target] }, async (session) => {
    const list = files.map(quoteLiteral).join(", ");
    await session.run(`COPY (SELECT * FROM read_parquet([${list}])) TO ${quoteLiteral(target)} (${parquetOptions})`);
  });
}

/** What was found in each file as what was found in all: rows are counted through. */
function mergeReports(reports: readonly IngestReport[]): IngestReport {
  const issues: Issue[] = [];
  const counts = new Map<string, number>();
  const badRows = new Map<string, number[]>();
  const cleaned = new Map<string, number>();
  let nRows = 0;
  for (const report of reports) {
    for (const issue of report.issues)
      if (issues.length < mostIssues) issues.push({ ...issue, row: issue.row + nRows });
    for (const [key, count] of report.issueCounts) counts.set(key, (counts.get(key) ?? 0) + count);
    for (const { column, rows } of report.badRows) {
      const known = badRows.get(column) ?? [];
      for (const row of rows) if (known.length < mostRows) known.push(row + nRows);
      badRows.set(column, known);
    }
    for (const { column, cells } of report.cleaned) cleaned.set(column, (cleaned.get(column) ?? 0) + cells);
    nRows += report.nRows;
  }
  const texts = new ShownTexts();
  const refused = reports
    .flatMap((report) => report.refused ?? [])
    .map((one) => (one.text === null ? one : { ...one, text: texts.keep(one.text) }));
  return {
    nRows,
    ...(refused.length > 0 && { refused, nRefused: refused.length }),
    origins: reports.flatMap(({ origins }) => origins),
    // All parts have the same columns; one without rows tells nothing of them.
    types: reports.find(({ types }) => types.length > 0)?.types ?? [],
    cleaned: [...cleaned].map(([column, cells]) => ({ column, cells })),
    issues,
    issueCounts: [...counts],
    badRows: [...badRows].map(([column, rows]) => ({ column, rows })),
  };
}

async function removeOthers(folder: string, sourceKey: string, paths: readonly string[]): Promise<void> {
  const kept = new Set(paths.flatMap((path) => [basename(path), `${basename(path)}.json`]));
  for (const file of await readdir(folder))
    if (file.startsWith(`${sourceKey}-`) && !kept.has(file)) await rm(join(folder, file), { force: true });
}
