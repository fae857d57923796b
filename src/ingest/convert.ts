import type { Kind } from "../frame/column.ts";
import { isOneOf, quoteLiteral } from "../query/quote.ts";
import { falseTexts, missingTexts, nonZero, trueTexts } from "./delimited/cell-values.ts";

/** How one column of a source becomes one of a dataset, as SQL. */
export interface Conversion {
  /** The part that costs, over the source's column; {@link withParsed} computes it once under `alias`. */
  readonly parsed: string;
  readonly alias: string;
  /**
   * The stored value, over `alias` and the source's column: DOUBLE, BOOLEAN, TIMESTAMP (UTC, whole milliseconds) or
   * VARCHAR; NULL where missing or not of the kind.
   */
  readonly value: string;
  /** True where the cell is not missing (SQL of a BOOLEAN, never NULL). Costly: ask it where the value is NULL. */
  readonly present: string;
  /** The cell as a text for people. */
  readonly shown: string;
  /** Every present cell has a value. */
  readonly isTotal: boolean;
  /** What a cell should have been, for people; absent = as its kind says. */
  readonly expected?: string;
}

/** The rows of `sql` with what the conversions parse beside their own columns, as a subquery. */
export function withParsed(sql: string, conversions: readonly Conversion[]): string {
  return `(SELECT *, ${conversions.map(({ parsed, alias }) => `${parsed} AS ${alias}`).join(", ")} FROM ${sql})`;
}

/**
 * The conversion of `column` (one of ours: c0, c1, ...) of DuckDB's `type` to a kind. `missing` are the source's own
 * texts for "missing".
 */
export function convert(column: string, type: string, kind: Kind, missing: readonly string[]): Conversion {
  const family = familyOf(type);
  const alias = `${kind}_${column}`;
  if (family === "text") return { alias, ...fromText(column, alias, kind, missing) };
  const shown = `${column}::VARCHAR`;
  // DuckDB shows a whole DOUBLE as "-1.0".
  const theirs =
    family === "float" ? missing.flatMap((one) => (/^-?\d+$/.test(one) ? [one, `${one}.0`] : [one])) : missing;
  const isTheirs = theirs.length > 0 ? ` AND NOT ${isOneOf(shown, theirs)}` : "";
  const present = `(${column} IS NOT NULL${isTheirs}${family === "float" ? ` AND NOT isnan(${column})` : ""})`;
  const { parsed, value, isTotal } =
    family === "decimal" ? fromDecimal(column, alias, kind) : fromNative(column, alias, family, kind);
  return { alias, parsed, value: isTheirs ? `CASE WHEN ${present} THEN ${value} END` : value, present, shown, isTotal };
}

type Family = "text" | "small" | "wide" | "float" | "decimal" | "boolean" | "instant" | "zoned" | "other";

