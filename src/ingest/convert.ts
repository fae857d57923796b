import type { Kind } from "../frame/column.ts";
import { isOneOf, quoteLiteral } from "../query/quote.ts";

/** How one column of a source becomes one of a dataset, as SQL. */
export interface Conversion {
  /** The stored value: DOUBLE, BOOLEAN, TIMESTAMP (UTC, whole milliseconds) or VARCHAR; NULL where missing or not of the kind. */
  readonly value: string;
  /** True where the cell is not missing (SQL of a BOOLEAN, never NULL). */
  readonly present: string;
  /** The cell as a text for people. */
  readonly shown: string;
  /** Every present cell has a value. */
  readonly isTotal: boolean;
}

/** Texts that mean "missing" where a number, a boolean or a timestamp is expected; surrounding blanks do not count. */
export const missingTexts: readonly string[] = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"];

/** The conversion of `column` (SQL) of DuckDB's `type` to a kind. `missing` are the source's own texts for "missing". */
export function convert(column: string, type: string, kind: Kind, missing: readonly string[]): Conversion {
  const family = familyOf(type);
  if (family === "text") return fromText(column, kind, missing);
  const shown = `${column}::VARCHAR`;
  const isTheirs = missing.length > 0 ? ` AND NOT ${isOneOf(shown, missing)}` : "";
  const present = `(${column} IS NOT NULL${isTheirs}${family === "float" ? ` AND NOT isnan(${column})` : ""})`;
  const { value, isTotal } = fromNative(isTheirs ? `CASE WHEN ${present} THEN ${column} END` : column, family, kind);
  return { value, present, shown, isTotal };
}

type Family = "text" | "small" | "wide" | "float" | "decimal" | "boolean" | "instant" | "zoned" | "other";

/** "wide" integers can exceed what a double holds exactly. */
function familyOf(type: string): Family {
  if (type === "VARCHAR" || type.startsWith("ENUM")) return "text";
  if (/^U?(TINYINT|SMALLINT|INTEGER)$/.test(type)) return "small";
  if (/^U?(BIGINT|HUGEINT)$/.test(type)) return "wide";
  if (type === "FLOAT" || type === "DOUBLE") return "float";
  if (type.startsWith("DECIMAL")) return "decimal";
  if (type === "BOOLEAN") return "boolean";
  if (type === "TIMESTAMP WITH TIME ZONE") return "zoned";
  if (type === "DATE" || /^TIMESTAMP(_S|_MS|_NS)?$/.test(type)) return "instant";
  return "other";
}

const blanks = "' ' || chr(9) || chr(10) || chr(13)";

function fromText(column: string, kind: Kind, missing: readonly string[]): Conversion {
  const shown = `${column}::VARCHAR`;
  const text = `trim(${shown}, ${blanks})`;
  if (kind === "category" || kind === "text") {
    const isTheirs = missing.length > 0 ? ` AND NOT ${isOneOf(text, missing)}` : "";
    const present = `coalesce(${shown} <> ''${isTheirs}, false)`;
    return {
      value: isTheirs ? `CASE WHEN ${present} THEN ${shown} END` : `nullif(${shown}, '')`,
      present,
      shown,
      isTotal: true,
    };
  }
  const present = `coalesce(NOT ${isOneOf(text, [...missingTexts, ...missing])}, false)`;
  const parsed = parse(text, kind);
  // None of `missingTexts` parses, so only the source's own need to be kept from parsing.
  const value = missing.length > 0 ? `CASE WHEN ${isOneOf(text, missing)} THEN NULL ELSE ${parsed} END` : parsed;
  return { value, present, shown, isTotal: false };
}

/** SQL that is NULL where the text is none of the kind. */
function parse(text: string, kind: Kind): string {
  switch (kind) {
    case "boolean":
      return `CASE WHEN ${isOneOf(`lower(${text})`, trueTexts)} THEN true WHEN ${isOneOf(`lower(${text})`, falseTexts)} THEN false END`;
    case "timestamp":
      return `CASE WHEN regexp_full_match(${text}, ${quoteLiteral(instantPattern)}) THEN ${wholeMs(instant(text))} END`;
    default:
      // DuckDB reads "1_000" as a number; nobody writes that in a file of data.
      return exactDouble(
        `CASE WHEN contains(${text}, '_') THEN NULL ELSE ${text} END`,
        `regexp_full_match(${text}, '[+-]?\\d+')`,
      );
  }
}

