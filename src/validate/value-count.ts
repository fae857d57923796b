import { missingBoolean, missingCode, type ColumnData } from "../frame/column.ts";
import { sortedNumbersOf } from "./sample-rows.ts";

export interface ValueCount {
  readonly nPresent: number;
  readonly nDistinct: number;
}

/** How many of `rows` have a value, and how many different ones. */
export function valuesOf(column: ColumnData, rows: Uint32Array): ValueCount {
  switch (column.kind) {
    case "number":
    case "timestamp": {
      const sorted = sortedNumbersOf(column, rows);
      return { nPresent: sorted.length, nDistinct: countDistinct(sorted) };
    }
    case "boolean":
      return count(rows, (row) => (column.values[row] === missingBoolean ? null : column.values[row]!));
    case "category":
      return count(rows, (row) => (column.codes[row] === missingCode ? null : column.codes[row]!));
    case "text":
      return count(rows, (row) => column.values[row] ?? null);
  }
}

/** How many different numbers there are among sorted ones. */
export function countDistinct(sorted: Float64Array): number {
  let count = 0;
  for (let i = 0; i < sorted.length; ++i) if (i === 0 || sorted[i] !== sorted[i - 1]) ++count;
  return count;
}

function count(rows: Uint32Array, valueAt: (row: number) => string | number | null): ValueCount {
  const seen = new Set<string | number>();
  let nPresent = 0;
  for (const row of rows) {
    const value = valueAt(row);
    if (value === null) continue;
    ++nPresent;
    seen.add(value);
  }
  return { nPresent, nDistinct: seen.size };
}

const longText = 20;

/** How many different rows the columns could make if they were independent; whole sentences do not repeat by chance. */
export function possibleRows(columns: readonly ColumnData[], rows: Uint32Array): number {
  let nPossible = 1;
  for (const column of columns) {
    if (column.kind === "text" && meanLength(column.values, rows) >= longText) return Infinity;
    nPossible *= Math.max(1, valuesOf(column, rows).nDistinct);
  }
  return nPossible;
}

function meanLength(values: readonly (string | null)[], rows: Uint32Array): number {
  let total = 0;
  for (const row of rows) total += values[row]?.length ?? 0;
  return total / Math.max(1, rows.length);
}

/** Whether a column's name says "identifier": `customer_id`, `customerID`, `uuid`, but not `paid`. */
export function isIdentifierName(name: string): boolean {
  return /(^|[_\W])(id|uuid|guid|key|index)$/i.test(name) || /[a-z](ID|Id|Key)$/.test(name);
}

const fewRows = 50;

/**
 * Whether a column names rows instead of describing them: a category of which nearly every value is different, or whole
 * numbers all different that are called an identifier or count upward from row to row.
 */
export function looksLikeIdentifier(name: string, column: ColumnData, { nPresent, nDistinct }: ValueCount): boolean {
  if (nPresent < fewRows) return false;
  if (column.kind === "category") return nDistinct > (isIdentifierName(name) ? 0.5 : 0.95) * nPresent;
  if (column.kind !== "number" || nDistinct < nPresent) return false;
  if (!column.values.every((value) => value !== value || Number.isInteger(value))) return false;
  return isIdentifierName(name) || climbs(column.values);
}

function climbs(values: Float64Array): boolean {
  for (let i = 1; i < values.length; ++i) if (values[i] !== values[i - 1]! + 1) return false;
  return true;
}