/** "wide" integers can exceed what a double holds exactly. */
function familyOf(type: string): Family {
  if (type === "VARCHAR" || type.startsWith("ENUM")) return "text";
  if (/^U?(TINYINT|SMALLINT|INTEGER)$/.test(type)) return "small";
  if (/^U?(BIGINT|HUGEINT)$/.test(type)) return "wide";
  if (type === "FLOAT" || type === "DOUBLE") return "float";
  // Up to 15 digits come back from a double as they were.
  if (/^DECIMAL\(([1-9]|1[0-5]),/.test(type)) return "small";
  if (type.startsWith("DECIMAL")) return "decimal";
  if (type === "BOOLEAN") return "boolean";
  if (type === "TIMESTAMP WITH TIME ZONE") return "zoned";
  if (type === "DATE" || /^TIMESTAMP(_S|_MS|_NS)?$/.test(type)) return "instant";
  return "other";
}

/** What counts as blank at the ends of a text. */
export const blanks = "' ' || chr(9) || chr(10) || chr(13)";

function fromText(column: string, alias: string, kind: Kind, missing: readonly string[]): Omit<Conversion, "alias"> {
  const shown = `${column}::VARCHAR`;
  const text = `trim(${shown}, ${blanks})`;
  const isTheirs = missing.length > 0 ? isOneOf(text, missing) : "";
  if (kind === "category" || kind === "text") {
    const present = `coalesce(${shown} <> ''${isTheirs && ` AND NOT ${isTheirs}`}, false)`;
    const value = isTheirs ? `CASE WHEN NOT ${isTheirs} THEN ${alias} END` : alias;
    return { parsed: `nullif(${shown}, '')`, value, present, shown, isTotal: true };
  }
  const present = `coalesce(NOT ${isOneOf(text, [...missingTexts, ...missing])}, false)`;
  const { parsed, value } = parse(column, alias, kind);
  // None of `missingTexts` parses, so only the source's own need to be kept from parsing.
  return {
    parsed,
    value: isTheirs ? `CASE WHEN NOT ${isTheirs} THEN ${value} END` : value,
    present,
    shown,
    isTotal: false,
  };
}

/** SQL that is NULL where the text is none of the kind. */
function parse(column: string, alias: string, kind: Kind): Pick<Conversion, "parsed" | "value"> {
  switch (kind) {
    case "boolean": {
      const text = `lower(trim(${column}::VARCHAR, ${blanks}))`;
      return {
        parsed: `CASE WHEN ${isOneOf(text, trueTexts)} THEN true WHEN ${isOneOf(text, falseTexts)} THEN false END`,
        value: alias,
      };
    }
    case "timestamp":
      return { parsed: instant(`trim(${column}::VARCHAR)`), value: wholeMs(alias) };
    default: {
      // The cast skips surrounding blanks. DuckDB reads "1_000" as a number; nobody writes that in a file of data.
      const isPlain = `NOT contains(${column}::VARCHAR, '_') AND ${isNoLostNumber(alias, `${column}::VARCHAR`)}`;
      const isWhole = `regexp_full_match(trim(${column}::VARCHAR, ${blanks}), '[+-]?\\d+')`;
      return { parsed: `TRY_CAST(${column} AS DOUBLE)`, value: exactDouble(column, alias, isPlain, isWhole) };
    }
  }
}

/** SQL that is false where a number became 0 that was written as another one, such as 1e-400. */
export function isNoLostNumber(number: string, written: string): string {
  return `CASE WHEN ${number} = 0 THEN NOT regexp_matches(${written}, ${quoteLiteral(nonZero.source)}) ELSE true END`;
}

/** ISO 8601 as the contract's timestamps are read elsewhere (frame/timestamp.ts), and an offset of hours alone. */
const clockPattern = "\\d{4}-\\d{2}-\\d{2}(?:[T ](?:[01]\\d|2[0-3]):\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?";
const utcPattern = `${clockPattern}(?: ?(?:Z|UTC))?)?`;
const offsetPattern = `${clockPattern}[+-]\\d{2}(?::?\\d{2})?)`;

/**
 * Times without an offset, the common case, are read without DuckDB's time zones, which cost eight times as much.
 * DuckDB wants seconds where something follows the minutes: "03:04Z" is completed to "03:04:00Z".
 */
function instant(text: string): string {
  const full = (pattern: string): string => `regexp_full_match(${text}, ${quoteLiteral(pattern)})`;
  const completed = `regexp_replace(${text}, '^(.{10}[T ]..:..)([^:].*)$', '\\1:00\\2')`;
  const utc = `coalesce(TRY_CAST(${text} AS TIMESTAMP), TRY_CAST(${completed} AS TIMESTAMP))`;
  const zoned = `coalesce(TRY_CAST(${text} AS TIMESTAMPTZ), TRY_CAST(${completed} AS TIMESTAMPTZ)) AT TIME ZONE 'UTC'`;
  return `CASE WHEN ${full(utcPattern)} THEN ${utc} WHEN ${full(offsetPattern)} THEN ${zoned} END`;
}

/**
 * A finite DOUBLE; NULL for what is no number, for infinities, and for integers of 2^53 and beyond that a double would
 * round. The last comparison is reached by huge values alone.
 */
function exactDouble(column: string, number: string, isPlain: string, isWhole: string): string {
  const isExact = `NOT ${isWhole} OR ${isSameWhole(`trim(${column}::VARCHAR, ${blanks})`, number)}`;
  return `CASE WHEN abs(${number}) < 9007199254740992 AND ${isPlain} THEN ${number} WHEN isfinite(${number}) AND ${isPlain} AND (${isExact}) THEN ${number} END`;
}

/** SQL of whether a text of digits is the very integer that a double is, of any length: HUGEINT ends at 2^127, BIGNUM is slow. */
function isSameWhole(digits: string, number: string): string {
  const same = (type: string): string => `TRY_CAST(ltrim(${digits}, '+') AS ${type}) = TRY_CAST(${number} AS ${type})`;
  return `CASE WHEN abs(${number}) < 1e38 THEN ${same("HUGEINT")} ELSE ${same("BIGNUM")} END`;
}

/** Long decimals, also such as stand as texts: those that a double would round are no numbers. */
function fromDecimal(column: string, alias: string, kind: Kind): Native {
  const shown = `${column}::VARCHAR`;
  const parsed = `TRY_CAST(${shown} AS DOUBLE)`;
  const isShort = `length(ltrim(regexp_replace(${shown}, '[-+.]', '', 'g'), '0')) <= 15`;
  const isWhole = `regexp_full_match(${shown}, '[+-]?\\d+(\\.0*)?')`;
  const isSame = `CASE WHEN ${isWhole} THEN ${isSameWhole(`split_part(${shown}, '.', 1)`, alias)} ELSE rtrim(${shown}, '0') = ${alias}::VARCHAR END`;
  const exact = `CASE WHEN isfinite(${alias}) AND (${isShort} OR ${isSame}) THEN ${alias} END`;
  if (kind === "number") return { parsed, value: exact, isTotal: false };
  if (kind === "boolean")
    return {
      parsed: `CASE WHEN ${parsed} = 1 THEN true WHEN ${parsed} = 0 THEN false END`,
      value: alias,
      isTotal: false,
    };
  return fromNative(column, alias, "decimal", kind);
}

/** A finite instant cut to whole milliseconds. */
export function wholeMs(instant: string): string {
  return `CASE WHEN isfinite(${instant}) THEN date_trunc('millisecond', ${instant}) END`;
}

type Native = Pick<Conversion, "parsed" | "value" | "isTotal">;

/** A value that is already typed in the source. */
function fromNative(column: string, alias: string, family: Family, kind: Kind): Native {
  const total = (parsed: string): Native => ({ parsed, value: alias, isTotal: true });
  const partial = (parsed: string, value = alias): Native => ({ parsed, value, isTotal: false });
  const none = partial(`CASE WHEN false THEN ${nullOf[kind]} END`);
  const isNumber = family === "small" || family === "wide" || family === "float";
  switch (kind) {
    case "number":
      if (family === "boolean") return total(`${column}::INTEGER::DOUBLE`);
      if (family === "float") return partial(`${column}::DOUBLE`, `CASE WHEN isfinite(${alias}) THEN ${alias} END`);
      if (family === "wide") return partial(`${column}::DOUBLE`, exactDouble(column, alias, "true", "true"));
      return isNumber ? total(`${column}::DOUBLE`) : none;
    case "boolean":
      if (family === "boolean") return total(column);
      return isNumber ? partial(`CASE WHEN ${column} = 1 THEN true WHEN ${column} = 0 THEN false END`) : none;
    case "timestamp":
      if (family === "zoned") return partial(`${column} AT TIME ZONE 'UTC'`, wholeMs(alias));
      return family === "instant" ? partial(`${column}::TIMESTAMP`, wholeMs(alias)) : none;
    default:
      return total(`nullif(${asText(column, family)}, '')`);
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
