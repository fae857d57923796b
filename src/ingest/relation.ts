import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import { checkColumnNames } from "../frame/column-name.ts";
import type { Kind } from "../frame/column.ts";
import { openParquet } from "../query/parquet-file.ts";
import { quoteLiteral } from "../query/quote.ts";
import { type QuerySession, openQuery } from "../query/session.ts";
import { readBytes } from "./byte-stream.ts";
import { DelimitedFault, type DelimitedScan, DelimitedScanner } from "./delimited-scan.ts";
import { JsonLinesFault, transcribeJsonLines } from "./json-lines.ts";
import type { LocatedFile } from "./locate.ts";
import type { SourceDescription } from "./source.ts";
import { queryTableSql } from "./sql-table.ts";

/** A source ready to be queried: rows in file order, columns c0, c1, ... by position in `names`. */
export interface Relation {
  readonly session: QuerySession;
  /** Goes after FROM. */
  readonly sql: string;
  readonly names: readonly string[];
  /** DuckDB's type of each column; VARCHAR where the file holds texts. */
  readonly types: readonly string[];
  /** Rows counted without DuckDB. */
  readonly nRows: number;
  close(): Promise<void>;
}

export interface RelationOptions {
  /** Columns to be read of a file of JSON lines, which has no header; null = all keys, as texts. */
  readonly wanted: readonly { readonly name: string; readonly kind: Kind }[] | null;
  /** A file to be written beside the reading. */
  readonly output: string | null;
  /** An existing folder for what does not fit into memory. */
  readonly scratch: string;
  readonly memoryMb?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** sql: the files of its sources, in their order. */
  readonly parts?: readonly LocatedFile[];
}

