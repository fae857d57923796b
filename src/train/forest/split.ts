import type { Rng } from "../../core/rng.ts";
import type { ForestPlan } from "./plan.ts";

/** Sums of the rows of one node by bin of one column; `touched` lists the bins with rows, ascending. */
export interface BinSums {
  readonly outputs: number;
  readonly count: Int32Array;
  readonly weight: Float64Array;
  /** `outputs` a bin. */
  readonly sums: Float64Array;
  readonly touched: Int32Array;
  nTouched: number;
}

/** The best split of a node so far; `score` is the sum over sides and outputs of S^2 / W, which splitting raises. */
export interface Split {
  score: number;
  feature: number;
  /** Last bin on the left of a number split; -1 for categories. */
  bin: number;
  missingLeft: number;
  /** 4 where the bin goes left. */
  readonly routes: Uint8Array;
}

/** One side of a cut. */
interface Side {
  count: number;
  weight: number;
  readonly sums: Float64Array;
}

export function createBinSums(outputs: number): BinSums {
  return {
    outputs,
    count: new Int32Array(256),
    weight: new Float64Array(256),
    sums: new Float64Array(256 * outputs),
    touched: new Int32Array(256),
    nTouched: 0,
  };
}

/** Sums the rows rows[from..to) by their bin in column `feature`. */
export function sumBins(
  plan: ForestPlan, // in
  feature: number,
  rows: Uint32Array, // in
  rowWeights: Float64Array, // in, one a row of the dataset
  from: number,
  to: number,
  out: BinSums, // out
): void {
  const { bins, nRows, values, outputs } = plan;
  const { count, weight, sums, touched } = out;
  for (let i = 0; i < out.nTouched; ++i) {
    const bin = touched[i]!;
    count[bin] = 0;
    weight[bin] = 0;
    for (let k = bin * outputs; k < (bin + 1) * outputs; ++k) sums[k] = 0;
  }
  let lowest = 256;
  let highest = -1;
  const column = feature * nRows;
  for (let i = from; i < to; ++i) {
    const row = rows[i]!;
    const bin = bins[column + row]!;
    const own = rowWeights[row]!;
    if (bin < lowest) lowest = bin;
    if (bin > highest) highest = bin;
    count[bin]! += 1;
    weight[bin]! += own;
    if (outputs === 1) sums[bin]! += own * values[row]!;
    else sums[bin * outputs + values[row]!]! += own;
  }
  let n = 0;
  for (let bin = lowest; bin <= highest; ++bin) if (count[bin]! > 0) touched[n++] = bin;
  out.nTouched = n;
}

/** Tries the cuts of one column, all or one at random; whether the column holds more than one bin here. */
export function searchColumn(plan: ForestPlan, feature: number, node: BinSums, best: Split, rng: Rng): boolean {
  if (node.nTouched < 2) return false;
  const search = createSearch(plan, feature, node, best);
  if (plan.isCategory[feature] === 1) {
    if (plan.settings.random) randomLevels(search, rng);
    else sortedLevels(search);
  } else if (plan.settings.random) randomCut(plan, search, rng);
  else everyCut(search);
  return true;
}

interface Search {
  readonly feature: number;
  readonly missing: number;
  readonly node: BinSums;
  readonly best: Split;
  readonly minRows: number;
  readonly total: Side;
  readonly left: Side;
}

function createSearch(plan: ForestPlan, feature: number, node: BinSums, best: Split): Search {
  const side = (): Side => ({ count: 0, weight: 0, sums: new Float64Array(plan.outputs) });
  const total = side();
  for (let i = 0; i < node.nTouched; ++i) add(total, node, node.touched[i]!, 1);
  return { feature, missing: plan.nValues[feature]!, node, best, minRows: plan.settings.minRows, total, left: side() };
}

function add(side: Side, { count, weight, sums, outputs }: BinSums, bin: number, sign: 1 | -1): void {
  side.count += sign * count[bin]!;
  side.weight += sign * weight[bin]!;
  for (let k = 0; k < outputs; ++k) side.sums[k]! += sign * sums[bin * outputs + k]!;
}

