import type { Design } from "./design.ts";
import type { TreesPredictor } from "./predictor.ts";
import { quickRows } from "./quick/layout.ts";
import { QuickScorer } from "./quick/scorer.ts";
import { walkRows } from "./walk-rows.ts";

/** Rows scored together: their positions fit 16 bits, and a column's part of a block stays in the first cache. */
const blockRows = 1024;

/** From this many rows on, moving all rows of a block through a tree together beats walking each row by itself. */
const rowsWorthPartitioning = 24;

/** From this many rows on, laying a predictor out for QuickScorer pays. */
const rowsWorthLayingOut = 256;

/** Scorers by predictor, for as long as it lives; null = one it cannot take. */
const scorers = new WeakMap<TreesPredictor, QuickScorer | null>();

/** Where a block's values of one feature stand: row r of the block at values[base + r]. */
export interface BlockColumn {
  values: Float64Array;
  base: number;
}

/** Sums are rounded as the array's elements are. */
export type Scores = Float64Array | Float32Array;

/**
 * Adds every tree's leaf value to `scores` (row-major, `outputs` a row), tree by tree in order for each row, so that a
 * row's score does not depend on the rows beside it. Feature numbers count dense columns, then sparse ones.
 */
export function addTrees(trees: TreesPredictor, design: Design, scores: Scores): void {
  const { nRows } = design;
  const quick = scores instanceof Float64Array ? scorerOf(trees, design) : null;
  const nBlock = Math.min(nRows, quick ? quickRows : blockRows);
  const columns = design.dense.map(({ values }): BlockColumn => ({ values, base: 0 }));
  const standIns = addStandIns(trees, design, nBlock, columns);
  const partition = quick === null && nBlock >= rowsWorthPartitioning ? createPartition(nBlock) : null;
  for (let start = 0; start < nRows; start += nBlock) {
    const n = Math.min(nBlock, nRows - start);
    for (let c = 0; c < design.dense.length; ++c) columns[c]!.base = start;
    fillStandIns(standIns, design, start, n, columns);
    if (quick && scores instanceof Float64Array) quick.score(columns, start, n, scores);
    else if (partition)
      for (let tree = 0; tree < trees.treeOffsets.length; ++tree)
        partitionBlock(trees, tree, columns, partition, start, n, scores);
    else walkRows(trees, columns, start, n, scores);
  }
}

function scorerOf(trees: TreesPredictor, design: Design): QuickScorer | null {
  if (design.nRows < rowsWorthLayingOut || trees.treeOffsets.length === 0) return null;
  const known = scorers.get(trees);
  if (known !== undefined) return known;
  const scorer = QuickScorer.of(trees, design.dense);
  scorers.set(trees, scorer);
  return scorer;
}

/** The columns the trees ask about, by feature number, over all rows of a design. */
export function wholeColumns(trees: TreesPredictor, design: Design): readonly BlockColumn[] {
  const columns = design.dense.map(({ values }): BlockColumn => ({ values, base: 0 }));
  const standIns = addStandIns(trees, design, design.nRows, columns);
  fillStandIns(standIns, design, 0, design.nRows, columns);
  return columns;
}

/** Scratch space of `partitionBlock`: row positions in two buffers and a stack of [node, from, to, buffer]. */
interface Partition {
  readonly all: Uint16Array;
  readonly buffers: readonly [Uint16Array, Uint16Array];
  stack: Int32Array;
}

function createPartition(nRows: number): Partition {
  const all = Uint16Array.from({ length: nRows }, (_, row) => row);
  return { all, buffers: [new Uint16Array(nRows), new Uint16Array(nRows)], stack: new Int32Array(4 * 64) };
}

/**
 * Moves all rows of a block down one tree together: each node parts its rows into two neighbouring ranges, children
 * going to the buffer their node was not read from. Comparisons become 0 or 1 and move the write positions, so no
 * branch depends on data; mispredicted branches are what makes walking row by row four times slower.
 */
