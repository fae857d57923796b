import type { TreesPredictor } from "./predictor.ts";
import type { BlockColumn, Scores } from "./score-trees.ts";

/** Trees as a walk goes down them, for as long as the predictor lives: what a step reads of a node stands in one place. */
interface Walk {
  /** The features that are asked about; nodes count them from 0. */
  readonly asked: readonly number[];
  /** Four words a node: see `words`. Children are given by their first word. */
  readonly nodes: Int32Array;
}

/** What it asks about (-1: it is a leaf), its categories (-1: it has a threshold), and its children. The node itself is `at >> 2`. */
const words = { asked: 0, categories: 1, right: 2, left: 3, count: 4 } as const;

const walks = new WeakMap<TreesPredictor, Walk>();

function walkOf(trees: TreesPredictor): Walk {
  const known = walks.get(trees);
  if (known) return known;
  const { feature, categoryOffset, left, right } = trees;
  const nodes = new Int32Array(words.count * feature.length);
  const places = new Map<number, number>();
  for (let node = 0; node < feature.length; ++node) {
    const at = words.count * node;
    const asked = feature[node]!;
    if (asked >= 0 && !places.has(asked)) places.set(asked, places.size);
    nodes[at + words.asked] = asked < 0 ? -1 : places.get(asked)!;
    nodes[at + words.categories] = categoryOffset[node]!;
    nodes[at + words.right] = words.count * right[node]!;
    nodes[at + words.left] = words.count * left[node]!;
  }
  const walk = { asked: [...places.keys()], nodes };
  walks.set(trees, walk);
  return walk;
}

/** Takes the first `n` rows of a block, which begins with row `start`, down every tree one by one, a step at a time. */
export function walkRows(
  trees: TreesPredictor, // in
  columns: readonly BlockColumn[], // in
  start: number, // in
  n: number, // in
  scores: Scores, // in and out
): void {
  const walk = walkOf(trees);
  const { asked } = walk;
  const cells = new Float64Array(asked.length);
  for (let row = 0; row < n; ++row) {
    for (let i = 0; i < asked.length; ++i) {
      const { values, base } = columns[asked[i]!]!;
      cells[i] = values[base + row]!;
    }
    walkRow(trees, walk.nodes, cells, (start + row) * trees.outputs, scores);
  }
}

function walkRow(
  trees: TreesPredictor, // in
  nodes: Int32Array, // in
  cells: Float64Array, // in, of the features asked about
  output: number, // in, where the row's scores stand
  scores: Scores, // in and out
): void {
  const { treeOffsets, treeOutput, threshold, missingLeft, categorySets, value } = trees;
  for (let tree = 0; tree < treeOffsets.length; ++tree) {
    let at = words.count * treeOffsets[tree]!;
    for (let asked = nodes[at]!; asked >= 0; asked = nodes[at]!) {
      const x = cells[asked]!;
      const set = nodes[at + words.categories]!;
      // No branch for the common case: which way a row goes cannot be foreseen.
      let goesLeft = Number(x <= threshold[at >> 2]!);
      if (x !== x) goesLeft = missingLeft[at >> 2]!;
      else if (set >= 0) goesLeft = (categorySets[set + (x >> 5)]! >>> (x & 31)) & 1;
      at = nodes[at + words.right + goesLeft]!;
    }
    scores[output + treeOutput[tree]!]! += value[at >> 2]!;
  }
}
