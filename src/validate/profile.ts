import { missingBoolean, type ColumnData, type Kind } from "../frame/column.ts";
import type { Frame } from "../frame/frame.ts";
import { quantileSorted, withoutNaN } from "../math/quantile.ts";
import { sortFloat64 } from "../math/sort.ts";
import type { SourceType } from "../query/source-type.ts";
import { type Coercion, coercionsOf } from "./coercions.ts";
import { type Correlation, farOut, strongestCorrelations } from "./relations.ts";
import { countRepeatedRows } from "./repeated-rows.ts";
import { evenlySpaced, numbersOf } from "./sample-rows.ts";
import { type ColumnSketch, sketchColumn } from "./sketch.ts";
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
  const samples = frame.columns.map((column) => numbersOf(column, rows));
  const columns = frame.columns.map((column, i) => ({
    ...profileColumn(frame.names[i]!, column, rows, samples[i]!),
    sketch: sketchColumn(column, rows, samples[i]!),
  }));
  return {
    nRows: frame.nRows,
    nSampled: rows.length,
    columns,
    correlations: strongestCorrelations(frame, samples),
    nRepeated: countRepeatedRows(frame.columns, frame.nRows),
    written: frame.columns.flatMap((column, i) => writtenIn(frame.names[i]!, column, rows) ?? []),
    ...(types && { coerced: coercionsOf(types, frame, columns) }),
  };
}

type OwnProfile = Omit<ColumnProfile, "sketch">;

function profileColumn(name: string, column: ColumnData, rows: Uint32Array, sample: Float64Array): OwnProfile {
  switch (column.kind) {
    case "number":
      return { column: name, kind: "number", levels: [], ...profileNumbers(column.values, sample) };
    case "timestamp": {
      const found = profileNumbers(column.values, sample);
      return { column: name, kind: "timestamp", levels: [], ...found, nOutliers: 0 };
    }
    case "text": {
      const { values } = column;
      const lengths = new Float64Array(values.length);
      for (let i = 0; i < lengths.length; ++i) lengths[i] = values[i]?.length ?? NaN;
      const nDistinct = new Set(Array.from(rows, (row) => values[row]).filter((value) => value !== null)).size;
      const found = profileNumbers(lengths, sample);
      return { column: name, kind: "text", levels: [], ...found, nDistinct, nOutliers: 0 };
    }
    case "boolean": {
      const counts = countCodes(column.values, missingBoolean + 1);
      const found = profileLevels(["false", "true"], counts, column.values.length);
      return { column: name, kind: "boolean", spread: null, ...found, nOutliers: 0 };
    }
    case "category": {
      const { codes } = column;
      const found = profileLevels(column.levels, countCodes(codes, column.levels.length), codes.length);
      return { column: name, kind: "category", spread: null, ...found, nOutliers: 0 };
    }
  }
}

/** Rows by code, of codes below `nCodes`; that of a missing level is none. */
function countCodes(codes: Uint8Array | Int32Array, nCodes: number): Uint32Array {
  const counts = new Uint32Array(nCodes);
  for (let from = 0; from < codes.length; from += stretch) addCounts(codes.subarray(from, from + stretch), counts);
  return counts;
}

function addCounts(codes: Uint8Array | Int32Array, counts: Uint32Array): void {
  for (let i = 0, n = codes.length; i < n; ++i) {
    const code = codes[i]!;
    if (code >= 0) counts[code]! += 1;
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
  sample: Float64Array,
): Pick<ColumnProfile, "nMissing" | "nDistinct" | "spread" | "nOutliers"> {
  const sorted = sortFloat64(withoutNaN(sample));
  const { low, high } = farOut(sorted);
  const total: Totals = { nMissing: 0, nOutliers: 0, min: Infinity, max: -Infinity, sum: 0 };
  for (let from = 0; from < values.length; from += stretch)
    addTotals(values.subarray(from, from + stretch), low, high, total);
  const { nMissing, nOutliers, min, max, sum } = total;
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

interface Totals {
  nMissing: number;
  nOutliers: number;
  min: number;
  max: number;
  sum: number;
}

/** Values at a time: a loop that is called often is compiled after a few of them, one that is called once runs long before. */
const stretch = 8_192;

function addTotals(values: Float64Array, low: number, high: number, total: Totals): void {
  let { nMissing, nOutliers, min, max, sum } = total;
  for (let i = 0, n = values.length; i < n; ++i) {
    const value = values[i]!;
    if (value !== value) {
      ++nMissing;
      continue;
    }
    if (value < min) min = value;
    if (value > max) max = value;
    if (value < low || value > high) ++nOutliers;
    sum += value;
  }
  total.nMissing = nMissing;
  total.nOutliers = nOutliers;
  total.min = min;
  total.max = max;
  total.sum = sum;
}

function countDistinct(sorted: Float64Array): number {
  let count = 0;
  for (let i = 0; i < sorted.length; ++i) if (i === 0 || sorted[i] !== sorted[i - 1]) ++count;
  return count;
}

function binned(sorted: Float64Array): number[] {
  const shares = Array.from({ length: nBins }, () => 0);
  if (sorted.length === 0) return shares;
  const low = quantileSorted(sorted, 0.01);
  const width = (quantileSorted(sorted, 0.99) - low) / nBins;
  for (const value of sorted) {
    const bin = width > 0 ? Math.floor((value - low) / width) : 0;
    shares[Math.min(nBins - 1, Math.max(0, bin))]! += 1 / sorted.length;
  }
  return shares;
}
