import type { Frame } from "../frame/frame.ts";
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
export function strongestCorrelations(frame: Frame, samples: readonly Float64Array[]): readonly Correlation[] {
  const numbers = frame.columns
    .flatMap(({ kind }, i) => (kind === "number" ? [[frame.names[i]!, samples[i]!] as const] : []))
    .slice(0, mostColumns);
  const found: Correlation[] = [];
  for (let i = 0; i < numbers.length; ++i) {
    for (let k = i + 1; k < numbers.length; ++k) {
      const r = correlation(numbers[i]![1], numbers[k]![1]);
      if (Math.abs(r) >= weakest) found.push({ columns: [numbers[i]![0], numbers[k]![0]], r });
    }
  }
  return found.sort((a, b) => Math.abs(b.r) - Math.abs(a.r)).slice(0, mostShown);
}

/** Pearson's r by one pass of updated means (Welford); 0 where it is not defined or fewer than 10 pairs are whole. */
export function correlation(x: Float64Array, y: Float64Array): number {
  let n = 0;
  let meanX = 0;
  let meanY = 0;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0, length = x.length; i < length; ++i) {
    const a = x[i]!;
    const b = y[i]!;
    if (a !== a || b !== b) continue;
    ++n;
    const dx = a - meanX;
    const dy = b - meanY;
    meanX += dx / n;
    meanY += dy / n;
    xx += dx * (a - meanX);
    yy += dy * (b - meanY);
    xy += dx * (b - meanY);
  }
  return n >= 10 && xx > 0 && yy > 0 ? Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy))) : 0;
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
