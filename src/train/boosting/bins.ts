import type { Rng } from "../../core/rng.ts";
import { sortFloat64 } from "../../math/sort.ts";
import type { DenseColumn } from "../../model/design.ts";

/**
 * How the values of one column become bins 0..nValues-1, with bin nValues for missing. Numbers: bin b holds the values
 * up to `upper[b]` and above `upper[b - 1]`. Categories: `binOfCode`; a level without a row is treated as missing.
 */
export type ColumnBins =
  | { readonly kind: "number"; readonly nValues: number; readonly upper: Float64Array }
  | { readonly kind: "category"; readonly nValues: number; readonly binOfCode: Uint8Array };

/** Rows looked at for the bounds of number bins; more would move them by less than sampling noise. */
const sampleRows = 200_000;

/** Finds the bins of a column; `maxBins` (2 to 255) does not count the one for missing. */
export function findBins(column: DenseColumn, maxBins: number, rng: Rng): ColumnBins {
  if (column.cardinality > 0) return categoryBins(column.values, column.cardinality, maxBins);
  return numberBins(sampleOf(column.values, rng), maxBins);
}

/** The bin of one value. */
export function binOf(bins: ColumnBins, value: number): number {
  if (value !== value) return bins.nValues;
  return bins.kind === "number" ? lowerBound(bins.upper, value) : (bins.binOfCode[value] ?? bins.nValues);
}

/** Number of bounds below `value`: the position of the first bound that is not. */
function lowerBound(upper: Float64Array, value: number): number {
  let low = 0;
  let size = upper.length;
  while (size > 0) {
    const half = size >> 1;
    if (upper[low + half]! < value) {
      low += half + 1;
      size -= half + 1;
    } else size = half;
  }
  return low;
}

/** Values that are not missing, sorted: of all rows, or of one row out of each of `sampleRows` equal stretches. */
function sampleOf(values: Float64Array, rng: Rng): Float64Array {
  const nRows = values.length;
  const size = Math.min(nRows, sampleRows);
  const sample = new Float64Array(size);
  let kept = 0;
  for (let i = 0; i < size; ++i) {
    const row = size === nRows ? i : Math.floor(((i + rng.next()) * nRows) / size);
    const value = values[row]!;
    if (value === value) sample[kept++] = value;
  }
  return sortFloat64(sample.slice(0, kept));
}

/**
 * Bounds between bins. Few distinct values: one bin each, bounds half-way. Else greedy equal counts: a value that alone
 * fills a bin's share gets its own bin, so that a spike (zeros, say) does not use up the quantiles of the others.
 */
function numberBins(sorted: Float64Array, maxBins: number): ColumnBins {
  const { values, counts } = distinct(sorted);
  const upper: number[] = [];
  if (values.length <= maxBins) {
    for (let i = 0; i + 1 < values.length; ++i) upper.push(between(values[i]!, values[i + 1]!));
  } else {
    let restRows = sorted.length;
    let restBins = maxBins;
    let filled = 0;
    for (let i = 0; i + 1 < values.length && restBins > 1; ++i) {
      filled += counts[i]!;
      const share = restRows / restBins;
      // Close the bin when it is full, or nearly so before a value that is a bin of its own.
      if (filled < share && !(counts[i + 1]! >= share && filled >= share / 2)) continue;
      upper.push(between(values[i]!, values[i + 1]!));
      restRows -= filled;
      restBins -= 1;
      filled = 0;
    }
  }
  return { kind: "number", nValues: upper.length + 1, upper: Float64Array.from(upper) };
}

function distinct(sorted: Float64Array): { values: Float64Array; counts: Uint32Array } {
  const values = new Float64Array(sorted.length);
  const counts = new Uint32Array(sorted.length);
  let n = 0;
  for (let i = 0; i < sorted.length; ++i) {
    if (n === 0 || sorted[i] !== values[n - 1]) values[n++] = sorted[i]!;
    counts[n - 1]! += 1;
  }
  return { values: values.subarray(0, n), counts: counts.subarray(0, n) };
}

/** A bound with low <= bound < high: half-way where arithmetic allows it. */
function between(low: number, high: number): number {
  const middle = low + (high - low) / 2;
  return middle >= low && middle < high ? middle : low;
}

/** One bin a level that has rows; beyond `maxBins` the rarest levels share the last. */
function categoryBins(values: Float64Array, cardinality: number, maxBins: number): ColumnBins {
  const counts = new Uint32Array(cardinality);
  for (let i = 0; i < values.length; ++i) {
    const code = values[i]!;
    if (code >= 0 && code < cardinality) counts[code]! += 1;
  }
  const seen = Array.from(counts.keys()).filter((code) => counts[code]! > 0);
  const own = seen.length <= maxBins ? seen : seen.sort((a, b) => counts[b]! - counts[a]! || a - b);
  const nValues = Math.max(1, Math.min(seen.length, maxBins));
  const binOfCode = new Uint8Array(cardinality).fill(nValues);
  own.forEach((code, position) => {
    binOfCode[code] = Math.min(position, nValues - 1);
  });
  return { kind: "category", nValues, binOfCode };
}

/** Rows binned at a time, so that their records stay in the cache while the columns pass by. */
const blockRows = 4096;

/** Where bins go: feature f of row r to `at + f + r * stride`, and to `columnsAt + f * nRows + r` too unless that is -1. */
export interface BinTarget {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly stride: number;
  readonly columnsAt: number;
}

/** Writes the bins of `columns`. Yields after each block of rows, so that the caller can let others run. */
export function* writeBins(
  columns: readonly DenseColumn[],
  bins: readonly ColumnBins[],
  out: BinTarget,
): Generator<number> {
  const nRows = columns[0]?.values.length ?? 0;
  for (let from = 0; from < nRows; from += blockRows) {
    const to = Math.min(nRows, from + blockRows);
    for (let f = 0; f < columns.length; ++f) {
      const one = bins[f]!;
      const at = out.at + f;
      if (one.kind === "number") writeNumberBins(columns[f]!.values, one, from, to, out.bytes, at, out.stride);
      else writeCategoryBins(columns[f]!.values, one, from, to, out.bytes, at, out.stride);
      if (out.columnsAt >= 0) copyToColumn(from, to, out.bytes, at, out.stride, out.columnsAt + f * nRows);
    }
    yield to;
  }
}

function copyToColumn(from: number, to: number, bytes: Uint8Array, at: number, stride: number, column: number): void {
  for (let row = from, cell = at + from * stride; row < to; ++row, cell += stride) bytes[column + row] = bytes[cell]!;
}

/** Same as `binOf` row by row; eight halvings without a branch over bounds padded with Infinity. */
function writeNumberBins(
  values: Float64Array,
  bins: ColumnBins & { kind: "number" },
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
  stride: number,
): void {
  const upper = new Float64Array(256).fill(Infinity);
  upper.set(bins.upper);
  let width = 1;
  while (width <= bins.upper.length) width *= 2;
  const half = width >> 1;
  const missing = bins.nValues;
  for (let row = from, cell = at + from * stride; row < to; ++row, cell += stride) {
    const value = values[row]!;
    let bin = 0;
    for (let step = half; step > 0; step >>= 1) bin += -Number(upper[bin + step - 1]! < value) & step;
    out[cell] = value === value ? bin : missing;
  }
}

function writeCategoryBins(
  values: Float64Array,
  bins: ColumnBins & { kind: "category" },
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
  stride: number,
): void {
  const { binOfCode, nValues } = bins;
  for (let row = from, cell = at + from * stride; row < to; ++row, cell += stride) {
    out[cell] = binOfCode[values[row]!] ?? nValues;
  }
}
