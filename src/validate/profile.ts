import type { ColumnData, Kind } from "../frame/column.ts";
import { rowsByCode } from "../frame/code-counts.ts";
import type { Frame } from "../frame/frame.ts";
import { totalsOf } from "../math/number-scan.ts";
import { quantileSorted, withoutNaN } from "../math/quantile.ts";
import { sortFloat64 } from "../math/sort.ts";
import type { SourceType } from "../query/source-type.ts";
import { type Coercion, coercionsOf } from "./coercions.ts";
import { type Correlation, farOut, strongestCorrelations } from "./relations.ts";
import { countRepeatedRows } from "./repeated-rows.ts";
import { evenlySpaced, numbersOf } from "./sample-rows.ts";
import { type ColumnSketch, sketchColumn } from "./sketch.ts";
import { countDistinct } from "./value-count.ts";
import { type WrittenValues, writtenIn } from "./written.ts";

/** What a person wants to know of one column at a glance. */
export interface ColumnProfile {
  readonly column: string;
  readonly kind: Kind;
  readonly nMissing: number;
  /** Different values; of number, timestamp and text columns those among the sampled rows. */
  readonly nDistinct: number;
  /** Number and timestamp columns with a value (timestamps in UTC milliseconds), and text columns by length. */
  readonly spread: Spread | null;
  /** Category and boolean columns: the commonest levels with their rows, at most 10. */
  readonly levels: readonly (readonly [level: string, count: number])[];
  /** Number columns: values more than three interquartile ranges outside of the quartiles. */
  readonly nOutliers: number;
  /** The distribution of the sampled rows; two of them compare or merge without the data. */
  readonly sketch: ColumnSketch;
}

export interface Spread {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Quantiles 0.05, 0.25, 0.5, 0.75 and 0.95 of the sampled rows. */
  readonly quantiles: readonly number[];
  /** Shares of ten bins of equal width between the quantiles 0.01 and 0.99, the tails in the outer bins. */
  readonly histogram: readonly number[];
}

export interface DatasetProfile {
  readonly nRows: number;
  /** Rows that quantiles, histograms and counts of distinct numbers come from; evenly spaced. */
  readonly nSampled: number;
  readonly columns: readonly ColumnProfile[];
  /** The strongest between number columns, over the sampled rows. */
  readonly correlations: readonly Correlation[];
  /** Rows that are equal to an earlier row in every column. */
  readonly nRepeated: number;
  /** What was read as another kind of value than the source holds; profiles of earlier releases do not say. */
  readonly coerced?: readonly Coercion[];
  /** Text columns that seem to hold dates or numbers with units. */
  readonly written?: readonly WrittenValues[];
}

const mostSampled = 100_000;
const mostLevels = 10;
const nBins = 10;

/** Profiles a frame: counts, ranges and means of all rows; quantiles of at most 100,000 evenly spaced ones. `types`: of the source. */
export function profileFrame(frame: Frame, types?: readonly SourceType[]): DatasetProfile {
  const rows = evenlySpaced(frame.nRows, mostSampled);
  const samples: Float64Array[] = [];
  const written: WrittenValues[] = [];
  // All that is asked of a column while it is at hand.
  const columns = frame.columns.map((column, i) => {
    const sample = numbersOf(column, rows);
    samples.push(sample);
    const ways = writtenIn(frame.names[i]!, column, rows);
    if (ways) written.push(ways);
    const sorted = sortFloat64(withoutNaN(sample));
    return { ...profileColumn(frame.names[i]!, column, rows, sorted), sketch: sketchColumn(column, rows, sorted) };
  });
  return {
    nRows: frame.nRows,
    nSampled: rows.length,
    columns,
    correlations: strongestCorrelations(columns, samples),
    nRepeated: countRepeatedRows(frame.columns, frame.nRows),
    written,
    ...(types && { coerced: coercionsOf(types, frame, columns) }),
  };
}

type OwnProfile = Omit<ColumnProfile, "sketch">;

function profileColumn(name: string, column: ColumnData, rows: Uint32Array, sorted: Float64Array): OwnProfile {
  switch (column.kind) {
    case "number":
      return { column: name, kind: "number", levels: [], ...profileNumbers(column.values, sorted) };
    case "timestamp": {
      const found = profileNumbers(column.values, sorted);
      return { column: name, kind: "timestamp", levels: [], ...found, nOutliers: 0 };
    }
    case "text": {
      const { values } = column;
      const lengths = new Float64Array(values.length);
      for (let i = 0; i < lengths.length; ++i) lengths[i] = values[i]?.length ?? NaN;
      const nDistinct = new Set(Array.from(rows, (row) => values[row]).filter((value) => value !== null)).size;
      const found = profileNumbers(lengths, sorted);
      return { column: name, kind: "text", levels: [], ...found, nDistinct, nOutliers: 0 };
    }
    case "boolean": {
      const counts = rowsByCode(column).subarray(1);
      const found = profileLevels(["false", "true"], counts, column.values.length);
      return { column: name, kind: "boolean", spread: null, ...found, nOutliers: 0 };
    }
    case "category": {
      const { codes } = column;
      const found = profileLevels(column.levels, rowsByCode(column).subarray(1), codes.length);
      return { column: name, kind: "category", spread: null, ...found, nOutliers: 0 };
    }
  }
}

function profileLevels(
  levels: readonly string[],
  counts: ArrayLike<number>,
  nRows: number,
): Pick<ColumnProfile, "nMissing" | "nDistinct" | "levels"> {
  const present = levels.map((level, i) => [level, counts[i]!] as const).filter(([, count]) => count > 0);
  let total = 0;
  for (const [, count] of present) total += count;
  const top = present.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, mostLevels);
  return { nMissing: nRows - total, nDistinct: present.length, levels: top };
}

/** One pass over the values, and one over the sorted sample. */
function profileNumbers(
  values: Float64Array,
  sorted: Float64Array,
): Pick<ColumnProfile, "nMissing" | "nDistinct" | "spread" | "nOutliers"> {
  const { low, high } = farOut(sorted);
  const { nMissing, nOutside: nOutliers, min, max, sum } = totalsOf(values, low, high);
  if (nMissing === values.length) return { nMissing, nDistinct: 0, spread: null, nOutliers };
  const mean = sum / (values.length - nMissing);
  const quantiles = sorted.length === 0 ? [] : [0.05, 0.25, 0.5, 0.75, 0.95].map((p) => quantileSorted(sorted, p));
  return {
    nMissing,
    nDistinct: countDistinct(sorted),
    spread: { min, max, mean, quantiles, histogram: binned(sorted) },
    nOutliers,
  };
}

/** Shares of sorted numbers in bins of equal width, each found by halving. */
function binned(sorted: Float64Array): number[] {
  const n = sorted.length;
  if (n === 0) return Array.from({ length: nBins }, () => 0);
  const low = quantileSorted(sorted, 0.01);
  const width = (quantileSorted(sorted, 0.99) - low) / nBins;
  const endOf = (bin: number): number => {
    if (bin === nBins - 1 || !(width > 0)) return n;
    let [at, end] = [0, n];
    while (at < end) {
      const middle = (at + end) >> 1;
      if ((sorted[middle]! - low) / width < bin + 1) at = middle + 1;
      else end = middle;
    }
    return at;
  };
  const ends = Array.from({ length: nBins }, (_, bin) => endOf(bin));
  return ends.map((end, bin) => (end - (bin === 0 ? 0 : ends[bin - 1]!)) / n);
}
