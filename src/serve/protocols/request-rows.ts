import { MillraceError } from "../../core/errors/error.ts";
import type { ServerLimits } from "../limits.ts";

/** Ends a request that cannot be read; throws REQUEST_MALFORMED. */
export function refuse(reason: string): never {
  throw new MillraceError("REQUEST_MALFORMED", { reason });
}

/** The members of a body that must be a JSON object. */
export function membersOf(body: unknown): ReadonlyMap<string, unknown> {
  if (body === null || typeof body !== "object" || Array.isArray(body)) return refuse("the body is not an object");
  return new Map(Object.entries(body));
}

/** Models take no parameters; one that would be ignored is refused. */
export function noParameters(given: unknown, member: string): void {
  if (given === undefined || given === null) return;
  if (typeof given !== "object" || Object.keys(given).length > 0) refuse(`models take no ${JSON.stringify(member)}`);
}

/** Rows within the limits of a request: at least one, at most `limits.rows`. */
export function withinLimits<T>(rows: readonly T[], limits: ServerLimits): readonly T[] {
  if (rows.length === 0) return refuse("it holds no row");
  if (rows.length > limits.rows)
    throw new MillraceError("REQUEST_TOO_LARGE", {
      subject: "rows a request",
      limit: String(limits.rows),
      actual: String(rows.length),
    });
  return rows;
}

/** One row from values in the order of `columns`; the row owns every column, `__proto__` too. */
export function rowOf(columns: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const row = Object.create(null) as Record<string, unknown>;
  for (let i = 0; i < columns.length; ++i) row[columns[i]!] = values[i];
  return row;
}

/** Rows as objects, or as arrays of values in the order of `columns`. Throws where an array has another length. */
export function recordRows(records: unknown, columns: readonly string[], member: string): readonly unknown[] {
  if (!Array.isArray(records)) return refuse(`${JSON.stringify(member)} is no array`);
  return records.map((record: unknown, i) => {
    if (!Array.isArray(record)) return record;
    if (record.length !== columns.length)
      return refuse(`row ${i} of ${JSON.stringify(member)} has ${record.length} values for ${columns.length} columns`);
    return rowOf(columns, record);
  });
}

/** Rows of pandas' orientation `split`: `{ "columns": [...], "data": [[...]] }`; without columns in the contract's order. */
export function splitRows(table: unknown, inputs: readonly string[], member: string): readonly unknown[] {
  if (table === null || typeof table !== "object" || Array.isArray(table))
    return refuse(`${JSON.stringify(member)} is no object`);
  const { columns = inputs, data }: { columns?: unknown; data?: unknown } = table;
  if (!isNames(columns)) return refuse(`the columns of ${JSON.stringify(member)} are no distinct names`);
  if (Array.isArray(data) && !data.every(Array.isArray))
    return refuse(`a row of ${JSON.stringify(member)} is no array`);
  return recordRows(data, columns, member);
}

/** Rows of columns: `{ "a": [1, 2], "b": ["x", "y"] }`, all of one length. */
export function columnRows(table: object, member: string): readonly unknown[] {
  const entries = Object.entries(table) as (readonly [string, unknown])[];
  const length = Array.isArray(entries[0]?.[1]) ? entries[0][1].length : 0;
  const columns = entries.map(([, values]) => {
    if (!Array.isArray(values) || values.length !== length)
      return refuse(`the columns of ${JSON.stringify(member)} are no arrays of one length`);
    return values.map((value: unknown) => (Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value));
  });
  const names = entries.map(([name]) => name);
  return Array.from({ length }, (_, row) =>
    rowOf(
      names,
      columns.map((values) => values[row]),
    ),
  );
}

function isNames(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) && value.every((name) => typeof name === "string") && new Set(value).size === value.length
  );
}
