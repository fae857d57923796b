import { type Candidate, type SearchRules, type Totals, keep, upperWord } from "./candidate.ts";
import type { Kernels, VectorKernels } from "./kernels/kernels.ts";
import { missingLeftBit, scanEntry, scanState } from "./kernels/scan-state.ts";
import type { KernelShape } from "./kernels/shape.ts";
import type { FeatureBins } from "./plan.ts";
import { routeNumber, unsplitScore } from "./search.ts";
import { unbounded } from "./search-bounded.ts";
import { searchCategory } from "./search-category.ts";
import type { View } from "./view.ts";

/** A leaf to be searched: where its histogram stands and what its rows sum up to. */
export interface SearchedLeaf {
  /** Byte address of its histogram. */
  readonly at: number;
  readonly totals: Totals;
  /** False = not searched; its `best` is left without a split. */
  readonly isOpen: boolean;
  readonly best: Candidate;
}

/** What one thread needs to search: the kernel, its features, its state block and room for a list of them (byte addresses). */
export interface SearchPlace {
  readonly view: View;
  readonly kernels: Kernels;
  readonly state: number;
  readonly list: number;
  readonly shape: KernelShape;
  readonly features: FeatureBins;
  readonly from: number;
  readonly to: number;
}

/** Lists the used features of numbers for `searchPair`, at `place.list`; returns the list's end. */
export function listNumbers({ view, list, shape, features, from, to }: SearchPlace, used: Uint8Array): number {
  let at = list;
  for (let f = from; f < to; ++f) {
    if (used[f] === 0 || features.isCategory[f] === 1) continue;
    view.words[(at + scanEntry.nValues) / 4] = features.nValues[f]!;
    view.words[(at + scanEntry.offset) / 4] = shape.binOffsets[f]! * 16;
    view.words[(at + scanEntry.feature) / 4] = f;
    at += scanEntry.bytes;
  }
  return at;
}

/**
 * As `searchFeatures` of each leaf, without monotone constraints, both leaves of a split at once: one a lane of the
 * vector registers. Finds the same splits with the same sums, bit for bit. `listEnd` is what `listNumbers` returned.
 */
export function searchPair(
  place: SearchPlace,
  { scanFeatures }: VectorKernels,
  used: Uint8Array,
  listEnd: number,
  rules: SearchRules,
  pair: readonly [SearchedLeaf, SearchedLeaf],
): void {
  openState(place, rules, pair);
  scanFeatures(place.list, listEnd, pair[0].at, pair[1].at, place.state, 0);
  for (const leaf of pair) if (leaf.isOpen) searchCategories(place, used, rules, leaf);
  takeNumberSplit(place, pair[0], 0);
  takeNumberSplit(place, pair[1], 1);
}

function searchCategories(place: SearchPlace, used: Uint8Array, rules: SearchRules, leaf: SearchedLeaf): void {
  const { view, shape, features, from, to } = place;
  for (let f = from; f < to; ++f) {
    if (used[f] === 0 || features.isCategory[f] === 0) continue;
    const histogram = { words: view.words, countShift: shape.countShift };
    const at = leaf.at / 4 + shape.binOffsets[f]! * 4;
    searchCategory(histogram, at, f, features.nValues[f]!, leaf.totals, rules, leaf.best);
  }
}

/** What a split must beat and what it may be; no cut of a leaf that is not searched has rows enough. */
function openState(place: SearchPlace, rules: SearchRules, pair: readonly [SearchedLeaf, SearchedLeaf]): void {
  const { view, state } = place;
  const { doubles, words } = view;
  words.fill(0, state / 4, (state + scanState.bytes) / 4);
  for (let lane = 0; lane < 2; ++lane) {
    const { totals, isOpen, best } = pair[lane]!;
    best.score = unsplitScore(totals, rules, unbounded) * (1 + 1e-12);
    best.feature = -1;
    const at = state / 8 + lane;
    const minRows = isOpen ? rules.minRows : Infinity;
    const isPossible = totals.count >= 2 * minRows;
    // Nothing beats that of a leaf that is not searched: none of its cuts is looked at twice.
    doubles[at + scanState.bestScore / 8] = isPossible ? best.score : Infinity;
    words.fill(-1, 2 * at + scanState.bestPosition / 4, 2 * at + scanState.bestPosition / 4 + 2);
    doubles[at + scanState.totalGradient / 8] = totals.gradient;
    doubles[at + scanState.totalHessian / 8] = totals.hessian;
    writePenalties(place, rules, lane);
    writeRowLimits(place, isPossible ? minRows : null, totals.count, 2 * at);
  }
}

/** What is the same for all searches of a tree. */
export function writePenalties({ view: { doubles }, state }: SearchPlace, rules: SearchRules, lane: number): void {
  const at = state / 8 + lane;
  doubles[at + scanState.l1 / 8] = rules.l1;
  doubles[at + scanState.l2 / 8] = rules.l2;
  doubles[at + scanState.minHessian / 8] = rules.minHessian;
}

/** As 64-bit sums of hessian and count whose hessian is 0: the last below `minRows`, the first that leaves fewer; null where no cut has rows enough. */
function writeRowLimits(
  { view: { words }, shape }: SearchPlace,
  minRows: number | null,
  count: number,
  lane: number,
): void {
  const unit = 2 ** (shape.countShift - 32);
  words[lane + scanState.fewestRows / 4] = -1;
  words[lane + scanState.fewestRows / 4 + 1] = minRows === null ? 0x7fff_ffff : minRows * unit - 1;
  words[lane + scanState.mostRows / 4 + 1] = minRows === null ? 0 : (count - minRows + 1) * unit;
}

/** Makes the best cut of a lane the leaf's best split, unless a category's is better; ties go to the lower feature. */
function takeNumberSplit(place: SearchPlace, leaf: SearchedLeaf, lane: number): void {
  const { view, state, shape, features } = place;
  const { doubles, words } = view;
  const { best, totals } = leaf;
  const at = (field: number): number => (state + field) / 8 + lane;
  const position = words[at(scanState.bestPosition) * 2]!;
  if (!leaf.isOpen || position < 0) return;
  const bin = position & (missingLeftBit - 1);
  const feature = featureOf(shape.binOffsets, bin);
  const score = doubles[at(scanState.bestScore)]!;
  if (best.feature >= 0 && (best.score > score || (best.score === score && best.feature < feature))) return;
  const shift = shape.countShift - 32;
  const g = at(scanState.bestGradient) * 2;
  const c = at(scanState.bestHessianCount) * 2;
  const gradient = words[g + 1]! * upperWord + (words[g]! >>> 0);
  const hessian = (words[c + 1]! & (2 ** shift - 1)) * upperWord + (words[c]! >>> 0);
  const count = words[c + 1]! >>> shift;
  const nValues = features.nValues[feature]!;
  const missingAt = leaf.at / 4 + (shape.binOffsets[feature]! + nValues) * 4;
  const hasMissing = words[missingAt + 3]! >>> shift > 0;
  const missingLeft = hasMissing ? Number(position >= missingLeftBit) : Number(2 * count >= totals.count);
  keep(best, score, feature, bin - shape.binOffsets[feature]!, missingLeft, gradient, hessian, count);
  routeNumber(best, nValues);
}

/** The feature that a bin, counted over all features, is one of. */
function featureOf(binOffsets: Uint32Array, bin: number): number {
  let [low, high] = [0, binOffsets.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (binOffsets[middle]! <= bin) low = middle;
    else high = middle;
  }
  return low;
}
