/**
 * Where numbers count as far out, as plain data: beyond `reach` interquartile ranges outside of the quartiles (Tukey's
 * fences), beyond two quantiles, or outside of a range that is known beforehand.
 */
export type FenceRule =
  | { readonly reach: number }
  | { readonly quantiles: readonly [low: number, high: number] }
  | { readonly range: readonly [low: number, high: number] };

/** What lies between them, both included, is not far out; NaN where there are no numbers to learn them from. */
export interface Fences {
  readonly low: number;
  readonly high: number;
}

/** The fences of a rule; `quantilesOf` is asked only where they are learned. */
export function fencesOf(rule: FenceRule, quantilesOf: (ps: readonly number[]) => readonly number[]): Fences {
  if ("range" in rule) return { low: rule.range[0], high: rule.range[1] };
  if ("quantiles" in rule) {
    const [low, high] = quantilesOf(rule.quantiles);
    return { low: low!, high: high! };
  }
  const [q1, q3] = quantilesOf([0.25, 0.75]) as unknown as [number, number];
  return { low: q1 - rule.reach * (q3 - q1), high: q3 + rule.reach * (q3 - q1) };
}

/** The rule in `given`, an object with nothing but `reach`, `quantiles` or `range`; null where it is none. */
export function fenceRule(given: Readonly<Record<string, unknown>>): FenceRule | null {
  const { reach, quantiles, range } = given;
  if (Object.keys(given).length !== 1) return null;
  if (reach !== undefined)
    return typeof reach === "number" && reach > 0 && reach < Infinity ? Object.freeze({ reach }) : null;
  const pair = (quantiles ?? range) as unknown;
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(Number.isFinite)) return null;
  const [low, high] = pair as [number, number];
  if (low >= high || (quantiles !== undefined && (low < 0 || high > 1))) return null;
  const both = Object.freeze([low, high] as const);
  return Object.freeze(quantiles === undefined ? { range: both } : { quantiles: both });
}
