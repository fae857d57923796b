import { gaussLegendre } from "../math/quadrature.ts";
import type { Design } from "./design.ts";
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
  for (let tree = 0; tree < trees.treeOffsets.length; ++tree) {
    const paths = pathsOf(trees, tree);
    const output = trees.treeOutput[tree]!;
    out.base[output]! += paths.expected;
    if (paths.nNodes === 1) continue;
    const walk = createWalk(paths);
    for (let row = 0; row < design.nRows; ++row) {
      descend(trees, paths, columns, row, walk);
      ascend(trees, paths, walk, out, (row * trees.outputs + output) * out.nGroups);
    }
  }
}

/** What is the same for all rows of one tree. Nodes are numbered from the root, 0; each stands for the edge into it. */
interface TreePaths {
  readonly root: number;
  readonly nNodes: number;
  readonly expected: number;
  readonly parent: Int32Array;
  /** The feature its parent asks about. */
  readonly asked: Int32Array;
  /** The nearest node above entered by the same feature, or -1. */
  readonly up: Int32Array;
  /** Share of rows that go on here where the feature is not known, over all conditions on it so far. */
  readonly share: Float64Array;
  readonly nPoints: number;
  /** t o + (1 - t) share at each point: from n * nPoints with o = 0, from (nNodes + n) * nPoints with o = 1. */
  readonly factors: Float64Array;
  readonly inverses: Float64Array;
  readonly weights: Float64Array;
}

function pathsOf(trees: TreesPredictor, tree: number): TreePaths {
  const root = trees.treeOffsets[tree]!;
  const nNodes = (trees.treeOffsets[tree + 1] ?? trees.feature.length) - root;
  const parent = new Int32Array(nNodes).fill(-1);
  const asked = new Int32Array(nNodes).fill(-1);
  const up = new Int32Array(nNodes).fill(-1);
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
    while (above >= 0 && asked[above] !== f) above = parent[above]!;
    children.forEach((child, side) => {
      const own = total > 0 ? covers[side]! / total : 0.5;
      parent[child] = n;
      asked[child] = f;
      up[child] = above;
      share[child] = own * (above < 0 ? 1 : share[above]!);
      reach[child] = own * reach[n]!;
      length[child] = length[n]! + (above < 0 ? 1 : 0);
    });
  }
  const { points, weights } = gaussLegendre(Math.ceil(longest / 2));
  return { root, nNodes, expected, parent, asked, up, share, ...factorsOf(share, points), weights };
}

function factorsOf(share: Float64Array, points: Float64Array): Pick<TreePaths, "nPoints" | "factors" | "inverses"> {
  const nNodes = share.length;
  const nPoints = points.length;
  const factors = new Float64Array(2 * nNodes * nPoints);
  for (let n = 0; n < nNodes; ++n) {
    for (let k = 0; k < nPoints; ++k) {
      const cold = (1 - points[k]!) * share[n]!;
      factors[n * nPoints + k] = cold;
      factors[(nNodes + n) * nPoints + k] = cold + points[k]!;
    }
  }
  return { nPoints, factors, inverses: factors.map((factor) => 1 / factor) };
}

/** State of one row in one tree, a number a node: */
interface Walk {
  /** 1 where the row meets every condition on the feature so far. */
  readonly met: Uint8Array;
  /** 0 where no coalition of features reaches the node. */
  readonly alive: Uint8Array;
  /** Where its factors stand. */
  readonly at: Int32Array;
  /** Products of all features' factors, and sums of those of the leaves below times leaf value and weight. */
  readonly products: Float64Array;
  readonly sums: Float64Array;
}

function createWalk({ nNodes, nPoints }: TreePaths): Walk {
  return {
    met: new Uint8Array(nNodes).fill(1),
    alive: new Uint8Array(nNodes).fill(1),
    at: new Int32Array(nNodes),
    products: new Float64Array(nNodes * nPoints).fill(1),
    sums: new Float64Array(nNodes * nPoints),
  };
}

function descend(
  trees: TreesPredictor, // in
  paths: TreePaths, // in
  columns: readonly BlockColumn[], // in
  row: number,
  walk: Walk, // out: met, alive, at, products
): void {
  const { root, nNodes, up, share, nPoints, factors, inverses } = paths;
  const { met, alive, at, products } = walk;
  for (let n = 0; n < nNodes; ++n) {
    const f = trees.feature[root + n]!;
    if (f < 0) continue;
    const left = trees.left[root + n]! - root;
    const right = trees.right[root + n]! - root;
    if (alive[n] === 0) {
      alive[left] = 0;
      alive[right] = 0;
      continue;
    }
    const above = up[left]!;
    const isOpen = above < 0 || met[above] === 1;
    const column = columns[f]!;
    const goesLeft = takesLeft(trees, root + n, column.values[column.base + row]!);
    for (let child = left; child >= 0; child = child === left ? right : -1) {
      const isMet = isOpen && (child === left) === goesLeft;
      met[child] = isMet ? 1 : 0;
      alive[child] = isMet || share[child]! > 0 ? 1 : 0;
      if (alive[child] === 0) continue;
      const own = (isMet ? nNodes + child : child) * nPoints;
      at[child] = own;
      const from = n * nPoints;
      const to = child * nPoints;
      if (above < 0) for (let k = 0; k < nPoints; ++k) products[to + k] = products[from + k]! * factors[own + k]!;
      else {
        const old = at[above]!;
        for (let k = 0; k < nPoints; ++k)
          products[to + k] = products[from + k]! * factors[own + k]! * inverses[old + k]!;
      }
    }
  }
}

function takesLeft(trees: TreesPredictor, node: number, x: number): boolean {
  if (Number.isNaN(x)) return trees.missingLeft[node] === 1;
  const set = trees.categoryOffset[node]!;
  if (set < 0) return x <= trees.threshold[node]!;
  return ((trees.categorySets[set + (x >> 5)]! >>> (x & 31)) & 1) === 1;
}

function ascend(
  trees: TreesPredictor, // in
  paths: TreePaths, // in
  walk: Walk, // in; sums: scratch
  out: ContributionSums,
  target: number, // position of the row's and output's first group
): void {
  const { root, nNodes, parent, asked, up, share, nPoints, inverses, weights } = paths;
  const { met, alive, at, products, sums } = walk;
  sums.fill(0);
  for (let n = nNodes - 1; n > 0; --n) {
    if (alive[n] === 0) continue;
    const from = n * nPoints;
    if (trees.feature[root + n]! < 0) {
      const value = trees.value[root + n]!;
      for (let k = 0; k < nPoints; ++k) sums[from + k] = products[from + k]! * weights[k]! * value;
    }
    const to = parent[n]! * nPoints;
    const own = at[n]!;
    let without = 0;
    for (let k = 0; k < nPoints; ++k) {
      sums[to + k]! += sums[from + k]!;
      without += sums[from + k]! * inverses[own + k]!;
    }
    let change = (met[n]! - share[n]!) * without;
    const above = up[n]!;
    if (above >= 0) {
      // Below here the feature's conditions are these, not those its last node above was counted with.
      const old = at[above]!;
      let replaced = 0;
      for (let k = 0; k < nPoints; ++k) replaced += sums[from + k]! * inverses[old + k]!;
      change -= (met[above]! - share[above]!) * replaced;
    }
    out.values[target + out.groupOf[asked[n]!]!]! += change;
  }
}
