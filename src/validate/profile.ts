import { missingBoolean, missingCode, type ColumnData, type Kind } from "../frame/column.ts";
import type { Frame } from "../frame/frame.ts";
import { formatTimestamp } from "../frame/timestamp.ts";
import { quantileSorted } from "../math/quantile.ts";
import { sortFloat64 } from "../math/sort.ts";
import { evenlySpaced } from "./sample-rows.ts";

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
}

const mostSampled = 100_000;
const mostLevels = 10;
const nBins = 10;

/** Profiles a frame: counts, ranges and means of all rows; quantiles of at most 100,000 evenly spaced ones. */
export function profileFrame(frame: Frame): DatasetProfile {
  const rows = evenlySpaced(frame.nRows, mostSampled);
  const columns = frame.columns.map((column, i) => profileColumn(frame.names[i]!, column, rows));
  return { nRows: frame.nRows, nSampled: rows.length, columns };
}

function profileColumn(name: string, column: ColumnData, rows: Uint32Array): ColumnProfile {
  switch (column.kind) {
    case "number":
    case "timestamp":
      return { column: name, kind: column.kind, levels: [], ...profileNumbers(column.values, rows) };
    case "text": {
      const { values } = column;
      const lengths = Float64Array.from(values, (value) => value?.length ?? NaN);
      const nDistinct = new Set(Array.from(rows, (row) => values[row]).filter((value) => value !== null)).size;
      return { column: name, kind: "text", levels: [], ...profileNumbers(lengths, rows), nDistinct };
    }
    case "boolean": {
      const counts = [0, 0];
      for (const value of column.values) if (value !== missingBoolean) ++counts[value]!;
      return {
        column: name,
        kind: "boolean",
        spread: null,
        ...profileLevels(["false", "true"], counts, column.values.length),
      };
    }
    case "category": {
      const counts = new Uint32Array(column.levels.length);
      const { codes } = column;
      for (let i = 0; i < codes.length; ++i) if (codes[i] !== missingCode) ++counts[codes[i]!]!;
      return { column: name, kind: "category", spread: null, ...profileLevels(column.levels, counts, codes.length) };
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

function profileNumbers(
  values: Float64Array,
  rows: Uint32Array,
): Pick<ColumnProfile, "nMissing" | "nDistinct" | "spread"> {
  let nMissing = 0;
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  for (let i = 0, n = values.length; i < n; ++i) {
    const value = values[i]!;
    if (value !== value) {
      ++nMissing;
      continue;
    }
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  const sample = new Float64Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; ++i) {
    const value = values[rows[i]!]!;
    if (value === value) sample[count++] = value;
  }
  const sorted = sortFloat64(sample.subarray(0, count));
  if (nMissing === values.length) return { nMissing, nDistinct: 0, spread: null };
  const mean = sum / (values.length - nMissing);
  const quantiles = count === 0 ? [] : [0.05, 0.25, 0.5, 0.75, 0.95].map((p) => quantileSorted(sorted, p));
  return {
    nMissing,
    nDistinct: countDistinct(sorted),
    spread: { min, max, mean, quantiles, histogram: binned(sorted) },
  };
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

const bars = " ▁▂▃▄▅▆▇█";
const widestName = 32;
const widestLevel = 20;

/** The lines of a table: column, kind, missing, distinct, and the values' range with a small histogram or the top levels. */
export function renderProfile(profile: DatasetProfile): string[] {
  const header = ["column", "kind", "missing", "distinct", "values"];
  const rows = profile.columns.map((column) => [
    shorten(column.column, widestName),
    column.kind,
    share(column.nMissing, profile.nRows),
    distinct(column, profile),
    describeValues(column, profile.nRows),
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => align(cell, widths[i]!, i))
      .join("  ")
      .trimEnd();
  const lines = [`${group(profile.nRows)} rows, ${profile.columns.length} columns`, line(header), ...rows.map(line)];
  if (profile.nSampled < profile.nRows) {
    lines.push(`Quantiles and distinct numbers are of ${group(profile.nSampled)} evenly spaced rows.`);
  }
  return lines;
}

function align(cell: string, width: number, index: number): string {
  return index === 2 || index === 3 ? cell.padStart(width) : cell.padEnd(width);
}

function distinct(column: ColumnProfile, profile: DatasetProfile): string {
  const isSampled = profile.nSampled < profile.nRows && column.levels.length === 0;
  return `${isSampled && column.nDistinct > 1 ? ">=" : ""}${group(column.nDistinct)}`;
}

function describeValues(column: ColumnProfile, nRows: number): string {
  if (column.levels.length > 0) {
    const shown = column.levels
      .slice(0, 4)
      .map(([level, count]) => `${shorten(level, widestLevel)} ${share(count, nRows)}`);
    return shown.join(", ") + (column.nDistinct > shown.length ? ", ..." : "");
  }
  const spread = column.spread;
  if (!spread) return "";
  const format = column.kind === "timestamp" ? day : significant;
  const range = `${format(spread.min)} to ${format(spread.max)}`;
  const unit = column.kind === "text" ? " characters" : "";
  return `${range}${unit}, median ${format(spread.quantiles[2] ?? NaN)}  ${histogram(spread.histogram)}`;
}

function histogram(shares: readonly number[]): string {
  const most = Math.max(...shares);
  return shares.map((value) => bars[value === 0 ? 0 : Math.max(1, Math.round((value / most) * 8))]).join("");
}

function day(ms: number): string {
  return formatTimestamp(ms).slice(0, 16).replace("T", " ");
}

function significant(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e9 ? group(value) : String(Number(value.toPrecision(5)));
}

function share(count: number, total: number): string {
  if (count === 0) return "0";
  const percent = (100 * count) / total;
  return percent < 0.1 ? "<0.1 %" : `${percent.toFixed(1)} %`;
}

/** Thousands set apart by commas, whatever the machine's language. */
function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Control characters would break the table, and are not harmless on a terminal. */
function shorten(text: string, width: number): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\uFFFD");
  const characters = Array.from(plain);
  return characters.length <= width ? plain : `${characters.slice(0, width - 3).join("")}...`;
}
