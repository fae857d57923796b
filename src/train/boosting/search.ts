import {
  type Candidate,
  type HistogramWords,
  type Penalties,
  type SearchRules,
  type Totals,
  keep,
  parentScore,
  shrunk,
  splitScore,
  upperWord,
} from "./candidate.ts";
import type { FeatureBins } from "./plan.ts";
import { boundedScore, searchNumberBounded, type StepBounds, unbounded } from "./search-bounded.ts";
import { searchCategory } from "./search-category.ts";

/**
 * Tries every cut between value bins, with the missing rows on the right, then all again with them on the left. Empty bins
 * repeat the cut before them and are skipped. Ties keep the first: lowest feature, missing right, lowest bin.
 */
export function searchNumber(
  histogram: HistogramWords,
  at: number,
  feature: number,
  nValues: number,
  totals: Totals,
  rules: SearchRules,
  best: Candidate,
): void {
  const { words, countShift } = histogram;
  const shift = countShift - 32;
  const mask = 2 ** shift - 1;
  const { l1, l2, minRows, minHessian } = rules;
  const { gradient: gTotal, hessian: hTotal, count: nTotal } = totals;
  const missingAt = at + nValues * 4;
  const nMissing = words[missingAt + 3]! >>> shift;
  const gMissing = words[missingAt + 1]! * upperWord + (words[missingAt]! >>> 0);
  const hMissing = (words[missingAt + 3]! & mask) * upperWord + (words[missingAt + 2]! >>> 0);
  // With missing rows the cut after the last value bin (values | missing) counts too.
  const last = nMissing > 0 ? nValues : nValues - 1;
  for (let missingLeft = 0; missingLeft <= (nMissing > 0 ? 1 : 0); ++missingLeft) {
    let g = missingLeft * gMissing;
    let h = missingLeft * hMissing;
    let n = missingLeft * nMissing;
    for (let bin = 0, cell = at; bin < last; ++bin, cell += 4) {
      const top = words[cell + 3]!;
      const count = top >>> shift;
      if (count === 0) continue;
      n += count;
      g += words[cell + 1]! * upperWord + (words[cell]! >>> 0);
      h += (top & mask) * upperWord + (words[cell + 2]! >>> 0);
      const hRight = hTotal - h;
      if (nTotal - n < minRows) break;
      if (n < minRows || h < minHessian || hRight < minHessian) continue;
      const tried = splitScore(shrunk(g, l1), h + l2, shrunk(gTotal - g, l1), hRight + l2);
      if (tried <= best.score) continue;
      const isLeft = nMissing > 0 ? missingLeft : Number(2 * n >= nTotal);
      keep(best, tried, feature, bin, isLeft, g, h, n);
    }
  }
}

/** The score of the leaf itself: what a split must beat. */
export function unsplitScore(totals: Totals, penalties: Penalties, bounds: StepBounds): number {
  return bounds.low === -Infinity && bounds.high === Infinity
    ? parentScore(totals, penalties)
    : boundedScore(totals.gradient, totals.hessian, penalties, bounds);
}

/** Searches features `from` to `to` (those in `used`) of one leaf's histogram, whose first word is `at`. */
export function searchFeatures(args: {
  readonly histogram: HistogramWords;
  readonly at: number;
  readonly binOffsets: Uint32Array;
  readonly features: FeatureBins;
  readonly used: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly totals: Totals;
  readonly rules: SearchRules;
  readonly best: Candidate;
  /** Monotone constraints and what they leave to this leaf; null = none. */
  readonly order: { readonly direction: Int8Array; readonly bounds: StepBounds } | null;
}): void {
  const { histogram, at, binOffsets, features, used, totals, rules, best, order } = args;
  best.score = unsplitScore(totals, rules, order?.bounds ?? unbounded) * (1 + 1e-12);
  best.feature = -1;
  for (let f = args.from; f < args.to; ++f) {
    if (used[f] === 0) continue;
    const first = at + binOffsets[f]! * 4;
    const nValues = features.nValues[f]!;
    if (features.isCategory[f] === 1) searchCategory(histogram, first, f, nValues, totals, rules, best);
    else if (order === null) searchNumber(histogram, first, f, nValues, totals, rules, best);
    else {
      const direction = order.direction[f]!;
      searchNumberBounded(histogram, first, f, nValues, totals, rules, best, direction, order.bounds);
    }
  }
  if (best.feature >= 0 && best.bin >= 0) routeNumber(best, features.nValues[best.feature]!);
}

/** Route bytes of a number split, so that every split is applied the same way. */
export function routeNumber(best: Pick<Candidate, "bin" | "missingLeft" | "routes">, nValues: number): void {
  best.routes.fill(0);
  best.routes.fill(4, 0, best.bin + 1);
  best.routes[nValues] = best.missingLeft === 1 ? 4 : 0;
}
