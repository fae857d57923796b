import { gaussLegendre } from "../math/quadrature.ts";
import type { Design } from "./design.ts";
import { createEdgeKernels, type EdgeKernels, plainEdges, tableNumbers } from "./explain-kernels.ts";
import type { TreesPredictor } from "./predictor.ts";
import { type BlockColumn, wholeColumns } from "./score-trees.ts";

/** Where contributions go: `groupOf` names the group of each design column; row-major, outputs x groups a row. */
export interface ContributionSums {
  readonly base: Float64Array;
  readonly values: Float64Array;
  readonly groupOf: Int32Array;
  readonly nGroups: number;
}

/**
 * Adds each tree's expected value to `base` and the Shapley value of every feature to `values` (path-dependent TreeSHAP,
 * Lundberg et al. 2018: where a feature is not known a row goes both ways, in the shares of `cover`).
 *
 * A leaf with value w, reached through features j, is the game w * product of (o_j where j is known, else z_j): o_j is 1
 * where the row meets every condition the path puts on j, z_j the share of rows that go on there. By Owen's (1972)
 * multilinear extension the Shapley value of i in it is (o_i - z_i) times the integral from 0 to 1 of
 * w * product over j other than i of (t o_j + (1 - t) z_j), a polynomial that d / 2 Gauss-Legendre points integrate
 * exactly. All factors are positive, so nothing cancels however deep the tree. One pass down a tree makes the products,
 * one pass up adds those of all leaves below a node (as linear TreeSHAP does, Yu et al. 2022): O(nodes * d) a row.
 */
export function addTreeContributions(trees: TreesPredictor, design: Design, out: ContributionSums): void {
  const columns = wholeColumns(trees, design);
  const all = Array.from(trees.treeOffsets, (_, tree) => pathsOf(trees, tree));
  const numbers = all.reduce((most, paths) => Math.max(most, placesOf(paths, design.nRows).end), 0);
  const kernels = design.nRows < rowsWorthKernels ? plainEdges(new Float64Array(numbers)) : createEdgeKernels(numbers);
  all.forEach((paths, tree) => {
    const output = trees.treeOutput[tree]!;
    out.base[output]! += paths.expected;
    if (paths.nNodes > 1) addTree(trees, paths, columns, design.nRows, kernels, out, output);
  });
}

/** With fewer, compiling the kernels takes longer than they save. */
const rowsWorthKernels = 4;

/** What is the same for all rows of one tree. Nodes are numbered from the root, 0; each stands for the edge into it. */
interface TreePaths {
  readonly root: number;
  readonly nNodes: number;
  readonly expected: number;
  readonly parent: Int32Array;
  /** The feature its parent asks about. */
  readonly asked: Int32Array;
  /** The nearest node above entered by the same feature, or the root. */
  readonly up: Int32Array;
  /** Share of rows that go on here where the feature is not known, over all conditions on it so far. */
  readonly share: Float64Array;
  readonly nPoints: number;
  readonly points: Float64Array;
  readonly weights: Float64Array;
}

function pathsOf(trees: TreesPredictor, tree: number): TreePaths {
  const root = trees.treeOffsets[tree]!;
  const nNodes = (trees.treeOffsets[tree + 1] ?? trees.feature.length) - root;
  const parent = new Int32Array(nNodes).fill(-1);
  const asked = new Int32Array(nNodes).fill(-1);
  const up = new Int32Array(nNodes);
  const share = new Float64Array(nNodes).fill(1);
  const reach = new Float64Array(nNodes).fill(1);
  const length = new Int32Array(nNodes);
  let expected = 0;
  let longest = 1;
  for (let n = 0; n < nNodes; ++n) {
    const f = trees.feature[root + n]!;
    if (f < 0) {
      expected += reach[n]! * trees.value[root + n]!;
      longest = Math.max(longest, length[n]!);
      continue;
    }
    const children = [trees.left[root + n]! - root, trees.right[root + n]! - root];
    const covers = children.map((child) => trees.cover[root + child]!);
    const total = covers[0]! + covers[1]!;
    let above = n;
    while (above > 0 && asked[above] !== f) above = parent[above]!;
    children.forEach((child, side) => {
      const own = total > 0 ? covers[side]! / total : 0.5;
      parent[child] = n;
      asked[child] = f;
      up[child] = above;
      share[child] = own * share[above]!;
      reach[child] = own * reach[n]!;
      length[child] = length[n]! + (above === 0 ? 1 : 0);
    });
  }
  const { points, weights } = gaussLegendre(Math.ceil(longest / 2));
  return { root, nNodes, expected, parent, asked, up, share, nPoints: points.length, points, weights };
}