/** Keeps the cut with `left` on the left if it is the best; whether it is. */
function consider({ feature, best, minRows, total, left }: Search, bin: number, missingLeft: number): boolean {
  const weight = total.weight - left.weight;
  if (left.count < minRows || total.count - left.count < minRows || !(left.weight > 0) || !(weight > 0)) return false;
  let ofLeft = 0;
  let ofRight = 0;
  for (let k = 0; k < left.sums.length; ++k) {
    const own = left.sums[k]!;
    const rest = total.sums[k]! - own;
    ofLeft += own * own;
    ofRight += rest * rest;
  }
  const score = ofLeft / left.weight + ofRight / weight;
  if (!(score > best.score)) return false;
  best.score = score;
  best.feature = feature;
  best.bin = bin;
  best.missingLeft = missingLeft;
  return true;
}

/** Where rows without a value go: where the search found best, or with most rows where there are none to learn from. */
function considerBothWays(search: Search, bin: number): void {
  const { node, left, total, missing } = search;
  if (node.count[missing] === 0) {
    consider(search, bin, left.count * 2 >= total.count ? 1 : 0);
    return;
  }
  consider(search, bin, 0);
  add(left, node, missing, 1);
  consider(search, bin, 1);
  add(left, node, missing, -1);
}

function everyCut(search: Search): void {
  const { node, left, missing } = search;
  for (let i = 0; i < node.nTouched; ++i) {
    const bin = node.touched[i]!;
    if (bin === missing) break;
    add(left, node, bin, 1);
    considerBothWays(search, bin);
  }
}

/** A cut drawn evenly between the lowest and the highest bound that parts the node's values. */
function randomCut(plan: ForestPlan, search: Search, rng: Rng): void {
  const { node, left, feature, missing } = search;
  const last = node.touched[node.nTouched - 1] === missing ? node.nTouched - 2 : node.nTouched - 1;
  const [lowest, highest] = [node.touched[0]!, node.touched[Math.max(0, last)]!];
  const at = plan.boundsAt[feature]!;
  let cut = lowest;
  if (highest > lowest) {
    const low = plan.bounds[at + lowest]!;
    const limit = low + rng.next() * (plan.bounds[at + highest - 1]! - low);
    while (cut + 1 < highest && plan.bounds[at + cut + 1]! <= limit) ++cut;
  }
  for (let i = 0; i <= last && node.touched[i]! <= cut; ++i) add(left, node, node.touched[i]!, 1);
  considerBothWays(search, cut);
}

/**
 * Levels, missing among them, in the order of their mean, cut as if they were numbers: the best of all subsets for one
 * output (Fisher 1958); for several the mean of the node's most frequent label orders them.
 */
function sortedLevels(search: Search): void {
  const { node, left, total } = search;
  const { sums, weight, outputs } = node;
  let k = 0;
  for (let other = 1; other < outputs; ++other) if (total.sums[other]! > total.sums[k]!) k = other;
  const mean = (bin: number): number => (weight[bin]! > 0 ? sums[bin * outputs + k]! / weight[bin]! : 0);
  const order = Array.from(node.touched.subarray(0, node.nTouched)).sort((a, b) => mean(a) - mean(b) || a - b);
  let kept = 0;
  for (let i = 0; i + 1 < order.length; ++i) {
    add(left, node, order[i]!, 1);
    if (consider(search, -1, 0)) kept = i + 1;
  }
  if (kept > 0) routeLevels(order.slice(0, kept), search);
}

/** Each level to a side of its own drawing. */
function randomLevels(search: Search, rng: Rng): void {
  const { node, left } = search;
  const chosen = Array.from(node.touched.subarray(0, node.nTouched)).filter(() => rng.next() < 0.5);
  for (const bin of chosen) add(left, node, bin, 1);
  if (consider(search, -1, 0)) routeLevels(chosen, search);
}

/** Missing rows, and levels not seen in training, go the way of most rows where the node has no missing ones. */
function routeLevels(bins: readonly number[], { best, missing, node, total }: Search): void {
  best.routes.fill(0);
  let count = 0;
  for (const bin of bins) {
    best.routes[bin] = 4;
    count += node.count[bin]!;
  }
  if (node.count[missing] === 0 && count * 2 >= total.count) best.routes[missing] = 4;
  best.missingLeft = best.routes[missing] === 4 ? 1 : 0;
}
