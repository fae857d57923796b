/** Compensated sum (Neumaier): error about one rounding whatever the length. NaN where a value is NaN, 0 for none. */
export function sum(values: Float64Array): number {
  let total = 0;
  let lost = 0;
  // same as: values.reduce((a, b) => a + b, 0), plus what each addition rounded away
  for (let i = 0, n = values.length; i < n; ++i) {
    const x = values[i]!;
    const next = total + x;
    lost += Math.abs(total) >= Math.abs(x) ? total - next + x : x - next + total;
    total = next;
  }
  // an infinite total makes its own correction NaN
  return Number.isFinite(total) ? total + lost : total;
}

/** Compensated sum of a[i] * b[i]. */
export function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  let lost = 0;
  for (let i = 0, n = a.length; i < n; ++i) {
    const x = a[i]! * b[i]!;
    const next = total + x;
    lost += Math.abs(total) >= Math.abs(x) ? total - next + x : x - next + total;
    total = next;
  }
  return Number.isFinite(total) ? total + lost : total;
}

/** Arithmetic mean; NaN for no values. */
export function mean(values: Float64Array): number {
  return sum(values) / values.length;
}

/** Mean with weights (null = all 1); NaN where they sum to 0. */
export function weightedMean(values: Float64Array, weights: Float64Array | null): number {
  return weights === null ? mean(values) : dot(values, weights) / sum(weights);
}

/**
 * Variance in two passes, divided by n - `freedom` (0: of a population, 1: estimate from a sample).
 * NaN where n - freedom is not positive.
 */
export function variance(values: Float64Array, freedom = 0): number {
  const n = values.length;
  if (n - freedom <= 0) return NaN;
  const centre = mean(values);
  let squares = 0;
  let deviations = 0;
  for (let i = 0; i < n; ++i) {
    const d = values[i]! - centre;
    squares += d * d;
    deviations += d;
  }
  // the deviations sum to 0 but for rounding of the mean; taking that off is the "corrected" two-pass formula
  return (squares - (deviations * deviations) / n) / (n - freedom);
}
