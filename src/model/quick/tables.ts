import type { TreesPredictor } from "../predictor.ts";
import { boundsLength, mostLeaves } from "./records.ts";

/** A split with the leaves it closes for rows that go right: those of its left side, neighbours in the tree's order. */
export interface QuickSplit {
  readonly tree: number;
  readonly node: number;
  readonly firstLeaf: number;
  readonly endLeaf: number;
}

/** The splits of a predictor by what they ask: QuickScorer's order (Lucchese et al. 2015), feature by feature. */
export interface QuickTables {
  /** Ascending bounds of each feature of numbers, and its splits by rank of their bound: missing goes right, missing goes left. */
  readonly numbers: readonly {
    readonly feature: number;
    readonly bounds: Float64Array;
    readonly splits: readonly [right: readonly QuickSplit[], left: readonly QuickSplit[]];
  }[];
  readonly categories: readonly { readonly feature: number; readonly splits: readonly QuickSplit[] }[];
  /** Leaf values, `mostLeaves` a tree. */
  readonly values: Float64Array;
}

/** The tables of a predictor; null where a tree has more leaves, or a feature more bounds, than the kernels take. */
export function tabulate(trees: TreesPredictor): QuickTables | null {
  const splits: QuickSplit[] = [];
  const values = new Float64Array(trees.treeOffsets.length * mostLeaves);
  for (const [tree, root] of trees.treeOffsets.entries()) {
    const leaves = leavesOf(trees, tree, root, splits);
    if (leaves === null) return null;
    values.set(leaves, tree * mostLeaves);
  }
  const byFeature = new Map<number, QuickSplit[]>();
  for (const split of splits) {
    const feature = trees.feature[split.node]!;
    const own = byFeature.get(feature);
    if (own) own.push(split);
    else byFeature.set(feature, [split]);
  }
  const features = Array.from(byFeature.entries());
  const isCategory = ([, own]: [number, QuickSplit[]]): boolean => trees.categoryOffset[own[0]!.node]! >= 0;
  const numbers = features.filter((entry) => !isCategory(entry)).map(([feature, own]) => rankedOf(trees, feature, own));
  if (numbers.some(({ bounds }) => bounds.length >= boundsLength - 1)) return null;
  const categories = features.filter(isCategory).map(([feature, own]) => ({ feature, splits: own }));
  return { numbers, categories, values };
}

function rankedOf(trees: TreesPredictor, feature: number, own: readonly QuickSplit[]): QuickTables["numbers"][number] {
  const limit = ({ node }: QuickSplit): number => trees.threshold[node]!;
  const sorted = own.toSorted((a, b) => limit(a) - limit(b));
  const bounds = Float64Array.from(new Set(sorted.map((split) => limit(split) + 0)));
  const going = (missingLeft: number): QuickSplit[] =>
    sorted.filter(({ node }) => trees.missingLeft[node] === missingLeft);
  return { feature, bounds, splits: [going(0), going(1)] };
}

/**
 * Values of the leaves of one tree from left to right; its splits are added to `splits`. Null where there are more leaves
 * than the kernels take. Not recursive: an imported tree may be deeper than the stack.
 */
function leavesOf(trees: TreesPredictor, tree: number, root: number, splits: QuickSplit[]): number[] | null {
  const { feature, left, right, value } = trees;
  const leaves: number[] = [];
  const open: { readonly node: number; readonly firstLeaf: number }[] = [];
  for (let node = root; ;) {
    if (feature[node]! >= 0) {
      // So many splits on the way down have at least as many leaves to their right, and one more.
      if (open.push({ node, firstLeaf: leaves.length }) >= mostLeaves) return null;
      node = left[node]!;
      continue;
    }
    if (leaves.push(value[node]!) > mostLeaves) return null;
    const split = open.pop();
    if (split === undefined) return leaves;
    splits.push({ tree, ...split, endLeaf: leaves.length });
    node = right[split.node]!;
  }
}
