import type { ColumnData, NumberColumnData } from "../frame/column.ts";
import { quantileSorted, withoutNaN } from "../math/quantile.ts";
import { sortFloat64 } from "../math/sort.ts";
import { repeatedTestRows } from "./repeated-rows.ts";
import { possibleRows } from "./value-count.ts";

const nGroups = 4;
const fewestColumns = 4;

/**
 * The share of test rows that are nearly equal to a train row: equal but for a quarter of the columns, or equal once
 * numbers are rounded to a sixtieth of their interquartile range. Each way is tried only where chance alone would hardly
 * make rows equal; null where no way can be tried.
 */
export function nearDuplicateShare(
  columns: readonly ColumnData[],
  train: Uint32Array,
  test: Uint32Array,
): number | null {
  if (columns.length < fewestColumns || test.length === 0) return null;
  const ways = Array.from({ length: nGroups }, (_, group) => columns.filter((_column, i) => i % nGroups !== group));
  const rounded = [0, 0.5].map((offset) => columns.map((column) => roundColumn(column, test, offset)));
  let most: number | null = null;
  for (const way of [...ways, ...rounded]) {
    // Correlated columns make fewer different rows than independent ones, hence the margin.
    if (possibleRows(way, test) < 1e6 * train.length) continue;
    most = Math.max(most ?? 0, repeatedTestRows(way, train, test) / test.length);
  }
  return most;
}

function roundColumn(column: ColumnData, rows: Uint32Array, offset: number): ColumnData {
  if (column.kind !== "number") return column;
  const sorted = sortFloat64(withoutNaN(Float64Array.from(rows, (row) => column.values[row]!)));
  if (sorted.length === 0) return column;
  const width = (quantileSorted(sorted, 0.75) - quantileSorted(sorted, 0.25)) / 60;
  if (!(width > 0)) return column;
  const values = column.values.map((value) => Math.floor(value / width + offset));
  return { kind: "number", values } satisfies NumberColumnData;
}
