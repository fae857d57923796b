import type { FeatureBins, Settings } from "./plan.ts";
import type { Scales } from "./loss.ts";

/** Sums over the rows of a leaf, in quantised units (exact whole numbers). */
export interface Totals {
  readonly gradient: number;
  readonly hessian: number;
  readonly count: number;
}

/**
 * The best split found so far; overwritten by better ones. `score` is the part of the gain that depends on the split:
 * GL^2 / (HL + l2) + GR^2 / (HR + l2), in quantised units; -1 = none. A number split has `bin` >= 0 (left: bins up to
 * it); a category split has bin -1 and its left bins in `routes`.
 */
export interface Candidate {
  score: number;
  feature: number;
  bin: number;
  missingLeft: number;
  gradient: number;
  hessian: number;
  count: number;
  /** 256 bytes: 4 where the bin goes left. */
  readonly routes: Uint8Array;
}

/** Limits and penalties in quantised units. */
export interface SearchRules {
  readonly l2: number;
  readonly minRows: number;
  readonly minHessian: number;
  readonly category: CategoryRules;
}

/**
 * Categories are sorted by gradient / (hessian + smoothing) and cut as if they were numbers (Fisher 1958; smoothing,
 * penalty and limits as in LightGBM), which finds the best subset without trying all of them.
 */
export interface CategoryRules {
  readonly smoothing: number;
  readonly l2: number;
  /** Levels with fewer rows are never sent left; groups between two tried cuts have at least `minGroup` rows. */
  readonly minLevelRows: number;
  readonly minGroup: number;
  /** Most levels on the left side. */
  readonly maxLevels: number;
  /** Up to so many levels each is tried against the rest instead. */
  readonly oneVersusRest: number;
}

const minHessian = 1e-3;

/** Smoothing and penalty are in rows of hessian 1, as the peers have them; `hessian` is the scale of the sums. */
export function searchRules(settings: Settings, scales: Scales, meanWeight: number): SearchRules {
  return {
    l2: settings.l2 * scales.hessian,
    minRows: settings.minRows,
    minHessian: minHessian * meanWeight * scales.hessian,
    category: {
      smoothing: 10 * scales.hessian,
      l2: 10 * scales.hessian,
      minLevelRows: Math.min(10, settings.minRows),
      minGroup: settings.minRows,
      maxLevels: 64,
      oneVersusRest: 4,
    },
  };
}

export function emptyCandidate(): Candidate {
  return {
    score: -1,
    feature: -1,
    bin: -1,
    missingLeft: 0,
    gradient: 0,
    hessian: 0,
    count: 0,
    routes: new Uint8Array(256),
  };
}

/** A histogram as 32-bit words: four a bin (see KernelShape.countShift). */
export interface HistogramWords {
  readonly words: Int32Array;
  readonly countShift: number;
}

const high = 4294967296;

