import type { Digest } from "../core/digest.ts";
import { type Duration, parseTimeout } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import { invalidDefinition } from "../frame/definition-fault.ts";
import type { DatabaseDescription } from "./databases/database-source.ts";
import type { StreamDescription } from "./streams/stream-source.ts";

/** Formats of files. */
export type FileKind = "csv" | "tsv" | "parquet" | "jsonl" | "json" | "arrow";

export type SourceKind = FileKind | PartsKind | "sqlite" | "rows" | "sql" | "join" | "asof" | "union";

/** Sources whose rows are brought to files of ours before they are read. */
export type PartsKind = "postgres" | "mysql" | "stream" | "images" | "audio";

/** Where rows come from, as frozen plain data: it is stored with the run and is part of the cache key. */
export interface SourceDescription {
  readonly kind: SourceKind;
  /** A file, a folder, a pattern with `*`, or an address of HTTP(S) or S3; relative paths start at the project folder. */
  readonly path: string;
  /** csv, tsv: the first line names the columns. */
  readonly header?: boolean;
  /** csv, tsv: names of the columns in file order, instead of those in the header line. */
  readonly columns?: readonly string[];
  /** csv: one character. */
  readonly delimiter?: string;
  /** csv, tsv: false where `"` is an ordinary character and no cell is quoted. */
  readonly quotes?: boolean;
  /** Texts that mean "missing" in every column, beside those every kind has. */
  readonly missing?: readonly string[];
  /** csv, tsv, jsonl: what becomes of records that are none of the table; absent = "fail". */
  readonly onMalformed?: "quarantine";
  /** Files are kept converted between runs, so that only new and changed ones are read. */
  readonly incremental?: boolean;
  /** SHA-256 of the file's bytes; a file with another one is refused. */
  readonly checksum?: string;
  readonly http?: HttpLimits;
  readonly s3?: ObjectAccess;
  /** sql, sqlite, postgres, mysql: the query. */
  readonly query?: string;
  /** sqlite: a column that only grows; rows beyond the last snapshot's maximum are read and no others. */
  readonly since?: string;
  /** sql, join, asof, union: what it reads, by the names it knows them under; `path` is the first one's. */
  readonly sources?: readonly { readonly name: string; readonly source: SourceDescription }[];
  /** join, asof: which rows belong together. */
  readonly match?: Match;
  /** postgres, mysql. */
  readonly database?: DatabaseDescription;
  readonly stream?: StreamDescription;
  /** rows: the user's own generator; not data, so its text stands for it in the cache key. */
  readonly generate?: RowGenerator;
}

/** What an own source yields: rows by column name, one by one or in lists. */
export type RowGenerator = (context: RowContext) => AsyncIterable<object>;

/** What the generator of an own source is given. */
export interface RowContext {
  /** Aborts when the run is cancelled, for what takes long between two rows. */
  readonly signal: AbortSignal;
}

/** Which rows of the second source belong to a row of the first. */
export interface Match {
  /** Columns that must be equal, of both. */
  readonly on: readonly string[];
  /** join: whether rows without a partner stay. */
  readonly how: "left" | "inner";
  /** In front of the names of the second source's columns. */
  readonly prefix: string;
  /** asof: the time columns, how old a partner may be, and whether it must be older than the row itself. */
  readonly time?: string;
  readonly otherTime?: string;
  readonly toleranceMs?: number;
  readonly strict?: boolean;
}

/** What `csv(...)`, `parquet(...)`, `sql(...)`, `join(...)` and their kin return. */
export type Source = SourceDescription;

/** How a file is fetched over HTTP(S). */
export interface HttpLimits {
  /** Whether the address may be one of this machine or of a private network. Default false. */
  readonly allowPrivate?: boolean;
  /** Largest size in bytes. Default 10 GB. */
  readonly maxBytes?: number;
  /** The whole transfer. Default "10m". */
  readonly timeout?: Duration;
}

/** How an object store is reached where the environment (AWS_ENDPOINT_URL_S3, AWS_REGION) does not say it. */
export interface ObjectAccess {
  /** Of a store other than AWS, such as "https://minio.example.com:9000". */
  readonly endpoint?: string;
  readonly region?: string;
}

export interface SourceOptions {
  /** Texts that mean "missing" in every column, such as "?" or "-999". */
  readonly missing?: readonly string[];
  /** `sha256:` and 64 hexadecimal digits: a file with other bytes is refused. Of a single file only. */
  readonly checksum?: Digest;
  /** Limits for a path that is an address of HTTP(S). */
  readonly http?: HttpLimits;
  /** For a path that is an address of an object store, `s3://`. */
  readonly s3?: ObjectAccess;
  /**
   * Whether each file of a folder or a pattern is kept as it was converted, so that the next run reads new and changed files
   * alone. Worth it where files are many and seldom change; costs about a third of the size of texts. Default false.
   */
  readonly incremental?: boolean;
}

/** What becomes of a record that is none of its table, such as a line with too few cells. */
export type MalformedPolicy = "fail" | "quarantine";

export interface RecordOptions extends SourceOptions {
  /**
   * "quarantine" sets records aside that are malformed, with their line and the reason, as rows that break the contract are;
   * "fail" (default) refuses the file.
   */
  readonly onMalformed?: MalformedPolicy;
}

export interface DelimitedOptions extends RecordOptions {
  /** Names of the columns; says that the file has no header line, unless `header` is true. */
  readonly columns?: readonly string[];
  /** Whether the first line names the columns. Default true, or false where `columns` are given. */
  readonly header?: boolean;
  /** Whether cells may be quoted with `"`. Default true; false where `"` is an ordinary character. */
  readonly quotes?: boolean;
}

export interface CsvOptions extends DelimitedOptions {
  /** One character between the cells. Default ",". */
  readonly delimiter?: string;
}

