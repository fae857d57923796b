import type { Kind } from "../frame/column.ts";
import { sumsOfPairs } from "../math/pair-sums.ts";
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

/**
 * Gives Pearson's r of every two of the columns, i < k, over the rows where both have a value; 0 where it is not defined
 * or these are fewer than 10. One pass of sums: columns are centred on their own mean, which leaves nothing to cancel,
 * and a missing value counts as a 0 that is not counted, so that no row needs a branch.
 */
export function eachCorrelation(
  columns: readonly Float64Array[],
  use: (i: number, k: number, r: number) => void,
): void {
  const sumsOf = sumsOfPairs(columns);
  for (let i = 0; i < columns.length; ++i)
    for (let k = i + 1; k < columns.length; ++k) use(i, k, correlationOf(sumsOf(i, k)));
}

/** Of a column that is constant where the other has values, less is left than rounding makes. */
const leastSpread = 1e-10;

function correlationOf(sums: ArrayLike<number>): number {
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
