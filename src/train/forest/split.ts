import type { Rng } from "../../core/rng.ts";
import { addBin, clearBins, consider, type CutSearch, openSearch } from "./cuts.ts";
import type { ForestKernels } from "./kernels.ts";
import { cutState } from "./memory.ts";
import type { ForestPlan } from "./plan.ts";
import type { ForestView } from "./view.ts";

/** The best split of a node so far. Its score is in the memory; for categories its routes are too. */
export interface Split {
  feature: number;
  /** Last bin on the left of a number split; -1 for categories. */
  bin: number;
  missingLeft: number;
}

/** Tries the cuts of one column, all or one at random, of a node whose bins are summed; whether it holds more than one bin. */
export function searchColumn(
  plan: ForestPlan,
  view: ForestView,
  { cut }: ForestKernels,
  feature: number,
  nRows: number,
  best: Split, // in and out
  rng: Rng,
): boolean {
  const { minRows, random } = plan.settings;
  const missing = plan.nValues[feature]!;
  if (random || plan.isCategory[feature] === 1) {
    const search = openSearch(view, nRows, minRows);
    if (search.bins.length > 1) searchPlainly(plan, search, feature, best, rng);
    clearBins(search);
    return search.bins.length > 1;
  }
  const hasMissing = view.counts[missing]! > 0;
  const before = view.state[cutState.score]!;
  const isMixed = cut(view.places.sums, view.places.state, missing, nRows, minRows) !== 0;
  if (view.state[cutState.score]! > before) keepNumber(best, feature, view, nRows, hasMissing);
  return isMixed;
}

/** Where rows without a value go: where the search found best, or with most rows where there are none to learn from. */
function keepNumber(best: Split, feature: number, { found }: ForestView, nRows: number, hasMissing: boolean): void {
  const bin = found[0]!;
  best.feature = feature;
  best.bin = bin < 0 ? ~bin : bin;
  best.missingLeft = (hasMissing ? bin < 0 : found[1]! * 2 >= nRows) ? 1 : 0;
}

function searchPlainly(plan: ForestPlan, search: CutSearch, feature: number, best: Split, rng: Rng): void {
  const missing = plan.nValues[feature]!;
  const hasMissing = search.view.counts[missing]! > 0;
  if (plan.isCategory[feature] === 0) {
    if (randomCut(plan, search, feature, rng)) keepNumber(best, feature, search.view, search.nRows, hasMissing);
    return;
  }
  const levels = plan.settings.random ? randomLevels(search, rng) : sortedLevels(search);
  if (levels === null) return;
  best.feature = feature;
  best.bin = -1;
  best.missingLeft = routeLevels(levels, search, missing);
}

/** A cut drawn evenly between the lowest and the highest bound that parts the node's values. */
function randomCut(plan: ForestPlan, search: CutSearch, feature: number, rng: Rng): boolean {
  const { bins } = search;
  const missing = plan.nValues[feature]!;
  const last = bins[bins.length - 1] === missing ? bins.length - 2 : bins.length - 1;
  const [lowest, highest] = [bins[0]!, bins[last]!];
  const at = plan.boundsAt[feature]!;
  let cut = lowest;
  if (highest > lowest) {
    const low = plan.bounds[at + lowest]!;
    const limit = low + rng.next() * (plan.bounds[at + highest - 1]! - low);
    while (cut + 1 < highest && plan.bounds[at + cut + 1]! <= limit) ++cut;
  }
  for (let i = 0; i <= last && bins[i]! <= cut; ++i) addBin(search, bins[i]!);
  const isBetter = consider(search, cut);
  if (search.view.counts[missing] === 0) return isBetter;
  addBin(search, missing);
  return consider(search, ~cut) || isBetter;
}

/**
 * Levels, missing among them, in the order of their mean, cut as if they were numbers: the best of all subsets for one
 * output (Fisher 1958); for several the mean of the node's most frequent label orders them. Those on the left, if better.
 */
function sortedLevels(search: CutSearch): readonly number[] | null {
  const { sums, state, outputs } = search.view;
  const ofNode = cutState.totals + 1;
  let k = 0;
  for (let other = 1; other < outputs; ++other) if (state[ofNode + other]! > state[ofNode + k]!) k = other;
  const mean = (bin: number): number => {
    const at = bin * (1 + outputs);
    return sums[at]! > 0 ? sums[at + 1 + k]! / sums[at]! : 0;
  };
  const order = search.bins.toSorted((a, b) => mean(a) - mean(b) || a - b);
  let kept = 0;
  for (let i = 0; i + 1 < order.length; ++i) {
    addBin(search, order[i]!);
    if (consider(search, -1)) kept = i + 1;
  }
  return kept > 0 ? order.slice(0, kept) : null;
}

/** Each level to a side of its own drawing; those on the left, if better. */
function randomLevels(search: CutSearch, rng: Rng): readonly number[] | null {
  const chosen = search.bins.filter(() => rng.next() < 0.5);
  for (const bin of chosen) addBin(search, bin);
  return consider(search, -1) ? chosen : null;
}

/** Writes the routes. Missing rows, and levels not seen in training, go the way of most rows where the node has no missing ones. */
function routeLevels(levels: readonly number[], { view, nRows }: CutSearch, missing: number): number {
  const { routes, counts } = view;
  routes.fill(0);
  let count = 0;
  for (const bin of levels) {
    routes[bin] = 4;
    count += counts[bin]!;
  }
  if (counts[missing] === 0 && count * 2 >= nRows) routes[missing] = 4;
  return routes[missing] === 4 ? 1 : 0;
}