/**
 * Comma-separated values, UTF-8, cells quoted with `"` where needed; `.gz` is unpacked, `.zst` where Node can (22.15).
 *
 * The path of this and of every other file source may be a pattern (`data/*.csv`, `data/**\/*.csv`), a folder, whose
 * partitions `year=2024/` become columns where the schema declares them, an address of HTTP(S), or an object, a pattern or
 * a folder of an object store (`s3://bucket/path/*.csv`).
 */
export function csv(path: string, options: CsvOptions = {}): Source {
  const delimiter = options.delimiter ?? ",";
  if (delimiter.length !== 1 || delimiter === '"' || delimiter === "\n" || delimiter === "\r") {
    throw invalidDefinition(
      `the delimiter of csv("${path}")`,
      'must be one character other than a line break or "',
      JSON.stringify(delimiter),
    );
  }
  return delimited("csv", path, options, delimiter);
}

/** A file of tab-separated values; otherwise as {@link csv}. */
export function tsv(path: string, options: DelimitedOptions = {}): Source {
  return delimited("tsv", path, options, "\t");
}

/** Parquet files; paths as for {@link csv}. */
export function parquet(path: string, options: SourceOptions = {}): Source {
  return describe({ kind: "parquet", path }, options);
}

/** Arrow IPC files, also called Feather 2, and streams; paths as for {@link csv}. Needs the package `@uwdata/flechette`. */
export function arrow(path: string, options: SourceOptions = {}): Source {
  return describe({ kind: "arrow", path }, options);
}

/** One JSON object a line; paths and packing as for {@link csv}. */
export function jsonl(path: string, options: RecordOptions = {}): Source {
  return describe({ kind: "jsonl", path, ...malformedPolicy(path, options) }, options);
}

/** A JSON list of objects; paths and packing as for {@link csv}. */
export function json(path: string, options: SourceOptions = {}): Source {
  return describe({ kind: "json", path }, options);
}

function delimited(kind: "csv" | "tsv", path: string, options: DelimitedOptions, delimiter: string): Source {
  const columns = options.columns;
  const header = options.header ?? columns === undefined;
  if (!header && !columns) {
    throw invalidDefinition(
      `${kind}("${path}")`,
      "needs `columns` when the file has no header line",
      "header: false without columns",
    );
  }
  return describe(
    {
      kind,
      path,
      header,
      delimiter,
      ...(columns ? { columns: Object.freeze([...columns]) } : {}),
      ...(options.quotes === false ? { quotes: false } : {}),
      ...malformedPolicy(path, options),
    },
    options,
  );
}

function malformedPolicy(path: string, { onMalformed }: RecordOptions): Pick<SourceDescription, "onMalformed"> {
  if (onMalformed === "quarantine") return { onMalformed };
  if (onMalformed === undefined || onMalformed === "fail") return {};
  throw invalidDefinition(`onMalformed of "${path}"`, "must be one of fail, quarantine", JSON.stringify(onMalformed));
}

function describe(description: SourceDescription, options: SourceOptions): Source {
  const { checksum, http, incremental, missing, s3 } = options;
  return Object.freeze({
    ...description,
    ...(incremental === true ? { incremental } : {}),
    ...(missing ? { missing: Object.freeze([...missing]) } : {}),
    ...(checksum === undefined ? {} : { checksum: checkedDigest(description.path, checksum) }),
    ...(http ? { http: checkedLimits(description.path, http) } : {}),
    ...(s3 ? { s3: Object.freeze({ ...s3 }) } : {}),
  });
}

function checkedLimits(path: string, limits: HttpLimits): HttpLimits {
  const { maxBytes, timeout } = limits;
  if (maxBytes !== undefined && !(maxBytes > 0))
    throw invalidDefinition(`http: maxBytes of "${path}"`, "must be a number above 0", String(maxBytes));
  if (timeout !== undefined && !((parseTimeout(timeout) ?? 0) > 0))
    throw invalidDefinition(
      `http: timeout of "${path}"`,
      'must be a duration such as "90s", at most 24 days',
      JSON.stringify(timeout),
    );
  return Object.freeze({ ...limits });
}

function checkedDigest(path: string, checksum: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(checksum)) return checksum;
  throw invalidDefinition(
    `the checksum of "${path}"`,
    "must be sha256: and 64 hexadecimal digits in lower case",
    JSON.stringify(checksum),
  );
}

const kindOfEnding: ReadonlyMap<string, FileKind> = new Map([
  ["csv", "csv"],
  ["tsv", "tsv"],
  ["tab", "tsv"],
  ["parquet", "parquet"],
  ["jsonl", "jsonl"],
  ["ndjson", "jsonl"],
  ["json", "json"],
  ["arrow", "arrow"],
  ["feather", "arrow"],
  ["arrows", "arrow"],
]);

/** The kind a file's ending names, `.gz` and `.zst` set aside; throws SOURCE_FORMAT_UNKNOWN. */
export function kindOfPath(path: string): FileKind {
  const ending = /\.([^./\\]+?)(?:\.(?:gz|zst))?$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  const kind = kindOfEnding.get(ending);
  if (kind) return kind;
  throw new MillraceError("SOURCE_FORMAT_UNKNOWN", { path, known: [...kindOfEnding.keys()].map((key) => `.${key}`) });
}

/** The source a file's ending names, read with that kind's defaults; throws SOURCE_FORMAT_UNKNOWN. */
export function sourceFromPath(path: string): Source {
  const kind = kindOfPath(path);
  if (kind === "csv") return csv(path);
  if (kind === "tsv") return tsv(path);
  if (kind === "json") return json(path);
  if (kind === "arrow") return arrow(path);
  return kind === "parquet" ? parquet(path) : jsonl(path);
}
