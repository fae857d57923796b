import { type NumberKernels, numberKernels, numbersAtOnce } from "./number-kernels.ts";

/** What many numbers are together. */
export interface NumberTotals {
  readonly nMissing: number;
  /** Below `low` or above `high`. */
  readonly nOutside: number;
  /** Infinity of no numbers. */
  readonly min: number;
  /** -Infinity of no numbers. */
  readonly max: number;
  /** Of four sums, of each fourth number, whichever way it is computed. */
  readonly sum: number;
}

/** Fewer are not worth a kernel. */
const fewNumbers = 4 * numbersAtOnce;

/** One pass over numbers; a missing one is NaN. `kernels`: null for the plain way, which gives the same bits. */
export function totalsOf(
  values: Float64Array,
  low: number,
  high: number,
  kernels: NumberKernels | null = values.length < fewNumbers ? null : numberKernels(),
): NumberTotals {
  return kernels === null ? plainTotals(values, low, high) : kernelTotals(kernels, values, low, high);
}

function plainTotals(values: Float64Array, low: number, high: number): NumberTotals {
  const sums = [0, 0, 0, 0];
  const [least, largest] = [
    [Infinity, Infinity],
    [-Infinity, -Infinity],
  ];
  let [nMissing, nOutside] = [0, 0];
  for (let i = 0; i < values.length; ++i) {
    const value = values[i]!;
    if (value !== value) {
      ++nMissing;
      continue;
    }
    if (value < least[i & 1]!) least[i & 1] = value;
    if (value > largest[i & 1]!) largest[i & 1] = value;
    if (value < low || value > high) ++nOutside;
    sums[i & 3]! += value;
  }
  return { nMissing, nOutside, ...together(sums, least, largest) };
}

function kernelTotals(kernels: NumberKernels, values: Float64Array, low: number, high: number): NumberTotals {
  const { sums, least, largest, nMissing, nOutside } = kernels;
  sums.fill(0);
  least.fill(Infinity);
  largest.fill(-Infinity);
  nMissing.fill(0n);
  nOutside.fill(0n);
  let nAdded = 0;
  for (let from = 0; from < values.length; from += numbersAtOnce)
    nAdded += addTotals(kernels, values.subarray(from, from + numbersAtOnce), low, high);
  return {
    nMissing: Number(nMissing[0]! + nMissing[1]!) - nAdded,
    nOutside: Number(nOutside[0]! + nOutside[1]!),
    ...together(sums, least, largest),
  };
}

/** How many missing ones were added to make fours. */
function addTotals(kernels: NumberKernels, some: Float64Array, low: number, high: number): number {
  const n = some.length;
  const end = Math.ceil(n / 4) * 4;
  kernels.numbers.set(some);
  if (end > n) kernels.numbers.fill(NaN, n, end);
  kernels.total(0, 8 * end, low, high);
  return end - n;
}

function together(
  sums: ArrayLike<number>,
  least: ArrayLike<number>,
  largest: ArrayLike<number>,
): Pick<NumberTotals, "min" | "max" | "sum"> {
  return {
    min: least[1]! < least[0]! ? least[1]! : least[0]!,
    max: largest[1]! > largest[0]! ? largest[1]! : largest[0]!,
    sum: sums[0]! + sums[1]! + (sums[2]! + sums[3]!),
  };
}

/** What makes a number plain: finite, from `min` to `max`, and whole where it must be. */
export interface PlainNumber {
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
  /** Whether missing numbers are plain, too. */
  readonly missing: boolean;
}

/**
 * Gives the place of each number that is not plain to `use`, ascending, and says how many missing ones it passed over.
 * `kernels`: null for the plain way.
 */
export function eachIrregular(
  values: Float64Array,
  plain: PlainNumber,
  use: (place: number) => void,
  kernels: NumberKernels | null = values.length < fewNumbers ? null : numberKernels(),
): number {
  const low = Math.max(plain.min, -Number.MAX_VALUE);
  const high = Math.min(plain.max, Number.MAX_VALUE);
  if (kernels !== null) return eachByKernel(kernels, values, { ...plain, min: low, max: high }, use);
  let nPassed = 0;
  for (let i = 0; i < values.length; ++i) {
    const value = values[i]!;
    if (plain.missing && value !== value) ++nPassed;
    else if (!(value >= low && value <= high) || (plain.integer && Math.trunc(value) !== value)) use(i);
  }
  return nPassed;
}

function eachByKernel(
  kernels: NumberKernels,
  values: Float64Array,
  { min, max, integer, missing }: PlainNumber,
  use: (place: number) => void,
): number {
  const { nMissing, passes, list } = kernels;
  nMissing.fill(0n);
  passes.fill(integer ? 0n : -1n, 0, 2).fill(missing ? -1n : 0n, 2, 4);
  for (let from = 0; from < values.length; from += numbersAtOnce) {
    const some = values.subarray(from, from + numbersAtOnce);
    const nListed = listIrregular(kernels, some, min, max);
    for (let i = 0; i < nListed; ++i) use(from + list[i]!);
  }
  return Number(nMissing[0]! + nMissing[1]!);
}

function listIrregular(kernels: NumberKernels, some: Float64Array, min: number, max: number): number {
  const { numbers, list } = kernels;
  const n = some.length;
  numbers.set(some);
  // Numbers are looked at by two: one that is not there may be listed last, and is not missing.
  if (n % 2 === 1) numbers[n] = 0;
  const nListed = kernels.irregular(0, 8 * (n + (n % 2)), min, max);
  return nListed > 0 && list[nListed - 1]! >= n ? nListed - 1 : nListed;
}
