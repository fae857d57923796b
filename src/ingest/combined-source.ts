import { parseDuration, type Duration } from "../core/duration.ts";
import { invalidDefinition } from "../frame/definition-fault.ts";
import type { Match, Source } from "./source.ts";

/**
 * What a query gives over other sources, each a table under its name: `sql("select a, b > 3 as high from t", { t: csv("t.csv") })`.
 * The dialect is DuckDB's; the query sees these files and nothing else of the machine. Columns of sources other than
 * Parquet are texts in it: cast where you compute. Throws DEFINITION_INVALID without a source.
 */
export function sql(query: string, sources: Readonly<Record<string, Source>>): Source {
  const named = Object.entries(sources).map(([name, source]) => Object.freeze({ name, source }));
  const [first] = named;
  if (!first) throw invalidDefinition("the second argument of sql()", "must name at least one source", "none");
  return Object.freeze({ kind: "sql", path: first.source.path, query, sources: Object.freeze(named) });
}

export interface JoinOptions {
  /** Columns equal in both sources. */
  readonly on: string | readonly string[];
  /** "left" (default) keeps rows without a partner, "inner" leaves them out. */
  readonly how?: "left" | "inner";
  /** In front of the names of the second source's columns; default none. */
  readonly prefix?: string;
}

/**
 * The rows of the first source, in their order, with the columns of their partner in the second. A row has one partner at
 * most: keys that occur twice in the second source are refused when it is read, for they would multiply rows.
 */
export function join(left: Source, right: Source, options: JoinOptions): Source {
  const match = { on: keysOf("join", options.on), how: options.how ?? "left", prefix: options.prefix ?? "" };
  if (match.on.length === 0) throw invalidDefinition("join: on", "must name a column", "none");
  return pair("join", left, right, match);
}

export interface AsofOptions {
  /** The entity: columns equal in both sources. */
  readonly on: string | readonly string[];
  /** The time of a row, in both sources. */
  readonly time: string;
  /** The time column of the second source, where it has another name. */
  readonly otherTime?: string;
  /** How old a partner may be; default any age. */
  readonly tolerance?: Duration;
  /** true: a partner of the very same time does not count. Default false. */
  readonly strict?: boolean;
  /** In front of the names of the second source's columns; default none. */
  readonly prefix?: string;
}

/**
 * The rows of the first source, in their order, with the latest row of the second that belongs to the same entity and was
 * known by then: never a later one, so that no feature comes from the future. Of rows of one entity and time the last counts.
 */
export function asof(left: Source, right: Source, options: AsofOptions): Source {
  const { time, otherTime = time, tolerance, strict = false, prefix = "" } = options;
  const toleranceMs = tolerance === undefined ? undefined : parseDuration(tolerance);
  if (tolerance !== undefined && toleranceMs === undefined)
    throw invalidDefinition("asof: tolerance", 'must be a duration such as "7d"', JSON.stringify(tolerance));
  return pair("asof", left, right, {
    on: keysOf("asof", options.on),
    how: "left",
    prefix,
    time,
    otherTime,
    strict,
    ...(toleranceMs === undefined ? {} : { toleranceMs }),
  });
}

/** The rows of all sources, one after the other; they must have the same columns, in any order. */
export function union(...sources: readonly Source[]): Source {
  const [first] = sources;
  if (!first) throw invalidDefinition("union()", "takes at least one source", "none");
  const named = sources.map((source, i) => Object.freeze({ name: `source ${i + 1}`, source }));
  return Object.freeze({ kind: "union", path: first.path, sources: Object.freeze(named) });
}

function pair(kind: "join" | "asof", left: Source, right: Source, match: Match): Source {
  const sources = [Object.freeze({ name: "left", source: left }), Object.freeze({ name: "right", source: right })];
  return Object.freeze({ kind, path: left.path, sources: Object.freeze(sources), match: Object.freeze(match) });
}

function keysOf(subject: string, on: string | readonly string[]): readonly string[] {
  const keys = typeof on === "string" ? [on] : [...on];
  if (new Set(keys).size < keys.length)
    throw invalidDefinition(`${subject}: on`, "must name each column once", keys.join(", "));
  return Object.freeze(keys);
}