/**
 * By node and point: t o + (1 - t) share with o = 0, then with o = 1, then their inverses; of a factor of 0, which lets
 * nothing below count, 0. The root's are 1. Of one tree at a time: all trees' would take 32 bytes a node and point.
 */
function writeTables(
  { share, points }: TreePaths, // in
  cells: Float64Array, // out
  from: number,
): void {
  const nPoints = points.length;
  cells.fill(1, from, from + nPoints * tableNumbers);
  let at = from + nPoints * tableNumbers;
  for (let n = 1; n < share.length; ++n) {
    for (let k = 0; k < nPoints; ++k) {
      const cold = (1 - points[k]!) * share[n]!;
      const hot = cold + points[k]!;
      cells[at] = cold;
      cells[at + 1] = hot;
      cells[at + 2] = cold > 0 ? 1 / cold : 0;
      cells[at + 3] = hot > 0 ? 1 / hot : 0;
      at += tableNumbers;
    }
  }
}

/** Rows taken through a tree together, an even number, and where their numbers stand, counted in numbers. */
interface Places {
  readonly block: number;
  /** By node: 1 where a row meets every condition on the feature so far. */
  readonly met: number;
  /** By node and point: products of all features' factors, and sums of those of the leaves below times leaf value and weight. */
  readonly products: number;
  readonly sums: number;
  readonly tables: number;
  readonly weights: number;
  readonly change: number;
  readonly end: number;
}

/** Numbers of a block's products that the second-level cache holds beside the sums. */
const cachedNumbers = 32_768;

function placesOf({ nNodes, nPoints }: TreePaths, nRows: number): Places {
  const fitting = Math.floor(cachedNumbers / (nNodes * nPoints));
  const block = Math.min(nRows, Math.max(2, Math.min(64, fitting & ~1)));
  const room = block + (block & 1);
  let end = 0;
  const take = (count: number): number => (end += count) - count;
  return {
    block,
    met: take(nNodes * room),
    products: take(nNodes * nPoints * room),
    sums: take(nNodes * nPoints * room),
    change: take(room),
    tables: take(nNodes * nPoints * tableNumbers),
    weights: take(nPoints),
    end,
  };
}

function addTree(
  trees: TreesPredictor, // in
  paths: TreePaths, // in
  columns: readonly BlockColumn[], // in
  nRows: number,
  kernels: EdgeKernels, // memory: scratch
  out: ContributionSums,
  output: number,
): void {
  const { cells, lanes } = kernels;
  const places = placesOf(paths, nRows);
  writeTables(paths, cells, places.tables);
  cells.set(paths.weights, places.weights);
  for (let start = 0; start < nRows; start += places.block) {
    const n = Math.min(places.block, nRows - start);
    const block = { start, n, room: Math.ceil(n / lanes) * lanes };
    const size = block.room * paths.nPoints;
    cells.fill(1, places.met, places.met + block.room);
    cells.fill(1, places.products, places.products + size);
    cells.fill(0, places.sums, places.sums + paths.nNodes * size);
    descend(trees, paths, columns, places, block, kernels);
    ascend(trees, paths, places, block, kernels, out, output);
  }
}

interface Block {
  readonly start: number;
  readonly n: number;
  /** Rows rounded up to whole vectors: what stands beyond n counts nowhere. */
  readonly room: number;
}

