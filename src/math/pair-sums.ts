import { mostColumns, type PairKernel, pairKernel, rowsAtOnce, sumsOfPair } from "./pair-kernel.ts";

/** Fewer are not worth a kernel. */
const fewRows = 8 * rowsAtOnce;

/**
 * Of the columns i < k, over the rows where both have a value, each less its own mean: how many rows, and the sums of x, y, x x,
 * y y and x y.
 */
type PairSums = (i: number, k: number) => ArrayLike<number>;

/** The sums of all pairs. A missing value is NaN. `kernel`: null for the plain way, which gives the same bits. */
export function sumsOfPairs(
  columns: readonly Float64Array[],
  kernel: PairKernel | null = (columns[0]?.length ?? 0) < fewRows || columns.length > mostColumns ? null : pairKernel(),
): PairSums {
  return kernel === null ? plainSums(columns) : kernelSums(kernel, columns);
}

function kernelSums(kernel: PairKernel, columns: readonly Float64Array[]): PairSums {
  const nRows = columns[0]?.length ?? 0;
  const n = columns.length;
  const means = columns.map((column) => kernel.mean(column));
  kernel.clear();
  for (let from = 0; from < nRows; from += rowsAtOnce) {
    const to = Math.min(nRows, from + rowsAtOnce);
    for (let i = 0; i < n; ++i) kernel.set(i, columns[i]!.subarray(from, to), means[i]!);
    for (let i = 0; i < n; ++i) kernel.add(i, n, to - from);
  }
  return (i, k) => kernel.sums(i, k);
}

function plainSums(columns: readonly Float64Array[]): PairSums {
  const nRows = columns[0]?.length ?? 0;
  const n = columns.length;
  const means = columns.map(meanOf);
  const centred = columns.map(() => new Float64Array(rowsAtOnce));
  const present = columns.map(() => new Float64Array(rowsAtOnce));
  const sums = new Float64Array(sumsOfPair * n * n);
  for (let from = 0; from < nRows; from += rowsAtOnce) {
    const to = Math.min(nRows, from + rowsAtOnce);
    for (let i = 0; i < n; ++i) centre(columns[i]!.subarray(from, to), means[i]!, centred[i]!, present[i]!);
    for (let i = 0; i < n; ++i)
      for (let k = i + 1; k < n; ++k)
        addPair(to - from, centred[i]!, present[i]!, centred[k]!, present[k]!, sums, sumsOfPair * (i * n + k));
  }
  return (i, k) => {
    const at = sumsOfPair * (i * n + k);
    return sums.subarray(at, at + sumsOfPair);
  };
}

function meanOf(values: Float64Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < values.length; ++i) {
    const value = values[i]!;
    if (value !== value) continue;
    sum += value;
    ++count;
  }
  return count === 0 ? 0 : sum / count;
}

function centre(values: Float64Array, mean: number, centred: Float64Array, present: Float64Array): void {
  for (let i = 0, n = values.length; i < n; ++i) {
    const value = values[i]!;
    const isPresent = value === value;
    centred[i] = isPresent ? value - mean : 0;
    present[i] = isPresent ? 1 : 0;
  }
}

/** Adds the count of pairs, and their sums of x, y, x x, y y and x y, to `sums` from `at` on. */
function addPair(
  n: number,
  x: Float64Array,
  hasX: Float64Array,
  y: Float64Array,
  hasY: Float64Array,
  sums: Float64Array,
  at: number,
): void {
  let count = 0;
  let sumX = 0;
  let sumY = 0;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < n; ++i) {
    const a = x[i]!;
    const b = y[i]!;
    const hasA = hasX[i]!;
    const hasB = hasY[i]!;
    count += hasA * hasB;
    sumX += a * hasB;
    sumY += b * hasA;
    xx += a * a * hasB;
    yy += b * b * hasA;
    xy += a * b;
  }
  sums[at]! += count;
  sums[at + 1]! += sumX;
  sums[at + 2]! += sumY;
  sums[at + 3]! += xx;
  sums[at + 4]! += yy;
  sums[at + 5]! += xy;
}