/**
 * Tries every cut between value bins, with missing rows on the right, then on the left. Empty bins repeat the cut before
 * them and are skipped. Ties keep the first: lowest feature, lowest bin, missing right.
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
  const { l2, minRows, minHessian } = rules;
  const { gradient: gTotal, hessian: hTotal, count: nTotal } = totals;
  const missingAt = at + nValues * 4;
  const nMissing = words[missingAt + 3]! >>> shift;
  const gMissing = words[missingAt + 1]! * high + (words[missingAt]! >>> 0);
  const hMissing = (words[missingAt + 3]! & mask) * high + (words[missingAt + 2]! >>> 0);
  // With missing rows the cut after the last value bin (values | missing) counts too.
  const last = nMissing > 0 ? nValues : nValues - 1;
  let g = 0;
  let h = 0;
  let n = 0;
  let { score } = best;
  for (let bin = 0, cell = at; bin < last; ++bin, cell += 4) {
    const top = words[cell + 3]!;
    const count = top >>> shift;
    if (count === 0) continue;
    n += count;
    g += words[cell + 1]! * high + (words[cell]! >>> 0);
    h += (top & mask) * high + (words[cell + 2]! >>> 0);
    const nRight = nTotal - n;
    if (nRight < minRows) break;
    const gRight = gTotal - g;
    const hRight = hTotal - h;
    if (n >= minRows && h >= minHessian && hRight >= minHessian) {
      const tried = (g * g) / (h + l2) + (gRight * gRight) / (hRight + l2);
      if (tried > score) {
        score = tried;
        keep(best, score, feature, bin, nMissing > 0 ? 0 : n >= nRight ? 1 : 0, g, h, n);
      }
    }
    if (nMissing === 0) continue;
    const hLeft = h + hMissing;
    const gLeft = g + gMissing;
    if (n + nMissing < minRows || nRight - nMissing < minRows || hLeft < minHessian || hTotal - hLeft < minHessian)
      continue;
    const tried = (gLeft * gLeft) / (hLeft + l2) + ((gTotal - gLeft) * (gTotal - gLeft)) / (hTotal - hLeft + l2);
    if (tried > score) {
      score = tried;
      keep(best, score, feature, bin, 1, gLeft, hLeft, n + nMissing);
    }
  }
}

function keep(
  best: Candidate,
  score: number,
  feature: number,
  bin: number,
  missingLeft: number,
  gradient: number,
  hessian: number,
  count: number,
): void {
  best.score = score;
  best.feature = feature;
  best.bin = bin;
  best.missingLeft = missingLeft;
  best.gradient = gradient;
  best.hessian = hessian;
  best.count = count;
}

/** Bins of a category feature with their sums, decoded; reused from search to search. */
interface LevelSums {
  readonly gradient: Float64Array;
  readonly hessian: Float64Array;
  readonly count: Float64Array;
  readonly key: Float64Array;
  readonly order: Uint16Array;
}

const levels: LevelSums = {
  gradient: new Float64Array(256),
  hessian: new Float64Array(256),
  count: new Float64Array(256),
  key: new Float64Array(256),
  order: new Uint16Array(256),
};

/** Tries subsets of a category's bins, the missing bin being one of them. */
export function searchCategory(
  histogram: HistogramWords,
  at: number,
  feature: number,
  nValues: number,
  totals: Totals,
  rules: SearchRules,
  best: Candidate,
): void {
  const nUsed = sortLevels(histogram, at, nValues, rules.category);
  if (nUsed.present < 2) return;
  if (nUsed.present <= rules.category.oneVersusRest) {
    searchOneVersusRest(feature, nUsed.kept, totals, rules, best);
  } else {
    searchSorted(feature, nUsed.kept, 1, totals, rules, best);
    searchSorted(feature, nUsed.kept, -1, totals, rules, best);
  }
  if (best.feature !== feature) return;
  // Without a missing row to learn from, missing goes where most rows go.
  const nMissing = histogram.words[at + nValues * 4 + 3]! >>> (histogram.countShift - 32);
  if (nMissing === 0 && best.count * 2 >= totals.count) best.routes[nValues] = 4;
  best.missingLeft = best.routes[nValues] === 4 ? 1 : 0;
}

/** Decodes the bins and sorts those with enough rows by smoothed mean gradient; ties by bin (insertion is stable). */
function sortLevels(
  histogram: HistogramWords,
  at: number,
  nValues: number,
  rules: CategoryRules,
): { present: number; kept: number } {
  const { words, countShift } = histogram;
  const { gradient, hessian, count, key, order } = levels;
  const shift = countShift - 32;
  const mask = 2 ** shift - 1;
  let present = 0;
  let kept = 0;
  for (let bin = 0, cell = at; bin <= nValues; ++bin, cell += 4) {
    const n = words[cell + 3]! >>> shift;
    if (n > 0) ++present;
    if (n === 0 || n < rules.minLevelRows) continue;
    count[bin] = n;
    gradient[bin] = words[cell + 1]! * high + (words[cell]! >>> 0);
    hessian[bin] = (words[cell + 3]! & mask) * high + (words[cell + 2]! >>> 0);
    const own = gradient[bin]! / (hessian[bin]! + rules.smoothing);
    key[bin] = own;
    let place = kept++;
    for (; place > 0 && key[order[place - 1]!]! > own; --place) order[place] = order[place - 1]!;
    order[place] = bin;
  }
  return { present, kept };
}

