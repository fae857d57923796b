import { sortFloat64 } from "./sort.ts";
import { stretch } from "./stretch.ts";

/**
 * Quantile of ascending values without NaN: linear between neighbours (R type 7, the default of R and NumPy).
 * `p` from 0 to 1; NaN for no values.
 */
export function quantileSorted(sorted: Float64Array, p: number): number {
  const n = sorted.length;
  if (n === 0 || !(p >= 0 && p <= 1)) return NaN;
  const position = (n - 1) * p;
  const below = Math.floor(position);
  const a = sorted[below]!;
  if (below === n - 1) return a;
  const b = sorted[below + 1]!;
  const t = position - below;
  if (a === b) return a;
  // from the nearer end, as NumPy does, so that the result is monotonic in p
  return t >= 0.5 ? b - (b - a) * (1 - t) : a + (b - a) * t;
}

/** Quantiles of values in any order, NaN left out; one result for each of `ps`. */
export function quantiles(values: Float64Array, ps: readonly number[]): number[] {
  const present = sortFloat64(withoutNaN(values));
  return ps.map((p) => quantileSorted(present, p));
}

/** A copy of the values that are not NaN, in their order. */
export function withoutNaN(values: Float64Array): Float64Array {
  const out = new Float64Array(values.length);
  let n = 0;
  for (let i = 0; i < values.length; i += stretch) n += keepNumbers(values.subarray(i, i + stretch), out.subarray(n));
  return out.subarray(0, n);
}

function keepNumbers(values: Float64Array, out: Float64Array): number {
  let n = 0;
  for (let i = 0, length = values.length; i < length; ++i) {
    const value = values[i]!;
    out[n] = value;
    n += Number(value === value);
  }
  return n;
}