/** Opens a source, counting its rows and checking its column names on the way. */
export async function openRelation(
  source: SourceDescription,
  file: LocatedFile,
  options: RelationOptions,
): Promise<Relation> {
  const folder = join(options.scratch, "spill");
  await mkdir(folder);
  const transcript = join(options.scratch, "rows.csv");
  const parts = (options.parts ?? []).map((part) => part.path);
  const files = [file.path, ...parts, transcript, ...(options.output === null ? [] : [options.output])];
  const memory = options.memoryMb === undefined ? {} : { memoryMb: options.memoryMb };
  const session = await openQuery({ files, temporaryFolder: folder, signal: options.signal, ...memory });
  const close = async (): Promise<void> => {
    session.close();
    await rm(folder, { recursive: true, force: true });
    await rm(transcript, { force: true });
  };
  try {
    const table = await openTable(source, file, transcript, session, options);
    checkColumnNames(table.names);
    if (table.nRows === 0) throw new MillraceError("SOURCE_EMPTY", { path: source.path, found: table.emptiness });
    return { ...table, session, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Table {
  readonly sql: string;
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly nRows: number;
  /** What there is instead of rows. */
  readonly emptiness: string;
}

function openTable(
  source: SourceDescription,
  file: LocatedFile,
  transcript: string,
  session: QuerySession,
  options: RelationOptions,
): Promise<Table> {
  switch (source.kind) {
    case "csv":
    case "tsv":
      return openDelimited(source, file, options.signal);
    case "parquet":
      return openParquetTable(source, file, session);
    case "jsonl":
      return openJsonLines(source, file, transcript, options);
    case "sql":
      return openQueryTable(source, session, async (part, index) =>
        openTable(part, options.parts![index]!, transcript, session, options),
      );
  }
}

async function openDelimited(source: SourceDescription, file: LocatedFile, signal?: AbortSignal): Promise<Table> {
  const delimiter = source.delimiter ?? ",";
  const hasHeader = source.header ?? true;
  const scan = await scanDelimited(source, file, delimiter, signal);
  const names = source.columns ?? scan.first;
  if (scan.nRecords > 0 && names.length !== scan.first.length) {
    throw unreadable(source, `its lines have ${scan.first.length} cells, but ${names.length} columns are named`);
  }
  return {
    sql: delimitedSql(file.path, names.length, { delimiter, hasHeader, quotes: source.quotes ?? true }, scan),
    names,
    types: names.map(() => "VARCHAR"),
    nRows: Math.max(0, scan.nRecords - (hasHeader ? 1 : 0)),
    emptiness: scan.nRecords === 0 ? "only blank lines" : "a header line and nothing else",
  };
}

/** The dialect is spelled out and nothing is sniffed: a reader that guesses reads another table. */
function delimitedSql(
  path: string,
  nColumns: number,
  dialect: { readonly delimiter: string; readonly hasHeader: boolean; readonly quotes: boolean },
  scan: Pick<DelimitedScan, "leadingBlankLines" | "longestRecordBytes">,
): string {
  const columns = Array.from({ length: nColumns }, (_, i) => `'c${i}': 'VARCHAR'`).join(", ");
  const quote = dialect.quotes ? '"' : "";
  const longest = Math.max(2_000_000, scan.longestRecordBytes + 1024);
  const settings = [
    "auto_detect = false",
    `columns = {${columns}}`,
    `delim = ${quoteLiteral(dialect.delimiter)}`,
    `quote = '${quote}'`,
    `escape = '${quote}'`,
    `header = ${dialect.hasHeader}`,
    `skip = ${scan.leadingBlankLines}`,
    "strict_mode = true",
    "null_padding = false",
    "ignore_errors = false",
    `max_line_size = ${longest}`,
    `buffer_size = ${Math.max(8_000_000, longest * 2)}`,
  ];
  return `read_csv(${quoteLiteral(path)}, ${settings.join(", ")})`;
}

async function scanDelimited(
  source: SourceDescription,
  file: LocatedFile,
  delimiter: string,
  signal?: AbortSignal,
): Promise<DelimitedScan> {
  const scanner = new DelimitedScanner(delimiter, source.quotes);
  try {
    for await (const bytes of readBytes(file.path, signal)) scanner.add(bytes);
    return scanner.finish();
  } catch (error) {
    throw error instanceof DelimitedFault ? unreadable(source, error.message, error) : error;
  }
}

async function openParquetTable(source: SourceDescription, file: LocatedFile, session: QuerySession): Promise<Table> {
  try {
    const parquet = await openParquet(session, file.path);
    const described = await session.rows(`DESCRIBE SELECT * FROM ${parquet.relation}`);
    const types = described.map((row) => String(row[1]));
    return {
      sql: parquet.relation,
      names: parquet.names,
      types,
      nRows: parquet.nRows,
      emptiness: "columns without rows",
    };
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw unreadable(source, reasonOf(error), error);
  }
}

async function openQueryTable(
  source: SourceDescription,
  session: QuerySession,
  open: (part: SourceDescription, index: number) => Promise<Table>,
): Promise<Table> {
  const tables = [];
  for (const [index, part] of (source.sources ?? []).entries()) {
    tables.push({ name: part.name, ...(await open(part.source, index)) });
  }
  try {
    const query = queryTableSql(source.query ?? "", tables);
    const described = await session.rows(`DESCRIBE ${query}`);
    const names = described.map((row) => String(row[0]));
    const counted = await session.rows(`SELECT count(*)::DOUBLE FROM (${query})`);
    return {
      sql: `(${query}) AS result(${names.map((_, i) => `c${i}`).join(", ")})`,
      names,
      types: described.map((row) => String(row[1])),
      nRows: Number(counted[0]![0]),
      emptiness: "a query that gives no rows",
    };
  } catch (error) {
    throw error instanceof MillraceError ? error : unreadable(source, reasonOf(error), error);
  }
}

async function openJsonLines(
  source: SourceDescription,
  file: LocatedFile,
  transcript: string,
  options: RelationOptions,
): Promise<Table> {
  try {
    const wanted =
      options.wanted ?? (await findKeys(file, options.signal)).map((name) => ({ name, kind: "text" as const }));
    const scan = await transcribeJsonLines(file.path, wanted, transcript, options.signal);
    checkColumnNames(scan.keys);
    const names = wanted.map((column) => column.name).filter((name) => scan.keys.includes(name));
    if (scan.nRows > 0 && names.length < wanted.length) return { ...emptyTable, names: scan.keys, nRows: scan.nRows };
    const dialect = { delimiter: ",", hasHeader: false, quotes: true };
    return {
      sql: delimitedSql(transcript, wanted.length, dialect, { ...scan, leadingBlankLines: 0 }),
      names,
      types: names.map(() => "VARCHAR"),
      nRows: scan.nRows,
      emptiness: "only blank lines",
    };
  } catch (error) {
    throw error instanceof JsonLinesFault ? unreadable(source, error.message, error) : error;
  }
}

const emptyTable = { sql: "", types: [], emptiness: "" };

async function findKeys(file: LocatedFile, signal?: AbortSignal): Promise<readonly string[]> {
  return (await transcribeJsonLines(file.path, [], null, signal)).keys;
}

const formatNames = {
  csv: "CSV",
  tsv: "TSV",
  parquet: "Parquet",
  jsonl: "JSON lines",
  sql: "the result of a query",
} as const;

/** SOURCE_UNREADABLE for a source. */
export function unreadable(source: SourceDescription, reason: string, cause?: unknown): MillraceError {
  const context = { path: source.path, format: formatNames[source.kind], reason };
  return new MillraceError("SOURCE_UNREADABLE", context, { cause });
}

/** The first line of what DuckDB says; the rest is advice about options that a user of ours does not have. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0]!.slice(0, 300);
}