function searchOneVersusRest(feature: number, kept: number, totals: Totals, rules: SearchRules, best: Candidate): void {
  const { minRows, minHessian, l2 } = rules;
  for (let i = 0; i < kept; ++i) {
    const bin = levels.order[i]!;
    const g = levels.gradient[bin]!;
    const h = levels.hessian[bin]!;
    const n = levels.count[bin]!;
    const gRight = totals.gradient - g;
    const hRight = totals.hessian - h;
    if (n < minRows || totals.count - n < minRows || h < minHessian || hRight < minHessian) continue;
    const tried = (g * g) / (h + l2) + (gRight * gRight) / (hRight + l2);
    if (tried <= best.score) continue;
    keep(best, tried, feature, -1, 0, g, h, n);
    best.routes.fill(0);
    best.routes[bin] = 4;
  }
}

/** Cuts the sorted bins from one end (`direction` 1: lowest first, -1: highest first). */
function searchSorted(
  feature: number,
  kept: number,
  direction: 1 | -1,
  totals: Totals,
  rules: SearchRules,
  best: Candidate,
): void {
  const { minRows, minHessian } = rules;
  const { minGroup, maxLevels } = rules.category;
  const l2 = rules.l2 + rules.category.l2;
  const most = Math.min(maxLevels, (kept + 1) >> 1);
  const start = direction === 1 ? 0 : kept - 1;
  let g = 0;
  let h = 0;
  let n = 0;
  let group = 0;
  let bestLength = 0;
  for (let length = 1; length <= most; ++length) {
    const bin = levels.order[start + (length - 1) * direction]!;
    g += levels.gradient[bin]!;
    h += levels.hessian[bin]!;
    n += levels.count[bin]!;
    group += levels.count[bin]!;
    const hRight = totals.hessian - h;
    if (totals.count - n < Math.max(minRows, minGroup) || hRight < minHessian) break;
    if (n < minRows || h < minHessian || group < minGroup) continue;
    group = 0;
    const gRight = totals.gradient - g;
    const tried = (g * g) / (h + l2) + (gRight * gRight) / (hRight + l2);
    if (tried <= best.score) continue;
    keep(best, tried, feature, -1, 0, g, h, n);
    bestLength = length;
  }
  if (bestLength === 0) return;
  best.routes.fill(0);
  for (let i = 0; i < bestLength; ++i) best.routes[levels.order[start + i * direction]!] = 4;
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
}): void {
  const { histogram, at, binOffsets, features, used, totals, rules, best } = args;
  best.score = parentScore(totals, rules.l2) * (1 + 1e-12);
  best.feature = -1;
  for (let f = args.from; f < args.to; ++f) {
    if (used[f] === 0) continue;
    const search = features.isCategory[f] === 1 ? searchCategory : searchNumber;
    search(histogram, at + binOffsets[f]! * 4, f, features.nValues[f]!, totals, rules, best);
  }
  if (best.feature >= 0 && best.bin >= 0) routeNumber(best, features.nValues[best.feature]!);
}

/** G^2 / (H + l2) of the leaf itself: what a split must beat. */
export function parentScore(totals: Totals, l2: number): number {
  const divisor = totals.hessian + l2;
  return divisor > 0 ? (totals.gradient * totals.gradient) / divisor : 0;
}

/** Route bytes of a number split, so that every split is applied the same way. */
function routeNumber(best: Candidate, nValues: number): void {
  best.routes.fill(0);
  best.routes.fill(4, 0, best.bin + 1);
  best.routes[nValues] = best.missingLeft === 1 ? 4 : 0;
}
