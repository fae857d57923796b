import type { TreesPredictor } from "../predictor.ts";
import { type Lines, numbersOf, wholeOf, wholesOf } from "./lightgbm-text.ts";
import { refuse } from "./refusal.ts";

/** By column: the position of each code of a category; null for columns of numbers. */
export type CategorySets = readonly (ReadonlyMap<number, number> | null)[];

/** The node table while trees are appended. */
export interface Forest {
  readonly offsets: number[];
  readonly feature: number[];
  readonly threshold: number[];
  readonly missingLeft: number[];
  readonly categoryOffset: number[];
  readonly left: number[];
  readonly right: number[];
  readonly value: number[];
  readonly gain: number[];
  readonly cover: number[];
  readonly sets: number[];
}

const mostLeaves = 1 << 24;
const mostSetWords = 1 << 24;
/** LightGBM holds numbers this near to 0 for 0. */
const zero = 1e-35;

export function emptyForest(): Forest {
  return {
    offsets: [],
    feature: [],
    threshold: [],
    missingLeft: [],
    categoryOffset: [],
    left: [],
    right: [],
    value: [],
    gain: [],
    cover: [],
    sets: [],
  };
}

export function tableOf(forest: Forest): Omit<TreesPredictor, "kind" | "link" | "outputs" | "base" | "treeOutput"> {
  return {
    treeOffsets: Uint32Array.from(forest.offsets),
    feature: Int32Array.from(forest.feature),
    threshold: Float64Array.from(forest.threshold),
    missingLeft: Uint8Array.from(forest.missingLeft),
    categoryOffset: Int32Array.from(forest.categoryOffset),
    left: Int32Array.from(forest.left),
    right: Int32Array.from(forest.right),
    value: Float64Array.from(forest.value),
    gain: Float64Array.from(forest.gain),
    cover: Float64Array.from(forest.cover),
    categorySets: Uint32Array.from(forest.sets),
  };
}

/** A tree as its lines say: inner nodes by number, leaf k as child ~k. */
interface TreeLines {
  readonly nLeaves: number;
  readonly feature: Float64Array;
  readonly gain: Float64Array;
  readonly threshold: Float64Array;
  readonly decision: Float64Array;
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly value: Float64Array;
  readonly count: Float64Array;
  readonly boundaries: Float64Array;
  readonly words: Float64Array;
}

/** A tree of one leaf has no lines but its value. */
const none = new Float64Array(0);
const noSplits = {
  feature: none,
  gain: none,
  threshold: none,
  decision: none,
  left: none,
  right: none,
  boundaries: none,
  words: none,
};

function readTree(lines: Lines, nFeatures: number): TreeLines {
  const nLeaves = wholeOf(lines, "num_leaves", 1, mostLeaves);
  if (lines.has("is_linear") && wholeOf(lines, "is_linear", 0, 1) === 1) refuse("its leaves are linear models");
  const nCategorySplits = wholeOf(lines, "num_cat", 0, nLeaves - 1);
  const n = nLeaves - 1;
  const value = numbersOf(lines, "leaf_value", nLeaves);
  const count = n === 0 ? new Float64Array(1) : wholesOf(lines, "leaf_count", nLeaves, 0, Number.MAX_SAFE_INTEGER);
  if (n === 0) return { ...noSplits, nLeaves, value, count };
  const boundaries =
    nCategorySplits === 0 ? none : wholesOf(lines, "cat_boundaries", nCategorySplits + 1, 0, mostSetWords);
  const nWords = boundaries.at(-1) ?? 0;
  return {
    nLeaves,
    value,
    count,
    boundaries,
    words: nWords === 0 ? none : wholesOf(lines, "cat_threshold", nWords, 0, 2 ** 32 - 1),
    feature: wholesOf(lines, "split_feature", n, 0, nFeatures - 1),
    gain: numbersOf(lines, "split_gain", n),
    threshold: numbersOf(lines, "threshold", n, true),
    decision: wholesOf(lines, "decision_type", n, 0, 15),
    left: wholesOf(lines, "left_child", n, -nLeaves, n - 1),
    right: wholesOf(lines, "right_child", n, -nLeaves, n - 1),
  };
}

/** A node or leaf still to be laid out, and where its parent stands (-1 for the root). */
interface Branch {
  readonly child: number;
  readonly parent: number;
  readonly side: "left" | "right";
}

/**
 * Lays a tree out from its root, each node before its children. Every node and leaf is reached exactly once or the file
 * is refused, so that no walk goes round in a circle.
 */
