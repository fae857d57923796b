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
const sampleRows = 100_000;

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

/**
 * Values that are not missing, sorted: of all rows, or of one row out of each of `sampleRows` equal stretches, placed in
 * its stretch by a linear congruential generator (Numerical Recipes): a row costs less than its value's cache miss.
 */
function sampleOf(values: Float64Array, rng: Rng): Float64Array {
  const nRows = values.length;
  const size = Math.min(nRows, sampleRows);
  const sample = new Float64Array(size);
  const stretch = nRows / size;
  let state = rng.integer(4294967296) | 0;
  let kept = 0;
  for (let i = 0; i < size; ++i) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const row = size === nRows ? i : ((i + (state >>> 0) / 4294967296) * stretch) >>> 0;
    const value = values[row]!;
    if (value === value) sample[kept++] = value;
  }
  return sortFloat64(sample.subarray(0, kept));
}

/**
 * Bounds between bins. Few distinct values: one bin each, bounds half-way. Else greedy equal counts: a value that alone
 * fills a bin's share gets its own bin, so that a spike (zeros, say) does not use up the quantiles of the others.
 */
function numberBins(sorted: Float64Array, maxBins: number): ColumnBins {
  const upper = distinctBounds(sorted, maxBins) ?? equalCountBounds(sorted, maxBins);
  return { kind: "number", nValues: upper.length + 1, upper: Float64Array.from(upper) };
}

/** Bounds between all distinct values; null where there are more than `maxBins`. */
function distinctBounds(sorted: Float64Array, maxBins: number): number[] | null {
  const upper: number[] = [];
  for (let i = 1; i < sorted.length; ++i) {
    if (sorted[i] === sorted[i - 1]) continue;
    if (upper.length + 1 === maxBins) return null;
    upper.push(between(sorted[i - 1]!, sorted[i]!));
  }
  return upper;
}

function equalCountBounds(sorted: Float64Array, maxBins: number): number[] {
  const upper: number[] = [];
  let start = 0;
  for (let end = runEnd(sorted, 0); end < sorted.length && upper.length < maxBins - 1;) {
    const nextEnd = runEnd(sorted, end);
    const share = (sorted.length - start) / (maxBins - upper.length);
    // Close the bin when it is full, or nearly so before a value that is a bin of its own.
    if (end - start >= share || (nextEnd - end >= share && end - start >= share / 2)) {
      upper.push(between(sorted[end - 1]!, sorted[end]!));
      start = end;
    }
    end = nextEnd;
  }
  return upper;
}

/** The position after the values equal to the one at `from`. */
function runEnd(sorted: Float64Array, from: number): number {
  const value = sorted[from];
  let end = from + 1;
  while (end < sorted.length && sorted[end] === value) ++end;
  return end;
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

/** Writes the bins of rows `fromRow` to `toRow`. Yields after each block of rows, so that the caller can let others run. */
export function* writeBins(
  columns: readonly DenseColumn[],
  bins: readonly ColumnBins[],
  out: BinTarget,
  fromRow: number = 0,
  toRow: number = columns[0]?.values.length ?? 0,
): Generator<number> {
  const nRows = columns[0]?.values.length ?? 0;
  const writers = bins.map((one) => (one.kind === "number" ? numberWriter(one, toRow - fromRow) : categoryWriter(one)));
  for (let from = fromRow; from < toRow; from += blockRows) {
    const to = Math.min(toRow, from + blockRows);
    for (let f = 0; f < columns.length; ++f) {
      const at = out.at + f;
      writers[f]!(columns[f]!.values, from, to, out.bytes, at, out.stride);
      if (out.columnsAt >= 0) copyToColumn(from, to, out.bytes, at, out.stride, out.columnsAt + f * nRows);
    }
    yield to;
  }
}

type Writer = (values: Float64Array, from: number, to: number, out: Uint8Array, at: number, stride: number) => void;

function copyToColumn(from: number, to: number, bytes: Uint8Array, at: number, stride: number, column: number): void {
  for (let row = from, cell = at + from * stride; row < to; ++row, cell += stride) bytes[column + row] = bytes[cell]!;
}

/**
 * Cells of the grid between the first and the last bound: so many that few hold a bound, and whether a value has to step is
 * foreseen; fewer where few rows are to be binned.
 */
const gridCells = (nRows: number): number => (nRows < 65_536 ? 2048 : 16_384);
/** With more bounds than this in a cell, halving beats stepping. */
const mostSteps = 6;

/**
 * Same as `binOf` row by row. A grid over the bounds says how many lie in the cells before a value's own, then steps pass
 * those in its cell: a value in a later cell is larger, since the cell never falls as the value rises.
 */
function numberWriter({ upper, nValues }: ColumnBins & { kind: "number" }, nRows: number): Writer {
  const low = upper[0] ?? 0;
  const cells = gridCells(nRows);
  const scale = (cells - 1) / (upper.at(-1)! - low);
  if (!(scale > 0 && scale < Infinity)) return halvingWriter(upper, nValues);
  const cellOf = (value: number): number => Math.max(0, Math.min(cells - 1, (value - low) * scale)) | 0;
  const before = new Uint8Array(cells + 1);
  for (const bound of upper) before[cellOf(bound) + 1]! += 1;
  if (before.some((count) => count > mostSteps)) return halvingWriter(upper, nValues);
  for (let cell = 1; cell <= cells; ++cell) before[cell]! += before[cell - 1]!;
  const bounds = new Float64Array(upper.length + 1).fill(Infinity);
  bounds.set(upper);
  return (values, from, to, out, at, stride) => {
    // Locals: what a closure has caught is read again for every row.
    const [grid, sorted, start, step, last, missing] = [before, bounds, low, scale, cells - 1, nValues];
    for (let row = from, cell = at + from * stride; row < to; ++row, cell += stride) {
      const value = values[row]!;
      let position = (value - start) * step;
      if (!(position > 0)) position = 0;
      else if (position > last) position = last;
      let bin = grid[position | 0]!;
      while (sorted[bin]! < value) ++bin;
      out[cell] = value === value ? bin : missing;
    }
  };
}

/** Same as `binOf` row by row; eight halvings without a branch over bounds padded with Infinity. */
function halvingWriter(bounds: Float64Array, missing: number): Writer {
  const upper = new Float64Array(256).fill(Infinity);
  upper.set(bounds);
  let width = 1;
  while (width <= bounds.length) width *= 2;
  const half = width >> 1;
  return (values, from, to, out, at, stride) => {
    for (let row = from, cell = at + from * stride; row < to; ++row, cell += stride) {
      const value = values[row]!;
      let bin = 0;
      for (let step = half; step > 0; step >>= 1) bin += -Number(upper[bin + step - 1]! < value) & step;
      out[cell] = value === value ? bin : missing;
    }
  };
}

function categoryWriter({ binOfCode, nValues }: ColumnBins & { kind: "category" }): Writer {
  return (values, from, to, out, at, stride) => {
    for (let row = from, cell = at + from * stride; row < to; ++row, cell += stride) {
      out[cell] = binOfCode[values[row]!] ?? nValues;
    }
  };
}
