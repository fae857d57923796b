import type { Rng } from "../../core/rng.ts";
import { sortFloat64 } from "../../math/sort.ts";
import type { DenseColumn } from "../../model/design.ts";
import { type BoundsFinder, type ColumnSample, type Sampling, placing } from "./kernels/bounds-finder.ts";

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
  const sampling = { nRows, size: rowsSampled(nRows, maxBins), random: advanced(rng.integer(4294967296)) };
  const sample = finder ? finder.open(sampling) : new PlainSample(sampling);
  return {
    add: (some) => sample.add(some),
    finish() {
      const upper = sample.bounds(maxBins);
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
 * Keeps values that are not missing: of all rows, or of one row out of each of `size` equal stretches, placed in
 * its stretch by a linear congruential generator (`placing`): a row costs less than its value's cache miss.
 */
class PlainSample implements ColumnSample {
  readonly #nRows: number;
  readonly #sample: Float64Array;
  /** Values kept. */
  #kept = 0;
  /** Rows that were given, and stretches whose row was. */
  #given = 0;
  #passed = 0;
  #state: number;

  constructor({ nRows, size, random }: Sampling) {
    this.#nRows = nRows;
    this.#sample = new Float64Array(size);
    this.#state = random;
  }

  /** The rows that follow. In locals: V8 takes longer to compile a loop over private members than the loop runs. */
  add(values: Float64Array): void {
    const sample = this.#sample;
    const size = sample.length;
    const given = this.#given;
    const end = given + values.length;
    const stretch = this.#nRows / size;
    let kept = this.#kept;
    let passed = this.#passed;
    let state = this.#state;
    for (; passed < size; ++passed) {
      const row = stretch === 1 ? passed : ((passed + (state >>> 0) / 4294967296) * stretch) >>> 0;
      if (row >= end) break;
      const value = values[row - given]!;
      if (value === value) sample[kept++] = value;
      state = advanced(state);
    }
    this.#kept = kept;
    this.#given = end;
    this.#passed = passed;
    this.#state = state;
  }

  bounds(maxBins: number): Float64Array {
    return boundsOf(sortFloat64(this.#sample.subarray(0, this.#kept)), maxBins);
  }
}

const advanced = (state: number): number => (Math.imul(state, placing.factor) + placing.increment) | 0;

/**
 * Bounds between bins. Few distinct values: one bin each, bounds half-way. Else greedy equal counts: a value that alone
 * fills a bin's share gets its own bin, so that a spike (zeros, say) does not use up the quantiles of the others.
 */
function boundsOf(sorted: Float64Array, maxBins: number): Float64Array {
  return new Float64Array(distinctBounds(sorted, maxBins) ?? equalCountBounds(sorted, maxBins));
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
