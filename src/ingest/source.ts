import { MillraceError } from "../core/errors/error.ts";

export type SourceKind = "csv" | "tsv" | "parquet" | "jsonl" | "sql";

/** Where rows come from, as frozen plain data: it is stored with the run and is part of the cache key. */
export interface SourceDescription {
  readonly kind: SourceKind;
  /** Relative paths start at the project folder. */
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
  /** sql: the query, and the files it reads by the names it knows them under; `path` is the first file's. */
  readonly query?: string;
  readonly sources?: readonly { readonly name: string; readonly source: SourceDescription }[];
}

/** What `csv(...)`, `tsv(...)`, `parquet(...)`, `jsonl(...)` and `sql(...)` return. */
export type Source = SourceDescription;

export interface SourceOptions {
  /** Texts that mean "missing" in every column, such as "?" or "-999". */
  readonly missing?: readonly string[];
}

export interface DelimitedOptions extends SourceOptions {
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

/** A file of comma-separated values, UTF-8, cells quoted with `"` where needed; `.gz` is unpacked. */
export function csv(path: string, options: CsvOptions = {}): Source {
  const delimiter = options.delimiter ?? ",";
  if (delimiter.length !== 1 || delimiter === '"' || delimiter === "\n" || delimiter === "\r") {
    throw new MillraceError("DEFINITION_INVALID", {
      subject: `the delimiter of csv("${path}")`,
      rule: 'must be one character other than a line break or "',
      actual: JSON.stringify(delimiter),
    });
  }
  return delimited("csv", path, options, delimiter);
}

/** A file of tab-separated values; otherwise as {@link csv}. */
export function tsv(path: string, options: DelimitedOptions = {}): Source {
  return delimited("tsv", path, options, "\t");
}

/** A Parquet file. */
export function parquet(path: string, options: SourceOptions = {}): Source {
  return describe({ kind: "parquet", path }, options);
}

/** A file with one JSON object a line; `.gz` is unpacked. */
export function jsonl(path: string, options: SourceOptions = {}): Source {
  return describe({ kind: "jsonl", path }, options);
}

/**
 * What a query gives over other sources, each a table under its name: `sql("select a, b > 3 as high from t", { t: csv("t.csv") })`.
 * The dialect is DuckDB's; the query sees these files and nothing else of the machine. Columns of CSV and TSV files are
 * texts in it: cast where you compute. Throws DEFINITION_INVALID without a source, or for one that is not csv, tsv or parquet.
 */
export function sql(query: string, sources: Readonly<Record<string, Source>>): Source {
  const named = Object.entries(sources).map(([name, source]) => Object.freeze({ name, source }));
  const other = named.find(({ source }) => source.kind === "jsonl" || source.kind === "sql");
  const [first] = named;
  if (!first || other) {
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "the second argument of sql()",
      rule: "must name at least one csv(), tsv() or parquet() source and no other kind",
      actual: other ? `${other.source.kind}() as ${other.name}` : "none",
    });
  }
  return Object.freeze({ kind: "sql", path: first.source.path, query, sources: Object.freeze(named) });
}

function delimited(kind: "csv" | "tsv", path: string, options: DelimitedOptions, delimiter: string): Source {
  const columns = options.columns;
  const header = options.header ?? columns === undefined;
  if (!header && !columns) {
    throw new MillraceError("DEFINITION_INVALID", {
      subject: `${kind}("${path}")`,
      rule: "needs `columns` when the file has no header line",
      actual: "header: false without columns",
    });
  }
  return describe(
    {
      kind,
      path,
      header,
      delimiter,
      ...(columns ? { columns: Object.freeze([...columns]) } : {}),
      ...(options.quotes === false ? { quotes: false } : {}),
    },
    options,
  );
}

function describe(description: SourceDescription, options: SourceOptions): Source {
  return Object.freeze({
    ...description,
    ...(options.missing ? { missing: Object.freeze([...options.missing]) } : {}),
  });
}

const kindOfEnding: ReadonlyMap<string, SourceKind> = new Map([
  ["csv", "csv"],
  ["tsv", "tsv"],
  ["tab", "tsv"],
  ["parquet", "parquet"],
  ["jsonl", "jsonl"],
  ["ndjson", "jsonl"],
]);

/** The kind a file's ending names, `.gz` and `.zst` set aside; throws SOURCE_FORMAT_UNKNOWN. */
export function kindOfPath(path: string): SourceKind {
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
  return kind === "parquet" ? parquet(path) : jsonl(path);
}
