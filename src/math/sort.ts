/*
 * Radix sort of doubles by their IEEE 754 bits. Flipping all bits of negative numbers and the sign bit of the others
 * makes the order of the bits, read as unsigned integers, the order of the numbers. Three stable passes of 11, 11 and
 * 10 bits, least significant first, sort by the high word: sign, exponent and 20 bits of fraction. Few values share
 * that unless they are equal, so the low word is looked at only within runs of equal high words that need it.
 */

/** Below this many values a comparison sort is faster than clearing the counters. */
const RADIX_FROM = 1024;
const DIGITS = 2048;
const digitShifts = [0, 11, 22] as const;
/** Runs up to this length are sorted by insertion. */
const INSERTION_UP_TO = 32;

/** Keys split in words, as the passes move them, and the rows they are of. */
interface Keys {
  low: Uint32Array;
  high: Uint32Array;
  rows: Uint32Array;
}

/**
 * Sorts in place, ascending, NaN last, and returns its argument. -0 stands before 0.
 */
export function sortFloat64(values: Float64Array): Float64Array {
  if (values.length < RADIX_FROM) return values.sort();
  const nNumbers = moveNumbersFirst(values);
  if (nNumbers > 0) sortNumbers(values.subarray(0, nNumbers));
  return values;
}

/** Puts the NaN behind the numbers; returns how many numbers there are. */
function moveNumbersFirst(values: Float64Array): number {
  let kept = 0;
  for (let i = 0; i < values.length; ++i) {
    const value = values[i]!;
    if (value === value) values[kept++] = value;
  }
  values.fill(Number.NaN, kept);
  return kept;
}

/** As `sortKeys` does, but what is moved are the values themselves: the key of a digit is made again in every pass. */
function sortNumbers(values: Float64Array): void {
  const n = values.length;
  const starts = digitStarts(values);
  let from = values;
  let to: Float64Array = new Float64Array(n);
  for (const [pass, shift] of digitShifts.entries()) {
    const own = starts.subarray(pass * DIGITS, (pass + 1) * DIGITS);
    // A digit that all keys share: every other one starts at 0 or at n.
    if (own.every((start) => start === 0 || start === n)) continue;
    moveNumbers(from, to, own, shift);
    [from, to] = [to, from];
  }
  if (from !== values) values.set(from);
  mendRuns(values);
}

/** Where the values of each digit start, of the three digits of the high word one after the other. */
function digitStarts(values: Float64Array): Uint32Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  const counts = new Uint32Array(3 * DIGITS);
  for (let i = 1; i < words.length; i += 2) {
    const word = words[i]!;
    const key = word ^ ((-(word >>> 31) >>> 0) | 0x80000000);
    counts[key & (DIGITS - 1)]! += 1;
    counts[DIGITS + ((key >>> 11) & (DIGITS - 1))]! += 1;
    counts[2 * DIGITS + (key >>> 22)]! += 1;
  }
  for (let digit = 0; digit < 3; ++digit) {
    let start = 0;
    for (let d = digit * DIGITS; d < (digit + 1) * DIGITS; ++d) {
      const count = counts[d]!;
      counts[d] = start;
      start += count;
    }
  }
  return counts;
}

function moveNumbers(from: Float64Array, to: Float64Array, starts: Uint32Array, shift: number): void {
  const words = new Uint32Array(from.buffer, from.byteOffset, 2 * from.length);
  for (let i = 0; i < from.length; ++i) {
    const word = words[2 * i + 1]!;
    const key = word ^ ((-(word >>> 31) >>> 0) | 0x80000000);
    to[starts[(key >>> shift) & (DIGITS - 1)]!++] = from[i]!;
  }
}

/** Sorts values that are in order but within runs of equal high words. */
function mendRuns(values: Float64Array): void {
  for (let i = 1; i < values.length; ++i) {
    const value = values[i]!;
    if (!(value < values[i - 1]!)) continue;
    const last = Math.max(0, i - INSERTION_UP_TO);
    let j = i - 1;
    while (j >= last && values[j]! > value) {
      values[j + 1] = values[j]!;
      --j;
    }
    values[j + 1] = value;
    if (j < last && last > 0) i = sortLongRun(values, last) - 1;
  }
}

/** Sorts the run that the value at `at` is in, and returns its end. */
function sortLongRun(values: Float64Array, at: number): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  const word = words[2 * at + 1]!;
  let start = at;
  while (start > 0 && words[2 * start - 1] === word) --start;
  let end = at + 1;
  while (end < values.length && words[2 * end + 1] === word) ++end;
  values.subarray(start, end).sort();
  return end;
}

