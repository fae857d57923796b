import type { ColumnData, NumberColumnData } from "../frame/column.ts";
import { columnList, takeFromColumn } from "../frame/frame.ts";
import { quantileSorted } from "../math/quantile.ts";
import { repeatedTestRows } from "./repeated-rows.ts";
import { sortedNumbersOf } from "./sample-rows.ts";
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
  const ofTest = columns.map((column) => takeFromColumn(column, test));
  const places = Uint32Array.from(test.keys());
  const widths = ofTest.map((column) => roundingWidth(column, places));
  let most: number | null = null;
  for (const { members, offset } of waysOf(columns.length)) {
    const seen = (column: ColumnData, i: number): ColumnData =>
      offset === null ? column : roundColumn(column, widths[i]!, offset);
    const sample = members.map((i) => seen(ofTest[i]!, i));
    // Correlated columns make fewer different rows than independent ones, hence the margin.
    if (possibleRows(sample, places) < 1e6 * train.length) continue;
    const way = columnList(members.length, (k) => seen(columns[members[k]!]!, members[k]!));
    most = Math.max(most ?? 0, repeatedTestRows(way, train, test) / test.length);
  }
  return most;
}

/** Which columns are compared, as they are or, with an offset, rounded. */
interface Way {
  readonly members: readonly number[];
  readonly offset: number | null;
}

function waysOf(nColumns: number): readonly Way[] {
  const all = Array.from({ length: nColumns }, (_, i) => i);
  const without = Array.from({ length: nGroups }, (_, group) => all.filter((i) => i % nGroups !== group));
  return [
    ...without.map((members) => ({ members, offset: null })),
    ...[0, 0.5].map((offset) => ({ members: all, offset })),
  ];
}

/** A sixtieth of the interquartile range; 0 where nothing is rounded. */
function roundingWidth(column: ColumnData, rows: Uint32Array): number {
  if (column.kind !== "number") return 0;
  const sorted = sortedNumbersOf(column, rows);
  return sorted.length === 0 ? 0 : (quantileSorted(sorted, 0.75) - quantileSorted(sorted, 0.25)) / 60;
}

function roundColumn(column: ColumnData, width: number, offset: number): ColumnData {
  if (column.kind !== "number" || !(width > 0)) return column;
  const values = column.values.map((value) => Math.floor(value / width + offset));
  return { kind: "number", values } satisfies NumberColumnData;
}
