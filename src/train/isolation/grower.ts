import type { Rng } from "../../core/rng.ts";
import type { Sample } from "./sample.ts";

/** A tree of random splits; node n is a leaf where feature[n] = -1. Children stand after their parent. */
export interface IsolationTree {
  readonly feature: readonly number[];
  /** Numbers at most this go left; NaN where levels are split. */
  readonly threshold: readonly number[];
  readonly missingLeft: readonly number[];
  /** By node: words with a bit for each level code that goes left; of splits of levels alone. */
  readonly levels: ReadonlyMap<number, Uint32Array>;
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Rows of the sample that reached the node. */
  readonly rows: readonly number[];
}

interface Split {
  readonly feature: number;
  readonly threshold: number;
  readonly missingLeft: boolean;
  readonly levels: Uint32Array | null;
}

interface Open {
  readonly node: number;
  readonly depth: number;
  readonly members: Uint32Array;
}

interface Growing extends IsolationTree {
  readonly feature: number[];
  readonly threshold: number[];
  readonly missingLeft: number[];
  readonly levels: Map<number, Uint32Array>;
  readonly left: number[];
  readonly right: number[];
  readonly rows: number[];
}

/**
 * Grows one tree (Liu, Ting and Zhou 2008): each node takes a column at random among those that vary in it and a cut at random
 * between its least and greatest value, until rows stand alone or the tree is as deep as a balanced one would be. Levels go to
 * either side by the toss of a coin, and so do missing values as a whole; where they are all that tells rows apart, they
 * are split off. `cardinalities` has one number a column, 0 for numbers.
 */
export function growTree(sample: Sample, cardinalities: readonly number[], rng: Rng): IsolationTree {
  const tree: Growing = {
    feature: [],
    threshold: [],
    missingLeft: [],
    levels: new Map(),
    left: [],
    right: [],
    rows: [],
  };
  const order = Uint32Array.from({ length: sample.nColumns }, (_, column) => column);
  const deepest = Math.ceil(Math.log2(Math.max(2, sample.nRows)));
  const open: Open[] = [
    { node: addNode(tree, sample.nRows), depth: 0, members: Uint32Array.from({ length: sample.nRows }, (_, i) => i) },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth, members } = next;
    const split = depth < deepest && members.length > 1 ? drawSplit(sample, cardinalities, members, order, rng) : null;
    if (split === null) continue;
    const column = sample.values.subarray(split.feature * sample.nRows);
    const left = members.filter((i) => goesLeft(split, column[i]!));
    const right = members.filter((i) => !goesLeft(split, column[i]!));
    tree.feature[node] = split.feature;
    tree.threshold[node] = split.threshold;
    tree.missingLeft[node] = split.missingLeft ? 1 : 0;
    if (split.levels) tree.levels.set(node, split.levels);
    tree.left[node] = addNode(tree, left.length);
    tree.right[node] = addNode(tree, right.length);
    open.push({ node: tree.right[node]!, depth: depth + 1, members: right });
    open.push({ node: tree.left[node]!, depth: depth + 1, members: left });
  }
  return tree;
}

function addNode(tree: Growing, nRows: number): number {
  tree.threshold.push(Number.NaN);
  tree.missingLeft.push(0);
  tree.left.push(-1);
  tree.right.push(-1);
  tree.rows.push(nRows);
  return tree.feature.push(-1) - 1;
}

/** Columns in a drawn order until one varies among the members; null where all of them are alike. */
function drawSplit(
  sample: Sample,
  cardinalities: readonly number[],
  members: Uint32Array,
  order: Uint32Array,
  rng: Rng,
): Split | null {
  for (let tried = 0; tried < order.length; ++tried) {
    const at = tried + rng.integer(order.length - tried);
    const feature = order[at]!;
    order[at] = order[tried]!;
    order[tried] = feature;
    const column = sample.values.subarray(feature * sample.nRows, (feature + 1) * sample.nRows);
    const cardinality = cardinalities[feature]!;
    const split =
      cardinality > 0
        ? splitLevels(feature, cardinality, column, members, rng)
        : splitNumbers(feature, column, members, rng);
    if (split !== null) return split;
  }
  return null;
}

function splitNumbers(feature: number, column: Float64Array, members: Uint32Array, rng: Rng): Split | null {
  let least = Infinity;
  let greatest = -Infinity;
  let nMissing = 0;
  for (const i of members) {
    const value = column[i]!;
    if (Number.isNaN(value)) ++nMissing;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  if (nMissing === members.length) return null;
  least = Math.max(least, -Number.MAX_VALUE);
  greatest = Math.min(greatest, Number.MAX_VALUE);
  if (least >= greatest)
    return nMissing === 0 ? null : { feature, threshold: Infinity, missingLeft: false, levels: null };
  const share = rng.next();
  // Not least + share * (greatest - least): the difference of two large numbers may be infinite.
  const cut = Math.max(least, least * (1 - share) + greatest * share);
  return { feature, threshold: cut < greatest ? cut : least, missingLeft: rng.integer(2) === 1, levels: null };
}

/** A coin for every level there is, so that a level this node never saw goes either way, too. */
function splitLevels(
  feature: number,
  cardinality: number,
  column: Float64Array,
  members: Uint32Array,
  rng: Rng,
): Split | null {
  const present = new Set<number>();
  let hasMissing = false;
  for (const i of members) {
    if (Number.isNaN(column[i]!)) hasMissing = true;
    else present.add(column[i]!);
  }
  const choices = [...present].sort((a, b) => a - b);
  const nSides = choices.length + (hasMissing ? 1 : 0);
  if (nSides < 2) return null;
  const levels = Uint32Array.from({ length: Math.ceil(cardinality / 32) }, () => rng.integer(4294967296));
  let missingLeft = rng.integer(2) === 1;
  const nLeft = choices.filter((code) => hasBit(levels, code)).length + (hasMissing && missingLeft ? 1 : 0);
  if (nLeft === 0 || nLeft === nSides) {
    const code = choices[rng.integer(nSides)];
    if (code === undefined) missingLeft = !missingLeft;
    else levels[code >> 5]! ^= 1 << (code & 31);
  }
  return { feature, threshold: Number.NaN, missingLeft, levels };
}

function hasBit(words: Uint32Array, code: number): boolean {
  return ((words[code >> 5]! >>> (code & 31)) & 1) === 1;
}

function goesLeft({ threshold, missingLeft, levels }: Split, value: number): boolean {
  if (Number.isNaN(value)) return missingLeft;
  return levels === null ? value <= threshold : hasBit(levels, value);
}
