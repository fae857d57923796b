import {
  type Candidate,
  type HistogramWords,
  type Penalties,
  type SearchRules,
  type Totals,
  keep,
  shrunk,
  upperWord,
} from "./candidate.ts";

/** Bounds on the step of a leaf that constrained splits above it set, in quantised units. */
export interface StepBounds {
  readonly low: number;
  readonly high: number;
}

export const unbounded: StepBounds = Object.freeze({ low: -Infinity, high: Infinity });

/** The best step -G / (H + l2) within bounds, G shrunk by l1. */
export function boundedStep(
  gradient: number,
  hessian: number,
  { l1, l2 }: Penalties,
  { low, high }: StepBounds,
): number {
  const divisor = hessian + l2;
  return divisor > 0 ? Math.max(low, Math.min(high, -shrunk(gradient, l1) / divisor)) : 0;
}

/** What a leaf with the best step within bounds takes off the penalised loss, twice: G^2 / (H + l2) where no bound holds it. */
export function boundedScore(gradient: number, hessian: number, penalties: Penalties, bounds: StepBounds): number {
  const step = boundedStep(gradient, hessian, penalties, bounds);
  const { l1, l2 } = penalties;
  return -step * (2 * gradient + (hessian + l2) * step) - 2 * l1 * Math.abs(step);
}

/**
 * As searchNumber, for trees with monotone constraints: leaves take steps within `bounds`, and a split whose left step is
 * above the right one (`direction` 1; below it for -1) is not allowed. Missing values stand outside of the order.
 */
export function searchNumberBounded(
  histogram: HistogramWords,
  at: number,
  feature: number,
  nValues: number,
  totals: Totals,
  rules: SearchRules,
  best: Candidate,
  direction: number,
  bounds: StepBounds,
): void {
  const { words, countShift } = histogram;
  const shift = countShift - 32;
  const mask = 2 ** shift - 1;
  const cellOf = (cell: number): Totals => ({
    gradient: words[cell + 1]! * upperWord + (words[cell]! >>> 0),
    hessian: (words[cell + 3]! & mask) * upperWord + (words[cell + 2]! >>> 0),
    count: words[cell + 3]! >>> shift,
  });
  const missing = cellOf(at + nValues * 4);
  const last = missing.count > 0 ? nValues : nValues - 1;
  const attempt = (bin: number, missingLeft: number, g: number, h: number, n: number): void => {
    const { minRows, minHessian } = rules;
    const hRight = totals.hessian - h;
    if (n < minRows || totals.count - n < minRows || h < minHessian || hRight < minHessian) return;
    const gRight = totals.gradient - g;
    if (direction !== 0 && bin < nValues - 1) {
      const rise = boundedStep(gRight, hRight, rules, bounds) - boundedStep(g, h, rules, bounds);
      if (rise * direction < 0) return;
    }
    const score = boundedScore(g, h, rules, bounds) + boundedScore(gRight, hRight, rules, bounds);
    if (score > best.score) keep(best, score, feature, bin, missingLeft, g, h, n);
  };
  for (let missingLeft = 0; missingLeft <= (missing.count > 0 ? 1 : 0); ++missingLeft) {
    let [g, h, n] = [missing.gradient * missingLeft, missing.hessian * missingLeft, missing.count * missingLeft];
    for (let bin = 0; bin < last; ++bin) {
      const own = cellOf(at + bin * 4);
      if (own.count === 0) continue;
      g += own.gradient;
      h += own.hessian;
      n += own.count;
      attempt(bin, missing.count > 0 ? missingLeft : Number(2 * n >= totals.count), g, h, n);
    }
  }
}
