import { invalidDefinition } from "../frame/definition-fault.ts";
import { isQuotable, quoteIdentifier } from "../query/quote.ts";
import type { RowContext, Source, SourceOptions } from "./source.ts";

export interface SqliteOptions extends Pick<SourceOptions, "missing"> {
  /** A table or view, all of it. */
  readonly table?: string;
  /** A query, instead of `table`. It reads; what would write is refused. */
  readonly query?: string;
  /**
   * A column that only grows: integers, or texts that sort by time such as "2026-01-31 12:00". Rows that came since the last
   * reading are read and no others.
   */
  readonly since?: string;
}

/** Rows of a SQLite file, opened read-only: a table, or what a query gives. Throws DEFINITION_INVALID without either, or with both. */
export function sqlite(path: string, options: SqliteOptions): Source {
  const { table, query, since, missing } = options;
  const refuse = (rule: string, actual: string): never => {
    throw invalidDefinition(`sqlite("${path}")`, rule, actual);
  };
  if ((table === undefined) === (query === undefined))
    refuse("needs either `table` or `query`", table === undefined ? "neither" : "both");
  if (table !== undefined && !isQuotable(table)) refuse("must name a table", JSON.stringify(table));
  if (since !== undefined && !isQuotable(since)) refuse("`since` must name a column", JSON.stringify(since));
  return Object.freeze({
    kind: "sqlite",
    path,
    query: query ?? `SELECT * FROM ${quoteIdentifier(table!)}`,
    ...(since === undefined ? {} : { since }),
    ...(missing ? { missing: Object.freeze([...missing]) } : {}),
  });
}

/** What a column of an own row may hold. */
export type RowValue = string | number | bigint | boolean | Date | null | undefined;

/**
 * Rows of your own: `rows(async function* () { yield { id: 1, price: 9.5 }; })`, one by one or in lists. Numbers, bigints, texts,
 * booleans, Dates, null and undefined are values. It is asked for the next only when the last is written, and read once a
 * run; where it yields what it yielded before, later steps are not repeated. What it throws leaves no snapshot.
 */
export function rows<R extends { readonly [K in keyof R]: RowValue }>(
  generate: (context: RowContext) => AsyncIterable<R | readonly R[]>,
): Source {
  if (typeof generate !== "function") {
    throw invalidDefinition("the argument of rows()", "must be an async generator function", typeof generate);
  }
  return Object.freeze({ kind: "rows", path: generate.name === "" ? "rows()" : `${generate.name}()`, generate });
}
