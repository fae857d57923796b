import { argsort } from "../../math/sort.ts";
import {
  type Candidate,
  type CategoryRules,
  type HistogramWords,
  type SearchRules,
  type Totals,
  keep,
  shrunk,
  splitScore,
  upperWord,
} from "./candidate.ts";

/** Bins of a category feature with their sums, decoded; reused from search to search. */
interface LevelSums {
  readonly gradient: Float64Array;
  readonly hessian: Float64Array;
  readonly count: Float64Array;
  readonly key: Float64Array;
  readonly order: Uint16Array;
}

let levels = roomFor(256);

function roomFor(nBins: number): LevelSums {
  return {
    gradient: new Float64Array(nBins),
    hessian: new Float64Array(nBins),
    count: new Float64Array(nBins),
    key: new Float64Array(nBins),
    order: new Uint16Array(nBins),
  };
}

/** Up to so many bins are sorted by insertion, which is quick for few and slow for many. */
const mostInserted = 256;

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
  if (nValues >= levels.order.length) levels = roomFor(2 * (nValues + 1));
  const { gradient, hessian, count, key, order } = levels;
  const isInserted = nValues < mostInserted;
  const shift = countShift - 32;
  const mask = 2 ** shift - 1;
  let present = 0;
  let kept = 0;
  for (let bin = 0, cell = at; bin <= nValues; ++bin, cell += 4) {
    const n = words[cell + 3]! >>> shift;
    if (n > 0) ++present;
    if (n === 0 || n < rules.minLevelRows) continue;
    count[bin] = n;
    gradient[bin] = words[cell + 1]! * upperWord + (words[cell]! >>> 0);
    hessian[bin] = (words[cell + 3]! & mask) * upperWord + (words[cell + 2]! >>> 0);
    const own = gradient[bin]! / (hessian[bin]! + rules.smoothing);
    key[bin] = own;
    let place = kept++;
    for (; isInserted && place > 0 && key[order[place - 1]!]! > own; --place) order[place] = order[place - 1]!;
    order[place] = bin;
  }
  if (!isInserted) sortByKey(order.subarray(0, kept), key);
  return { present, kept };
}

/** Bins that ascend, by their keys; ties stay in their order. */
function sortByKey(bins: Uint16Array, key: Float64Array): void {
  const ascending = bins.slice();
  const places = argsort(Float64Array.from(ascending, (bin) => key[bin]!));
  for (let i = 0; i < bins.length; ++i) bins[i] = ascending[places[i]!]!;
}

function searchOneVersusRest(feature: number, kept: number, totals: Totals, rules: SearchRules, best: Candidate): void {
  const { minRows, minHessian, l1, l2 } = rules;
  for (let i = 0; i < kept; ++i) {
    const bin = levels.order[i]!;
    const g = levels.gradient[bin]!;
    const h = levels.hessian[bin]!;
    const n = levels.count[bin]!;
    const gRight = totals.gradient - g;
    const hRight = totals.hessian - h;
    if (n < minRows || totals.count - n < minRows || h < minHessian || hRight < minHessian) continue;
    const tried = splitScore(shrunk(g, l1), h + l2, shrunk(gRight, l1), hRight + l2);
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
  const { minRows, minHessian, l1 } = rules;
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
    const tried = splitScore(shrunk(g, l1), h + l2, shrunk(gRight, l1), hRight + l2);
    if (tried <= best.score) continue;
    keep(best, tried, feature, -1, 0, g, h, n);
    bestLength = length;
  }
  if (bestLength === 0) return;
  best.routes.fill(0);
  for (let i = 0; i < bestLength; ++i) best.routes[levels.order[start + i * direction]!] = 4;
}
