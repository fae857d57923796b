import type { Kind } from "../frame/column.ts";
import { quantileSorted } from "../math/quantile.ts";

/** Two number columns that move together. */
export interface Correlation {
  readonly columns: readonly [string, string];
  /** Pearson's r over the rows where both have a value. */
  readonly r: number;
}

const mostColumns = 60;
const mostShown = 10;
const weakest = 0.5;

/** The strongest correlations between number columns (the first 60) by `samples` of each column, those of |r| >= 0.5, at most 10. */
export function strongestCorrelations(
  columns: readonly { readonly column: string; readonly kind: Kind }[],
  samples: readonly Float64Array[],
): readonly Correlation[] {
  const numbers = columns
    .flatMap(({ column, kind }, i) => (kind === "number" ? [[column, samples[i]!] as const] : []))
    .slice(0, mostColumns);
  const found: Correlation[] = [];
  const names = numbers.map(([name]) => name);
  eachCorrelation(
    numbers.map(([, sample]) => sample),
    (i, k, r) => {
      if (Math.abs(r) >= weakest) found.push({ columns: [names[i]!, names[k]!], r });
    },
  );
  return found.sort((a, b) => Math.abs(b.r) - Math.abs(a.r)).slice(0, mostShown);
}

/** Rows that all pairs look at before the next ones: they stay in the nearest caches. */
const rowsAtOnce = 512;
const sumsOfPair = 6;

/**
 * Gives Pearson's r of every two of the columns, i < k, over the rows where both have a value; 0 where it is not defined
 * or these are fewer than 10. One pass of sums: columns are centred on their own mean, which leaves nothing to cancel,
 * and a missing value counts as a 0 that is not counted, so that no row needs a branch.
 */
export function eachCorrelation(
  columns: readonly Float64Array[],
  use: (i: number, k: number, r: number) => void,
): void {
  const means = columns.map(meanOf);
  const nRows = columns[0]?.length ?? 0;
  const centred = columns.map(() => new Float64Array(rowsAtOnce));
  const present = columns.map(() => new Float64Array(rowsAtOnce));
  const sums = new Float64Array(sumsOfPair * columns.length * columns.length);
  for (let from = 0; from < nRows; from += rowsAtOnce) {
    const to = Math.min(nRows, from + rowsAtOnce);
    for (let i = 0; i < columns.length; ++i)
      centre(columns[i]!.subarray(from, to), means[i]!, centred[i]!, present[i]!);
    for (let i = 0; i < columns.length; ++i)
      for (let k = i + 1; k < columns.length; ++k) {
        const at = sumsOfPair * (i * columns.length + k);
        addPair(to - from, centred[i]!, present[i]!, centred[k]!, present[k]!, sums, at);
      }
  }
  for (let i = 0; i < columns.length; ++i)
    for (let k = i + 1; k < columns.length; ++k)
      use(i, k, correlationOf(sums.subarray(sumsOfPair * (i * columns.length + k))));
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

/** Of a column that is constant where the other has values, less is left than rounding makes. */
const leastSpread = 1e-10;

function correlationOf(sums: Float64Array): number {
  const [n, sumX, sumY, xx, yy, xy] = [sums[0]!, sums[1]!, sums[2]!, sums[3]!, sums[4]!, sums[5]!];
  const spreadX = xx - (sumX * sumX) / n;
  const spreadY = yy - (sumY * sumY) / n;
  if (!(n >= 10 && spreadX > leastSpread * xx && spreadY > leastSpread * yy)) return 0;
  return Math.max(-1, Math.min(1, (xy - (sumX * sumY) / n) / Math.sqrt(spreadX * spreadY)));
}

/**
 * Values below `low` and above `high` lie more than three interquartile ranges outside of the quartiles (Tukey's "far
 * out"). None do where the quartiles are equal.
 */
export function farOut(sorted: Float64Array): { readonly low: number; readonly high: number } {
  const [low, high] = sorted.length === 0 ? [0, 0] : [quantileSorted(sorted, 0.25), quantileSorted(sorted, 0.75)];
  const reach = 3 * (high - low);
  return reach === 0 ? { low: -Infinity, high: Infinity } : { low: low - reach, high: high + reach };
}
