import type { ColumnData } from "../frame/column.ts";
import { columnOf, columnsOf, type Frame, takeFromColumn } from "../frame/frame.ts";
import { type FenceRule, fencesOf } from "../math/fences.ts";
import { quantileSorted } from "../math/quantile.ts";
import type { Reason } from "./quarantine.ts";
import { likelyRepeats } from "./repeated-rows.ts";
import { sortedNumbersOf } from "./sample-rows.ts";

/** Which rows of a snapshot are set aside though they satisfy the contract, as plain data. */
export interface RowCleaning {
  /** Rows equal in `by` (null = every column), of which one is kept. null = duplicates stay. */
  readonly duplicates: { readonly by: readonly string[] | null; readonly keep: "first" | "last" } | null;
  /** Number columns whose values far out are set aside or told of. */
  readonly outliers: readonly OutlierRule[];
}

/** Fences are learned on the rows that nothing else sets aside. */
export interface OutlierRule {
  readonly column: string;
  readonly policy: "quarantine" | "warn";
  readonly fences: FenceRule;
}

/** One row to be set aside. */
export interface CleanedRow {
  readonly row: number;
  readonly reason: Reason;
}

/** The rows that cleaning sets aside, of those that are not set aside already. */
export function cleanedRows(frame: Frame, cleaning: RowCleaning, gone: ReadonlySet<number>): readonly CleanedRow[] {
  const rows = rowsWithout(frame, gone);
  const far = farRows(frame, cleaning, "quarantine", rows);
  const left = new Set(far.map(({ row }) => row));
  const rest = left.size === 0 ? rows : rows.filter((row) => !left.has(row));
  return [...far, ...duplicatesOf(frame, cleaning.duplicates, rest)];
}

/** The rows with values far out that stay, and are told of. */
export function warnedRows(frame: Frame, cleaning: RowCleaning, gone: ReadonlySet<number>): readonly CleanedRow[] {
  return farRows(frame, cleaning, "warn", rowsWithout(frame, gone));
}

function rowsWithout(frame: Frame, gone: ReadonlySet<number>): Uint32Array {
  const isGone = new Uint8Array(frame.nRows);
  for (const row of gone) isGone[row] = 1;
  const rows = new Uint32Array(frame.nRows);
  let count = 0;
  for (let row = 0; row < isGone.length; ++row) {
    rows[count] = row;
    count += 1 - isGone[row]!;
  }
  return rows.subarray(0, count);
}

function farRows(frame: Frame, cleaning: RowCleaning, policy: OutlierRule["policy"], rows: Uint32Array): CleanedRow[] {
  const rules = cleaning.outliers.filter((rule) => rule.policy === policy);
  return rules.flatMap(({ column, fences }) => outliersOf(frame, column, fences, rows));
}

function outliersOf(frame: Frame, name: string, rule: FenceRule, rows: Uint32Array): CleanedRow[] {
  const column = columnOf(frame, name);
  if (column.kind !== "number") return [];
  const { values } = column;
  const sorted = sortedNumbersOf(column, rows);
  if (sorted.length === 0) return [];
  const { low, high } = fencesOf(rule, (ps) => ps.map((p) => quantileSorted(sorted, p)));
  const expected = `${low} to ${high}`;
  return Array.from(rows).flatMap((row) => {
    const value = values[row]!;
    if (!(value < low || value > high)) return [];
    return [{ row, reason: { code: "outlier", column: name, expected, actual: String(value) } as const }];
  });
}

function duplicatesOf(frame: Frame, duplicates: RowCleaning["duplicates"], rows: Uint32Array): CleanedRow[] {
  if (duplicates === null) return [];
  const names = duplicates.by ?? frame.names;
  const columns = duplicates.by === null ? frame.columns : columnsOf(frame, names);
  const inOrder = duplicates.keep === "first" ? rows : rows.toReversed();
  const { rows: ordered, keys } = likelyRepeats(columns, frame.nRows, inOrder);
  const compared = columns.map((column) => takeFromColumn(column, ordered));
  /** By key, places in `ordered`. */
  const kept = new Map<number, number[]>();
  const found: CleanedRow[] = [];
  for (let i = 0; i < ordered.length; ++i) {
    const row = ordered[i]!;
    const alike = kept.get(keys[i]!) ?? [];
    const earlier = alike.find((one) => compared.every((column) => isEqual(column, one, i)));
    if (earlier === undefined) kept.set(keys[i]!, [...alike, i]);
    else {
      const expected = duplicates.by === null ? "no equal row" : `no other row of this ${names.join(", ")}`;
      const reason = { code: "duplicate", column: names.length === 1 ? names[0]! : "", expected } as const;
      found.push({ row, reason: { ...reason, actual: `row ${ordered[earlier]! + 1} is kept` } });
    }
  }
  return found;
}

function isEqual(column: ColumnData, a: number, b: number): boolean {
  if (column.kind === "category") return column.codes[a] === column.codes[b];
  const [x, y] = [column.values[a], column.values[b]];
  return x === y || (x !== x && y !== y);
}
