import type { Candidate, SearchRules, Totals } from "./candidate.ts";
import type { Freedom } from "./freedom.ts";
import type { Scales } from "./loss.ts";
import type { Settings } from "./plan.ts";
import type { GrownTree } from "./tree.ts";

/**
 * Where the rows of a leaf that are this thread's stand in its segment of the index: those the tree is learned from, and
 * those it is not, which only go where its splits send them.
 */
export interface LeafRows {
  readonly node: number;
  readonly begin: number;
  readonly own: number;
  readonly restBegin: number;
  readonly rest: number;
}

/** The rows of the root, as those of a leaf. */
export type RootRows = Omit<LeafRows, "node">;

/** What the value of a leaf is found by. */
export type SummedLeaf = Pick<Leaf, "gradient" | "hessian" | "node" | "begin" | "own">;

/** A leaf while the tree grows. Its sums and its count are over the rows of all threads. */
export interface Leaf extends Totals, LeafRows {
  readonly depth: number;
  /** Which histogram it owns. */
  slot: number;
  /** Its best split, or null where none is allowed or worthwhile, and what that gains (quantised units). */
  split: Candidate | null;
  gain: number;
  readonly freedom: Freedom;
}

/** The children of a leaf: `node` is that of the left one, which the right follows; so many of its own rows, and of the rest, go left. */
export function childrenOf(
  leaf: Leaf,
  split: Candidate,
  { node, ownLeft, restLeft }: { readonly node: number; readonly ownLeft: number; readonly restLeft: number },
  [freeLeft, freeRight]: readonly [Freedom, Freedom],
): [Leaf, Leaf] {
  const left: Leaf = {
    gradient: split.gradient,
    hessian: split.hessian,
    count: split.count,
    node,
    depth: leaf.depth + 1,
    begin: leaf.begin,
    own: ownLeft,
    restBegin: leaf.restBegin,
    rest: restLeft,
    slot: leaf.slot,
    split: null,
    gain: 0,
    freedom: freeLeft,
  };
  const right: Leaf = {
    gradient: leaf.gradient - split.gradient,
    hessian: leaf.hessian - split.hessian,
    count: leaf.count - split.count,
    node: node + 1,
    depth: leaf.depth + 1,
    begin: leaf.begin + ownLeft,
    own: leaf.own - ownLeft,
    restBegin: leaf.restBegin + restLeft,
    rest: leaf.rest - restLeft,
    slot: leaf.slot,
    split: null,
    gain: 0,
    freedom: freeRight,
  };
  return [left, right];
}

/** What stays the same while one tree grows. */
export interface Growth {
  readonly output: number;
  readonly scales: Scales;
  readonly used: Uint8Array;
  readonly tree: GrownTree;
  readonly rules: SearchRules;
}

/** Turns a node into a split of what gains so much, in quantised units, with two new nodes; returns the left one, which the right follows. */
export function openNode(
  { tree, scales }: Pick<Growth, "tree" | "scales">,
  node: number,
  split: Pick<Candidate, "feature" | "bin" | "missingLeft">,
  gain: number,
): number {
  const first = tree.nNodes;
  tree.nNodes += 2;
  tree.feature[node] = split.feature;
  tree.bin[node] = split.bin;
  tree.missingLeft[node] = split.missingLeft;
  tree.left[node] = first;
  tree.right[node] = first + 1;
  tree.gain[node] = (0.5 * gain * scales.hessian) / scales.gradient / scales.gradient;
  return first;
}

/** Whether a leaf has the rows, and the depth left, for a split. */
export function maySplit({ depth, minRows }: Settings, leaf: Leaf): boolean {
  return leaf.count >= 2 * minRows && (depth === 0 || leaf.depth < depth);
}

/** Leaf-wise growth: the leaf whose split gains most; -1 where none can be split. */
export function mostGain(leaves: readonly Leaf[]): number {
  let chosen = -1;
  for (let i = 0; i < leaves.length; ++i) {
    if (leaves[i]!.split !== null && (chosen < 0 || leaves[i]!.gain > leaves[chosen]!.gain)) chosen = i;
  }
  return chosen;
}

/** Level-wise growth: of the splittable leaves of least depth the one that gains most. */
export function shallowest(leaves: readonly Leaf[]): number {
  let chosen = -1;
  for (let i = 0; i < leaves.length; ++i) {
    if (leaves[i]!.split === null) continue;
    const deeper = chosen < 0 ? -1 : leaves[i]!.depth - leaves[chosen]!.depth;
    if (deeper < 0 || (deeper === 0 && leaves[i]!.gain > leaves[chosen]!.gain)) chosen = i;
  }
  return chosen;
}