function descend(
  trees: TreesPredictor, // in
  paths: TreePaths, // in
  columns: readonly BlockColumn[], // in
  places: Places,
  block: Block,
  kernels: EdgeKernels, // out: met, products
): void {
  const { root, nNodes, up, nPoints } = paths;
  const { room } = block;
  const size = room * nPoints;
  const tableSize = nPoints * tableNumbers;
  for (let n = 0; n < nNodes; ++n) {
    const f = trees.feature[root + n]!;
    if (f < 0) continue;
    const left = trees.left[root + n]! - root;
    const right = trees.right[root + n]! - root;
    const above = up[left]!;
    const oldMet = places.met + above * room;
    const [metLeft, metRight] = [places.met + left * room, places.met + right * room];
    markRows(trees, root + n, columns[f]!, block, kernels.cells, oldMet, metLeft, metRight);
    for (let child = left; child >= 0; child = child === left ? right : -1) {
      const to = (places.products + child * size) * 8;
      const oldTable = (places.tables + above * tableSize) * 8;
      const table = (places.tables + child * tableSize) * 8;
      const met = (child === left ? metLeft : metRight) * 8;
      const from = (places.products + n * size) * 8;
      kernels.descend(from, to, to + size * 8, room * 8, met, table, oldMet * 8, oldTable);
    }
  }
}

/** Marks the rows of a block that meet a node's condition, and those that meet its opposite, as far as they did before. */
function markRows(
  trees: TreesPredictor, // in
  node: number, // in
  { values, base }: BlockColumn, // in
  { start, n }: Block, // in
  cells: Float64Array, // in: marks from `old`; out: marks from `left` and from `right`
  old: number,
  left: number,
  right: number,
): void {
  const from = base + start;
  for (let i = 0; i < n; ++i) {
    const open = cells[old + i]!;
    const own = takesLeft(trees, node, values[from + i]!) ? open : 0;
    cells[left + i] = own;
    cells[right + i] = open - own;
  }
}

function takesLeft(trees: TreesPredictor, node: number, x: number): boolean {
  if (Number.isNaN(x)) return trees.missingLeft[node] === 1;
  const set = trees.categoryOffset[node]!;
  if (set < 0) return x <= trees.threshold[node]!;
  return ((trees.categorySets[set + (x >> 5)]! >>> (x & 31)) & 1) === 1;
}

/** Below an edge that its feature entered once more, its conditions are these, not those its old edge was counted with. */
function ascend(
  trees: TreesPredictor, // in
  paths: TreePaths, // in
  places: Places,
  { start, n: nRows, room }: Block,
  kernels: EdgeKernels, // in: met, products; sums: scratch
  out: ContributionSums,
  output: number,
): void {
  const { root, nNodes, parent, asked, up, share, nPoints } = paths;
  const { cells } = kernels;
  const size = room * nPoints;
  const tableSize = nPoints * tableNumbers;
  const rowBytes = room * 8;
  const step = trees.outputs * out.nGroups;
  for (let n = nNodes - 1; n > 0; --n) {
    const from = (places.sums + n * size) * 8;
    const fromEnd = from + size * 8;
    const products = (places.products + n * size) * 8;
    if (trees.feature[root + n]! < 0)
      kernels.weigh(products, from, fromEnd, rowBytes, places.weights * 8, trees.value[root + n]!);
    const above = up[n]!;
    kernels.ascend(
      from,
      fromEnd,
      (places.sums + parent[n]! * size) * 8,
      rowBytes,
      (places.met + n * room) * 8,
      (places.tables + n * tableSize) * 8,
      (places.met + above * room) * 8,
      (places.tables + above * tableSize) * 8,
      share[n]!,
      share[above]!,
      places.change * 8,
    );
    const target = (start * trees.outputs + output) * out.nGroups + out.groupOf[asked[n]!]!;
    for (let i = 0; i < nRows; ++i) out.values[target + i * step]! += cells[places.change + i]!;
  }
}