/** Row numbers in ascending order of value; equal values (also -0 and 0) keep their order, NaN last. */
export function argsort(values: Float64Array): Uint32Array {
  const n = values.length;
  const rows = new Uint32Array(n);
  for (let i = 0; i < n; ++i) rows[i] = i;
  if (n < RADIX_FROM) return rows.sort((a, b) => compareNumbers(values[a]!, values[b]!) || a - b);
  return sortKeys({ ...keysOf(values), rows }).rows;
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  // equal, or at least one NaN: NaN is the larger
  return (a === a ? 0 : 1) - (b === b ? 0 : 1);
}

/** Bits of each value, flipped so that they sort as unsigned integers. NaN gets the largest key. */
function keysOf(values: Float64Array): Omit<Keys, "rows"> {
  const n = values.length;
  const low = new Uint32Array(n);
  const high = new Uint32Array(n);
  const one = new Float64Array(1);
  const words = new Uint32Array(one.buffer);
  for (let i = 0; i < n; ++i) {
    const x = values[i]! + 0; // turns -0 into 0
    if (x !== x) {
      low[i] = 0xffffffff;
      high[i] = 0xffffffff;
      continue;
    }
    one[0] = x;
    const word = words[1]!;
    const flip = word >>> 31 === 1 ? 0xffffffff : 0;
    low[i] = words[0]! ^ flip;
    high[i] = word ^ (flip | 0x80000000);
  }
  return { low, high };
}

/** Sorts by high word, then by low. */
function sortKeys(keys: Keys): Keys {
  const sorted = sortByWord(keys, "high");
  const { low, high } = sorted;
  const n = high.length;
  let start = 0;
  while (start < n) {
    const word = high[start]!;
    let end = start + 1;
    let isSorted = true;
    while (end < n && high[end] === word) {
      if (low[end]! < low[end - 1]!) isSorted = false;
      ++end;
    }
    if (!isSorted) sortRun(sorted, start, end);
    start = end;
  }
  return sorted;
}

/** Sorts by the low word from start to end, where the high words are equal. */
function sortRun({ low, high, rows }: Keys, start: number, end: number): void {
  if (end - start > INSERTION_UP_TO) {
    const run = { low: low.slice(start, end), high: high.slice(start, end), rows: rows.slice(start, end) };
    const sorted = sortByWord(run, "low");
    low.set(sorted.low, start);
    rows.set(sorted.rows, start);
    return;
  }
  for (let i = start + 1; i < end; ++i) {
    const word = low[i]!;
    const row = rows[i]!;
    let j = i - 1;
    while (j >= start && low[j]! > word) {
      low[j + 1] = low[j]!;
      rows[j + 1] = rows[j]!;
      --j;
    }
    low[j + 1] = word;
    rows[j + 1] = row;
  }
}

/** Sorts by one word, stably. The result stands in `keys` or in new arrays; `keys` is scratch afterwards. */
function sortByWord(keys: Keys, word: "low" | "high"): Keys {
  const n = keys.high.length;
  let from = keys;
  let to: Keys = {
    low: new Uint32Array(n),
    high: new Uint32Array(n),
    rows: new Uint32Array(n),
  };
  const counts = new Uint32Array(DIGITS);
  for (const shift of digitShifts) {
    const digits = from[word];
    if (!countDigits(digits, shift, counts)) continue;
    moveByDigit(from, to, digits, shift, counts);
    [from, to] = [to, from];
  }
  return from;
}

/** Counts each digit and turns counts into start positions; false where all keys share one digit. */
function countDigits(digits: Uint32Array, shift: number, counts: Uint32Array): boolean {
  const n = digits.length;
  counts.fill(0);
  for (let i = 0; i < n; ++i) counts[(digits[i]! >>> shift) & (DIGITS - 1)]! += 1;
  if (counts[(digits[0]! >>> shift) & (DIGITS - 1)] === n) return false;
  let start = 0;
  for (let d = 0; d < DIGITS; ++d) {
    const count = counts[d]!;
    counts[d] = start;
    start += count;
  }
  return true;
}

function moveByDigit(from: Keys, to: Keys, digits: Uint32Array, shift: number, starts: Uint32Array): void {
  const { low, high, rows } = from;
  const lowOut = to.low;
  const highOut = to.high;
  const n = digits.length;
  const rowsOut = to.rows;
  for (let i = 0; i < n; ++i) {
    const at = starts[(digits[i]! >>> shift) & (DIGITS - 1)]!++;
    lowOut[at] = low[i]!;
    highOut[at] = high[i]!;
    rowsOut[at] = rows[i]!;
  }
}