function partitionBlock(
  trees: TreesPredictor, // in
  tree: number, // in
  columns: readonly BlockColumn[], // in
  partition: Partition, // scratch
  start: number, // in, first row of the block
  n: number, // in, rows of the block
  scores: Scores, // in and out
): void {
  const { feature, left, right, value, outputs } = trees;
  const output = start * outputs + trees.treeOutput[tree]!;
  let { stack } = partition;
  stack[0] = trees.treeOffsets[tree]!;
  stack[1] = 0;
  stack[2] = n;
  stack[3] = -1;
  for (let top = 4; top > 0;) {
    top -= 4;
    const node = stack[top]!;
    const from = stack[top + 1]!;
    const to = stack[top + 2]!;
    const source = stack[top + 3]! < 0 ? partition.all : partition.buffers[stack[top + 3]!]!;
    if (feature[node]! < 0) {
      const leaf = value[node]!;
      for (let i = from; i < to; ++i) scores[output + source[i]! * outputs]! += leaf;
      continue;
    }
    const other = stack[top + 3] === 0 ? 1 : 0;
    const middle = partRows(trees, node, columns[feature[node]!]!, source, partition.buffers[other]!, from, to);
    if (top + 8 > stack.length) stack = partition.stack = grown(stack);
    if (middle < to) {
      stack[top++] = right[node]!;
      stack[top++] = middle;
      stack[top++] = to;
      stack[top++] = other;
    }
    if (middle > from) {
      stack[top++] = left[node]!;
      stack[top++] = from;
      stack[top++] = middle;
      stack[top++] = other;
    }
  }
}

/**
 * Writes the rows source[from..to) that go left to target from `from` upward and the others from `to - 1` downward;
 * returns where the right ones begin. Every row is written to both ends; only the end it belongs to moves on.
 */
function partRows(
  trees: TreesPredictor, // in
  node: number, // in
  { values, base }: BlockColumn, // in
  source: Uint16Array, // in
  target: Uint16Array, // out
  from: number, // in
  to: number, // in
): number {
  const limit = trees.threshold[node]!;
  const set = trees.categoryOffset[node]!;
  const sets = trees.categorySets;
  const ofMissing = trees.missingLeft[node]!;
  let low = from;
  let high = to - 1;
  if (set >= 0) {
    for (let i = from; i < to; ++i) {
      const row = source[i]!;
      const code = values[base + row]!;
      const goesLeft = Number.isNaN(code) ? ofMissing : (sets[set + (code >> 5)]! >>> (code & 31)) & 1;
      target[low] = row;
      target[high] = row;
      low += goesLeft;
      high += goesLeft - 1;
    }
  } else if (ofMissing === 1) {
    for (let i = from; i < to; ++i) {
      const row = source[i]!;
      const goesRight = Number(values[base + row]! > limit);
      target[low] = row;
      target[high] = row;
      low += 1 - goesRight;
      high -= goesRight;
    }
  } else {
    for (let i = from; i < to; ++i) {
      const row = source[i]!;
      const goesLeft = Number(values[base + row]! <= limit);
      target[low] = row;
      target[high] = row;
      low += goesLeft;
      high += goesLeft - 1;
    }
  }
  return low;
}

function grown(stack: Int32Array): Int32Array {
  const out = new Int32Array(2 * stack.length);
  out.set(stack);
  return out;
}

/** The sparse columns that a predictor's trees ask about, by feature number, for as long as it lives. */
const asked = new WeakMap<TreesPredictor, readonly number[]>();

function askedSparse(trees: TreesPredictor, { dense, sparse }: Design): readonly number[] {
  const known = asked.get(trees);
  if (known) return known;
  const isAsked = new Uint8Array(sparse.names.length);
  const { feature } = trees;
  for (let node = 0; node < feature.length; ++node) {
    const column = feature[node]! - dense.length;
    if (column >= 0) isAsked[column] = 1;
  }
  const features: number[] = [];
  for (let column = 0; column < isAsked.length; ++column)
    if (isAsked[column] === 1) features.push(dense.length + column);
  asked.set(trees, features);
  return features;
}

/** Gives the sparse columns that the trees ask about dense stand-ins, one block long each; returns the values of all. */
function addStandIns(
  trees: TreesPredictor, // in
  design: Design, // in
  nBlock: number, // in
  columns: BlockColumn[], // in and out
): Float64Array {
  const features = design.sparse.names.length === 0 ? [] : askedSparse(trees, design);
  const values = new Float64Array(features.length * nBlock);
  for (let i = 0; i < features.length; ++i) columns[features[i]!] = { values, base: i * nBlock };
  return values;
}

function fillStandIns(
  standIns: Float64Array, // out
  { dense, sparse }: Design, // in
  start: number, // in, first row of the block
  n: number, // in, rows of the block
  columns: readonly (BlockColumn | undefined)[], // in, where the stand-ins are
): void {
  if (standIns.length === 0) return;
  const { offsets, indices, values } = sparse;
  standIns.fill(0);
  for (let row = 0; row < n; ++row) {
    for (let e = offsets[start + row]!; e < offsets[start + row + 1]!; ++e) {
      const column = columns[dense.length + indices[e]!];
      if (column) standIns[column.base + row] = values[e]!;
    }
  }
}
