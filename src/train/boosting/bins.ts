import type { Rng } from "../../core/rng.ts";
import { sortFloat64 } from "../../math/sort.ts";
import type { DenseColumn } from "../../model/design.ts";
import type { BoundsFinder } from "./kernels/bounds-finder.ts";

/**
 * How the values of one column become bins 0..nValues-1, with bin nValues for missing. Numbers: bin b holds the values
 * up to `upper[b]` and above `upper[b - 1]`. Categories: `binOfCode`; a level without a row is treated as missing.
 */
export type ColumnBins =
  | { readonly kind: "number"; readonly nValues: number; readonly upper: Float64Array }
  | { readonly kind: "category"; readonly nValues: number; readonly binOfCode: Uint8Array | Uint16Array };

/** How many rows the bounds of `maxBins` bins are found by; more would move them by less than sampling noise. */
export function rowsSampled(nRows: number, maxBins: number): number {
  return Math.min(nRows, Math.max(100_000, 16 * maxBins));
}

/**
 * Finds the bins of a column; `maxBins` (2 to 65,535) does not count the one for missing. With a `finder` the same in less
 * time, where values are many.
 */
export function findBins(
  column: DenseColumn,
  maxBins: number,
  rng: Rng,
  finder: BoundsFinder | null = null,
): ColumnBins {
  const own = binFinder(column, column.values.length, maxBins, rng, finder);
  own.add(column.values);
  return own.finish();
}

/** Finds the bins of a column of which it is given the values in any number of parts, in the order of the rows. */
export interface BinFinder {
  add(values: Float64Array): void;
  finish(): ColumnBins;
}

/** As `findBins`, of a column of `nRows`. */
export function binFinder(
  { cardinality }: Pick<DenseColumn, "cardinality">,
  nRows: number,
  maxBins: number,
  rng: Rng,
  finder: BoundsFinder | null = null,
): BinFinder {
  if (cardinality > 0) {
    const counts = new Uint32Array(cardinality);
    return { add: (values) => countLevels(values, counts), finish: () => categoryBins(counts, maxBins) };
  }
  const size = rowsSampled(nRows, maxBins);
  const values = finder?.values ?? new Float64Array(size);
  const sample = new Sample(nRows, size, rng, values);
  return {
    add: (some) => sample.add(some),
    finish() {
      const { kept } = sample;
      const upper = finder ? finder.find(kept, maxBins) : boundsOf(sortFloat64(values.subarray(0, kept)), maxBins);
      return { kind: "number", nValues: upper.length + 1, upper };
    },
  };
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
 * Writes values to `sample` that are not missing: of all rows, or of one row out of each of `size` equal stretches, placed in
 * its stretch by a linear congruential generator (Numerical Recipes): a row costs less than its value's cache miss.
 */
class Sample {
  /** Values written. */
  kept = 0;
  readonly #nRows: number;
  readonly #size: number;
  readonly #sample: Float64Array;
  /** Rows that were given, rows that were drawn, and the one drawn last. */
  #given = 0;
  #drawn = 0;
  #next = 0;
  #state: number;

  constructor(nRows: number, size: number, rng: Rng, sample: Float64Array) {
    this.#nRows = nRows;
    this.#size = size;
    this.#sample = sample;
    this.#state = rng.integer(4294967296) | 0;
    this.#draw();
  }

  /** The rows that follow. */
  add(values: Float64Array): void {
    const end = this.#given + values.length;
    while (this.#drawn <= this.#size && this.#next < end) {
      const value = values[this.#next - this.#given]!;
      if (value === value) this.#sample[this.kept++] = value;
      this.#draw();
    }
    this.#given = end;
  }

  #draw(): void {
    const [nRows, size, i] = [this.#nRows, this.#size, this.#drawn++];
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) | 0;
    this.#next = size === nRows ? i : ((i + (this.#state >>> 0) / 4294967296) * (nRows / size)) >>> 0;
  }
}

/**
 * Bounds between bins. Few distinct values: one bin each, bounds half-way. Else greedy equal counts: a value that alone
 * fills a bin's share gets its own bin, so that a spike (zeros, say) does not use up the quantiles of the others.
 */
function boundsOf(sorted: Float64Array, maxBins: number): Float64Array {
  return Float64Array.from(distinctBounds(sorted, maxBins) ?? equalCountBounds(sorted, maxBins));
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

function countLevels(values: Float64Array, counts: Uint32Array): void {
  for (let i = 0; i < values.length; ++i) {
    const code = values[i]!;
    if (code >= 0 && code < counts.length) counts[code]! += 1;
  }
}

/** One bin a level that has rows; beyond `maxBins` the rarest levels share the last. */
function categoryBins(counts: Uint32Array, maxBins: number): ColumnBins {
  const cardinality = counts.length;
  const seen = Array.from(counts.keys()).filter((code) => counts[code]! > 0);
  const own = seen.length <= maxBins ? seen : seen.sort((a, b) => counts[b]! - counts[a]! || a - b);
  const nValues = Math.max(1, Math.min(seen.length, maxBins));
  const binOfCode = (nValues < 256 ? new Uint8Array(cardinality) : new Uint16Array(cardinality)).fill(nValues);
  own.forEach((code, position) => {
    binOfCode[code] = Math.min(position, nValues - 1);
  });
  return { kind: "category", nValues, binOfCode };
}

/** Rows binned at a time. */
const blockRows = 4096;

/**
 * Writes the bins of a column's rows, at most 255 and the one for missing, one after the other from `at`. Yields after each
 * block of rows, so that the caller can let others run.
 */
export function* writeBins({ values }: DenseColumn, bins: ColumnBins, out: Uint8Array, at: number): Generator<void> {
  const write = bins.kind === "number" ? numberWriter(bins, values.length) : categoryWriter(bins);
  for (let from = 0; from < values.length; from += blockRows) {
    write(values, from, Math.min(values.length, from + blockRows), out, at);
    yield;
  }
}

type Writer = (values: Float64Array, from: number, to: number, out: Uint8Array, at: number) => void;

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
  return (values, from, to, out, at) => {
    // Locals: what a closure has caught is read again for every row.
    const [grid, sorted, start, step, last, missing] = [before, bounds, low, scale, cells - 1, nValues];
    for (let row = from; row < to; ++row) {
      const value = values[row]!;
      let position = (value - start) * step;
      if (!(position > 0)) position = 0;
      else if (position > last) position = last;
      let bin = grid[position | 0]!;
      while (sorted[bin]! < value) ++bin;
      out[at + row] = value === value ? bin : missing;
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
  return (values, from, to, out, at) => {
    for (let row = from; row < to; ++row) {
      const value = values[row]!;
      let bin = 0;
      for (let step = half; step > 0; step >>= 1) bin += -Number(upper[bin + step - 1]! < value) & step;
      out[at + row] = value === value ? bin : missing;
    }
  };
}

function categoryWriter({ binOfCode, nValues }: ColumnBins & { kind: "category" }): Writer {
  return (values, from, to, out, at) => {
    for (let row = from; row < to; ++row) out[at + row] = binOfCode[values[row]!] ?? nValues;
  };
}