export function appendTree(forest: Forest, lines: Lines, categories: CategorySets): void {
  const tree = readTree(lines, categories.length);
  const first = forest.feature.length;
  forest.offsets.push(first);
  const stack: Branch[] = [];
  const isSeen = new Uint8Array(2 * tree.nLeaves - 1);
  const parents: number[] = [];
  let next: Branch | undefined = { child: tree.nLeaves === 1 ? -1 : 0, parent: -1, side: "left" };
  for (; next; next = stack.pop()) {
    const { child, parent, side }: Branch = next;
    const place = child >= 0 ? child : tree.nLeaves - 1 + ~child;
    if (isSeen[place] === 1) refuse(`tree ${forest.offsets.length - 1} reaches a node twice`);
    isSeen[place] = 1;
    const at = forest.feature.length;
    parents.push(parent);
    if (parent >= 0) forest[side][parent] = at;
    if (child < 0) {
      // Counts are the covers of LightGBM's own contributions; one row at least keeps shares of them defined.
      pushNode(forest, { feature: -1, threshold: 0, missingLeft: 0, set: -1, gain: 0 });
      forest.value[at] = tree.value[~child]!;
      forest.cover[at] = Math.max(1, tree.count[~child]!);
      continue;
    }
    pushSplit(forest, tree, child, categories);
    stack.push({ child: tree.right[child]!, parent: at, side: "right" });
    stack.push({ child: tree.left[child]!, parent: at, side: "left" });
  }
  if (isSeen.includes(0)) refuse(`tree ${forest.offsets.length - 1} has nodes no row can reach`);
  for (let i = parents.length - 1; i > 0; --i) forest.cover[parents[i]!]! += forest.cover[first + i]!;
}

interface NodeParts {
  readonly feature: number;
  readonly threshold: number;
  readonly missingLeft: number;
  readonly set: number;
  readonly gain: number;
}

function pushNode(forest: Forest, { feature, threshold, missingLeft, set, gain }: NodeParts): void {
  forest.feature.push(feature);
  forest.threshold.push(threshold);
  forest.missingLeft.push(missingLeft);
  forest.categoryOffset.push(set);
  forest.left.push(-1);
  forest.right.push(-1);
  forest.value.push(0);
  forest.gain.push(gain);
  forest.cover.push(0);
}

/** Bit 0 of a decision: a category; bit 1: missing goes left; bits 2 and 3: what counts as missing (0 nothing, 1 zero, 2 NaN). */
function pushSplit(forest: Forest, tree: TreeLines, node: number, categories: CategorySets): void {
  const feature = tree.feature[node]!;
  const decision = tree.decision[node]!;
  const gain = Math.max(0, tree.gain[node]!);
  const threshold = tree.threshold[node]!;
  const codes = categories[feature]!;
  if (((decision & 1) === 1) !== (codes !== null))
    refuse(`a split of column ${feature} is of another kind than the column`);
  if (codes !== null) {
    // Missing and unknown levels go right, whatever bit 1 says.
    pushNode(forest, {
      feature,
      threshold: 0,
      missingLeft: 0,
      set: pushSet(forest.sets, tree, threshold, codes),
      gain,
    });
    return;
  }
  const defaultLeft = (decision >> 1) & 1;
  const missing = decision >> 2;
  const zeroLeft = threshold >= 0 ? 1 : 0;
  if (missing === 3) refuse("a split knows a fourth way of missing");
  if (missing === 1 && (zeroLeft !== defaultLeft || (threshold >= -zero && threshold < zero)))
    refuse("it sends zero another way than the numbers beside it (zero_as_missing)");
  // Where NaN is not missing, LightGBM reads it as 0.
  pushNode(forest, { feature, threshold, missingLeft: missing === 2 ? defaultLeft : zeroLeft, set: -1, gain });
}

/** LightGBM's set of codes as one of positions; returns where it stands. */
function pushSet(sets: number[], tree: TreeLines, number: number, codes: ReadonlyMap<number, number>): number {
  const from = tree.boundaries[number];
  const to = tree.boundaries[number + 1];
  if (from === undefined || to === undefined || from > to || to > tree.words.length)
    return refuse("a category split names a set there is not");
  const at = sets.length;
  const nWords = Math.ceil(codes.size / 32);
  if (at + nWords > mostSetWords) refuse("its sets of levels are too large");
  for (let word = 0; word < nWords; ++word) sets.push(0);
  let nFound = 0;
  for (const [code, position] of codes) {
    const word = from + (code >>> 5);
    if (word >= to || ((tree.words[word]! >>> (code & 31)) & 1) === 0) continue;
    sets[at + (position >> 5)]! |= 1 << (position & 31);
    nFound += 1;
  }
  let nBits = 0;
  for (let word = from; word < to; ++word)
    for (let rest = tree.words[word]!; rest > 0; rest = Math.floor(rest / 2)) nBits += rest % 2;
  if (nBits !== nFound) refuse("a set holds levels that its column does not list");
  return at;
}
