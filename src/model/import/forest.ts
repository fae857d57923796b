import type { TreesPredictor } from "../predictor.ts";
import { refuse } from "./refusal.ts";

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

/** A leaf, or a split of numbers (`set` -1) or of a category, whose set of levels that go left stands at `set`. */
export type ForestNode =
  | { readonly value: number; readonly cover: number }
  | {
      readonly feature: number;
      readonly threshold: number;
      readonly missingLeft: number;
      readonly set: number;
      readonly gain: number;
      readonly cover: number;
      /** Numbers of the children in the trainer's own count. */
      readonly left: number;
      readonly right: number;
    };

export const mostSetWords: number = 1 << 24;

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

/** A node still to be laid out, and where its parent stands (-1 for the root). */
interface Branch {
  readonly node: number;
  readonly parent: number;
  readonly side: "left" | "right";
}

/**
 * Lays a tree of `nNodes` nodes out from `root`, each node before its children; returns how many it reached. A node that
 * is reached twice is refused, so that no walk goes round in a circle.
 */
export function layTree(forest: Forest, nNodes: number, root: number, nodeAt: (node: number) => ForestNode): number {
  const first = forest.feature.length;
  const tree = forest.offsets.length;
  forest.offsets.push(first);
  const stack: Branch[] = [{ node: root, parent: -1, side: "left" }];
  const isSeen = new Uint8Array(nNodes);
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { node, parent, side } = next;
    if (!(node >= 0 && node < nNodes)) refuse(`tree ${tree} names a node there is not`);
    if (isSeen[node] === 1) refuse(`tree ${tree} reaches a node twice`);
    isSeen[node] = 1;
    const at = forest.feature.length;
    if (parent >= 0) forest[side][parent] = at;
    const found = nodeAt(node);
    pushNode(forest, found);
    if ("value" in found) continue;
    stack.push({ node: found.right, parent: at, side: "right" });
    stack.push({ node: found.left, parent: at, side: "left" });
  }
  return forest.feature.length - first;
}

function pushNode(forest: Forest, node: ForestNode): void {
  const isLeaf = "value" in node;
  forest.feature.push(isLeaf ? -1 : node.feature);
  forest.threshold.push(isLeaf ? 0 : node.threshold);
  forest.missingLeft.push(isLeaf ? 0 : node.missingLeft);
  forest.categoryOffset.push(isLeaf ? -1 : node.set);
  forest.left.push(-1);
  forest.right.push(-1);
  forest.value.push(isLeaf ? node.value : 0);
  forest.gain.push(isLeaf ? 0 : node.gain);
  forest.cover.push(node.cover);
}

/** Appends an empty set for `nLevels` levels; returns where it stands. */
export function pushEmptySet(sets: number[], nLevels: number): number {
  const at = sets.length;
  const nWords = Math.ceil(nLevels / 32);
  if (at + nWords > mostSetWords) refuse("its sets of levels are too large");
  for (let word = 0; word < nWords; ++word) sets.push(0);
  return at;
}

export function addToSet(sets: number[], at: number, level: number): void {
  sets[at + (level >> 5)]! |= 1 << (level & 31);
}