const trueTexts = ["true", "t", "yes", "y", "1", "1.0"];
const falseTexts = ["false", "f", "no", "n", "0", "0.0"];

/** ISO 8601 as the contract's timestamps are read elsewhere (frame/timestamp.ts), and an offset of hours alone. */
const instantPattern =
  "\\d{4}-\\d{2}-\\d{2}(?:[T ](?:[01]\\d|2[0-3]):\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?: ?(?:Z|UTC)|[+-]\\d{2}(?::?\\d{2})?)?)?";

/** DuckDB wants seconds where an offset follows: "03:04Z" is completed to "03:04:00Z". */
function instant(text: string): string {
  const completed = `regexp_replace(${text}, '^(.{10}[T ]..:..)([^:].*)$', '\\1:00\\2')`;
  const parsed = (from: string): string => `TRY_CAST(${from} AS TIMESTAMPTZ)`;
  return `(coalesce(${parsed(text)}, ${parsed(completed)}) AT TIME ZONE 'UTC')`;
}

/**
 * A finite DOUBLE; NULL for what is no number, for infinities, and for integers of 2^53 and beyond that a double would
 * round. The second cast is reached by huge integers alone.
 */
function exactDouble(source: string, isInteger: string): string {
  const number = `TRY_CAST(${source} AS DOUBLE)`;
  const isRounded = `${isInteger} AND TRY_CAST(${source} AS HUGEINT) <> TRY_CAST(${number} AS HUGEINT)`;
  return `CASE WHEN abs(${number}) < 9007199254740992 THEN ${number} WHEN NOT isfinite(${number}) THEN NULL WHEN ${isRounded} THEN NULL ELSE ${number} END`;
}

function wholeMs(instant: string): string {
  return `CASE WHEN isfinite(${instant}) THEN date_trunc('millisecond', ${instant}) END`;
}

/** A value that is already typed in the source. */
function fromNative(column: string, family: Family, kind: Kind): { value: string; isTotal: boolean } {
  const none = { value: `CASE WHEN false THEN ${nullOf[kind]} END`, isTotal: false };
  switch (kind) {
    case "number":
      if (family === "small" || family === "decimal") return { value: `${column}::DOUBLE`, isTotal: true };
      if (family === "boolean") return { value: `${column}::INTEGER::DOUBLE`, isTotal: true };
      if (family === "float")
        return { value: `CASE WHEN isfinite(${column}) THEN ${column}::DOUBLE END`, isTotal: false };
      return family === "wide" ? { value: exactDouble(column, "true"), isTotal: false } : none;
    case "boolean":
      if (family === "boolean") return { value: column, isTotal: true };
      if (family === "small" || family === "wide" || family === "float" || family === "decimal")
        return { value: `CASE WHEN ${column} = 1 THEN true WHEN ${column} = 0 THEN false END`, isTotal: false };
      return none;
    case "timestamp":
      if (family === "zoned") return { value: wholeMs(`(${column} AT TIME ZONE 'UTC')`), isTotal: false };
      return family === "instant" ? { value: wholeMs(`${column}::TIMESTAMP`), isTotal: false } : none;
    default:
      return { value: `nullif(${asText(column, family)}, '')`, isTotal: true };
  }
}

const nullOf: Readonly<Record<Kind, string>> = {
  number: "0::DOUBLE",
  boolean: "false",
  timestamp: "'1970-01-01'::TIMESTAMP",
  category: "''",
  text: "''",
};

/** Codes that another tool turned into 1.0, 2.0 because some are missing get their integer texts back. */
function asText(column: string, family: Family): string {
  if (family !== "float") return `${column}::VARCHAR`;
  return `CASE WHEN isnan(${column}) THEN NULL WHEN ${column} = trunc(${column}) AND abs(${column}) < 1e15 THEN ${column}::BIGINT::VARCHAR ELSE ${column}::VARCHAR END`;
}
