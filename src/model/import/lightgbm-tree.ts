import { type Forest, type ForestNode, addToSet, layTree, mostSetWords, pushEmptySet } from "./forest.ts";
import { type Lines, numbersOf, wholeOf, wholesOf } from "./lightgbm-text.ts";
import { refuse } from "./refusal.ts";

/** By column: the position of each code of a category; null for columns of numbers. */
export type CategorySets = readonly (ReadonlyMap<number, number> | null)[];

const mostLeaves = 1 << 24;
/** LightGBM holds numbers this near to 0 for 0. */
const zero = 1e-35;

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

/** Every node and leaf is reached exactly once or the file is refused. Inner nodes count from 0, leaves follow them. */
export function appendTree(forest: Forest, lines: Lines, categories: CategorySets): void {
  const tree = readTree(lines, categories.length);
  const { nLeaves } = tree;
  const first = forest.feature.length;
  const numberOf = (child: number): number => (child >= 0 ? child : nLeaves - 1 + ~child);
  const nReached = layTree(forest, 2 * nLeaves - 1, numberOf(nLeaves === 1 ? -1 : 0), (node) => {
    if (node < nLeaves - 1) {
      const [left, right] = [numberOf(tree.left[node]!), numberOf(tree.right[node]!)];
      return { ...splitAt(forest, tree, node, categories), left, right, cover: 0 };
    }
    const leaf = node - nLeaves + 1;
    // Counts are the covers of LightGBM's own contributions; one row at least keeps shares of them defined.
    return { value: tree.value[leaf]!, cover: Math.max(1, tree.count[leaf]!) };
  });
  if (nReached < 2 * nLeaves - 1) refuse(`tree ${forest.offsets.length - 1} has nodes no row can reach`);
  const { feature, cover, left, right } = forest;
  for (let node = feature.length - 1; node >= first; --node)
    if (feature[node]! >= 0) cover[node] = cover[left[node]!]! + cover[right[node]!]!;
}

type Split = Omit<Extract<ForestNode, { readonly set: number }>, "left" | "right" | "cover">;

/** Bit 0 of a decision: a category; bit 1: missing goes left; bits 2 and 3: what counts as missing (0 nothing, 1 zero, 2 NaN). */
function splitAt(forest: Forest, tree: TreeLines, node: number, categories: CategorySets): Split {
  const feature = tree.feature[node]!;
  const decision = tree.decision[node]!;
  const gain = Math.max(0, tree.gain[node]!);
  const threshold = tree.threshold[node]!;
  const codes = categories[feature]!;
  if (((decision & 1) === 1) !== (codes !== null))
    refuse(`a split of column ${feature} is of another kind than the column`);
  // Missing and unknown levels go right, whatever bit 1 says.
  if (codes !== null)
    return { feature, threshold: 0, missingLeft: 0, set: pushSet(forest.sets, tree, threshold, codes), gain };
  const defaultLeft = (decision >> 1) & 1;
  const missing = decision >> 2;
  const zeroLeft = threshold >= 0 ? 1 : 0;
  if (missing === 3) refuse("a split knows a fourth way of missing");
  if (missing === 1 && (zeroLeft !== defaultLeft || (threshold >= -zero && threshold < zero)))
    refuse("it sends zero another way than the numbers beside it (zero_as_missing)");
  // Where NaN is not missing, LightGBM reads it as 0.
  return { feature, threshold, missingLeft: missing === 2 ? defaultLeft : zeroLeft, set: -1, gain };
}

/** LightGBM's set of codes as one of positions; returns where it stands. */
function pushSet(sets: number[], tree: TreeLines, number: number, codes: ReadonlyMap<number, number>): number {
  const from = tree.boundaries[number];
  const to = tree.boundaries[number + 1];
  if (from === undefined || to === undefined || from > to || to > tree.words.length)
    return refuse("a category split names a set there is not");
  const at = pushEmptySet(sets, codes.size);
  let nFound = 0;
  for (const [code, position] of codes) {
    const word = from + (code >>> 5);
    if (word >= to || ((tree.words[word]! >>> (code & 31)) & 1) === 0) continue;
    addToSet(sets, at, position);
    nFound += 1;
  }
  let nBits = 0;
  for (let word = from; word < to; ++word)
    for (let rest = tree.words[word]!; rest > 0; rest = Math.floor(rest / 2)) nBits += rest % 2;
  if (nBits !== nFound) refuse("a set holds levels that its column does not list");
  return at;
}
