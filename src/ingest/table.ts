import { MillraceError } from "../core/errors/error.ts";
import type { Kind } from "../frame/column.ts";
import type { QuerySession } from "../query/session.ts";
import type { LocatedFile } from "./locate.ts";
import type { FileKind, SourceDescription } from "./source.ts";

/** Rows as SQL: columns c0, c1, ... by position in `names`, in an order that is the source's own. */
export interface Table {
  /** Goes after FROM. */
  readonly sql: string;
  readonly names: readonly string[];
  /** DuckDB's type of each column; VARCHAR where the file holds texts. */
  readonly types: readonly string[];
  /** Rows counted without DuckDB, but of queries and joins. */
  readonly nRows: number;
  /** What there is instead of rows. */
  readonly emptiness: string;
  /** The files the rows come from, in their order; empty where rows are computed. */
  readonly origins: readonly Origin[];
  /** Of JSON: every key there is, whether a column or not. */
  readonly keys?: readonly string[];
}

/** One file of a source. Files of one `layout` that follow each other can be read by one call. */
export interface FileTable extends Table {
  readonly file: LocatedFile;
  readonly layout: string;
  /** SQL of the rows of several files of this layout. */
  relationOf(paths: readonly string[]): string;
}

/** A stretch of rows that come from one file. */
export interface Origin {
  readonly file: string;
  readonly nRows: number;
  /** Pairs of (row, line), both ascending: from that row on lines go up with rows. Empty where a file has no lines. */
  readonly lines: readonly number[];
}

/** What opening a table needs. */
export interface TableContext {
  readonly session: QuerySession;
  /** A folder the session may read; files put there go with it. */
  readonly folder: string;
  /** Columns to be read of JSON, which has no header; null = all keys, as texts. */
  readonly wanted: readonly { readonly name: string; readonly kind: Kind }[] | null;
  /** Whether a column that is wanted of JSON, and of which no object has the key, is one without values. */
  readonly mayLackKeys: boolean;
  readonly signal: AbortSignal | undefined;
  /** A number no file in the folder has. */
  nextFile(): number;
}

/** Queries over more columns take minutes to be planned. */
export const mostColumns = 10_000;

const formatNames: Readonly<Record<FileKind, string>> = {
  csv: "CSV",
  tsv: "TSV",
  parquet: "Parquet",
  jsonl: "JSON lines",
  json: "JSON",
  arrow: "Arrow",
};

/** SOURCE_UNREADABLE for one file of a source. */
export function unreadableFile(file: LocatedFile, format: FileKind, reason: string, cause?: unknown): MillraceError {
  return new MillraceError("SOURCE_UNREADABLE", { path: file.name, format: formatNames[format], reason }, { cause });
}

/** SOURCE_UNREADABLE for a file with a record that is none of its table, which `fault` names. */
export function malformedFile(
  { kind, onMalformed }: SourceDescription,
  file: LocatedFile,
  format: FileKind,
  fault: Error,
): MillraceError {
  const maySetAside = onMalformed === undefined && (kind === "csv" || kind === "tsv" || kind === "jsonl");
  const remedy = maySetAside
    ? `Mend it, or have lines that are none of the table set aside: ${kind}("...", { onMalformed: "quarantine" }).`
    : undefined;
  const context = { path: file.name, format: formatNames[format], reason: fault.message, remedy };
  return new MillraceError("SOURCE_UNREADABLE", context, { cause: fault });
}

/** SOURCE_UNREADABLE for a source as a whole. */
export function unreadable(source: SourceDescription, reason: string, cause?: unknown): MillraceError {
  const format = source.kind in formatNames ? formatNames[source.kind as FileKind] : `the result of ${source.kind}()`;
  return new MillraceError("SOURCE_UNREADABLE", { path: source.path, format, reason }, { cause });
}

/** The first line of what DuckDB says; the rest is advice about options that a user of ours does not have. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0]!.slice(0, 300);
}

/** c0, c1, ... of a table, as a list for SELECT. */
export function columnList(nColumns: number, prefix = ""): string {
  return Array.from({ length: nColumns }, (_, i) => `${prefix}c${i}`).join(", ");
}
