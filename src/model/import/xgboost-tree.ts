import { limitBelow } from "./float32.ts";
import { type Forest, type ForestNode, addToSet, layTree, pushEmptySet } from "./forest.ts";
import type { ImportedColumn } from "./imported.ts";
import { type List, type Members, floatIn, listAt, membersAt, textAt, wholeIn } from "./members.ts";
import { refuse } from "./refusal.ts";

const mostNodes = 1 << 25;
/** Where no row came by, covers are all but 0, so that shares of them stay defined. */
const leastCover = 1e-16;

/** A tree as its lists say, one value a node; a node without a left child is a leaf, whose value stands as its condition. */
interface TreeLists {
  readonly left: List;
  readonly right: List;
  readonly feature: List;
  readonly condition: List;
  readonly missingLeft: List;
  readonly gain: List;
  readonly cover: List;
  readonly type: List | null;
  /** By node: where in `categories` its set stands, and of how many codes. */
  readonly sets: ReadonlyMap<number, readonly [from: number, to: number]>;
  readonly categories: List;
}

/** Appends a tree whose leaves count `weight` times. Nodes that were pruned are left out. */
export function appendTree(forest: Forest, tree: Members, columns: readonly ImportedColumn[], weight: number): void {
  const parameters = membersAt(tree, "tree_param");
  const nNodes = countOf(parameters, "num_nodes", 1);
  const nDeleted = countOf(parameters, "num_deleted", 0);
  if (Object.hasOwn(parameters, "size_leaf_vector") && countOf(parameters, "size_leaf_vector", 0) > 1)
    refuse("its leaves hold several values");
  const lists = listsOf(tree, nNodes);
  const nReached = layTree(forest, nNodes, 0, (node) => {
    const cover = Math.max(leastCover, floatIn(lists.cover[node], "sum_hessian"));
    const left = wholeIn(lists.left[node], "left_children", -1, nNodes - 1);
    if (left === -1) return { value: Math.fround(weight * floatIn(lists.condition[node], "split_conditions")), cover };
    const right = wholeIn(lists.right[node], "right_children", 0, nNodes - 1);
    return { ...splitAt(forest, lists, node, columns), left, right, cover };
  });
  if (nReached !== nNodes - nDeleted) refuse(`tree ${forest.offsets.length - 1} has nodes no row can reach`);
}

function listsOf(tree: Members, nNodes: number): TreeLists {
  const list = (name: string): List => listAt(tree, name, nNodes);
  const hasCategories = Object.hasOwn(tree, "split_type");
  return {
    left: list("left_children"),
    right: list("right_children"),
    feature: list("split_indices"),
    condition: list("split_conditions"),
    missingLeft: list("default_left"),
    gain: list("loss_changes"),
    cover: list("sum_hessian"),
    type: hasCategories ? list("split_type") : null,
    ...(hasCategories ? setsOf(tree, nNodes) : { sets: new Map(), categories: [] }),
  };
}

function setsOf(tree: Members, nNodes: number): Pick<TreeLists, "sets" | "categories"> {
  const categories = listAt(tree, "categories");
  const nodes = listAt(tree, "categories_nodes");
  const segments = listAt(tree, "categories_segments", nodes.length);
  const sizes = listAt(tree, "categories_sizes", nodes.length);
  const sets = new Map<number, readonly [number, number]>();
  let left = categories.length;
  for (let i = 0; i < nodes.length; ++i) {
    const from = wholeIn(segments[i], "categories_segments", 0, categories.length);
    // Each level listed is of one node: lists that overlap would be walked again and again.
    const size = wholeIn(sizes[i], "categories_sizes", 0, Math.min(left, categories.length - from));
    left -= size;
    sets.set(wholeIn(nodes[i], "categories_nodes", 0, nNodes - 1), [from, from + size]);
  }
  return { sets, categories };
}

type Split = Omit<Extract<ForestNode, { readonly set: number }>, "left" | "right" | "cover">;

function splitAt(forest: Forest, lists: TreeLists, node: number, columns: readonly ImportedColumn[]): Split {
  const feature = wholeIn(lists.feature[node], "split_indices", 0, columns.length - 1);
  const missingLeft = Number(lists.missingLeft[node]) === 0 ? 0 : 1;
  const gain = Math.max(0, floatIn(lists.gain[node], "loss_changes"));
  const isCategory = lists.type !== null && wholeIn(lists.type[node], "split_type", 0, 1) === 1;
  const { levels, name } = columns[feature]!;
  if (isCategory !== (levels !== null)) refuse(`a split of column "${name}" is of another kind than the column`);
  if (levels !== null)
    return { feature, missingLeft, gain, threshold: 0, set: pushSet(forest.sets, lists, node, levels.length) };
  const threshold = limitBelow(floatIn(lists.condition[node], "split_conditions"));
  return { feature, missingLeft, gain, threshold, set: -1 };
}

/** XGBoost's set lists what goes right; ours, what goes left. Returns where it stands. */
function pushSet(sets: number[], lists: TreeLists, node: number, nLevels: number): number {
  const range = lists.sets.get(node);
  if (!range) return refuse(`node ${node} has no set of levels`);
  const goesRight = new Set<number>();
  for (let i = range[0]; i < range[1]; ++i) goesRight.add(wholeIn(lists.categories[i], "a category", 0, nLevels - 1));
  const at = pushEmptySet(sets, nLevels);
  for (let level = 0; level < nLevels; ++level) if (!goesRight.has(level)) addToSet(sets, at, level);
  return at;
}

function countOf(from: Members, name: string, min: number): number {
  return wholeIn(Number(textAt(from, name)), name, min, mostNodes);
}
