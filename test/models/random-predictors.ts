import type { Rng } from "../../src/core/rng.ts";
import type { Design, SparseBlock } from "../../src/model/design.ts";
import type { TreesPredictor } from "../../src/model/predictor.ts";

/** Random designs and trees for tests: two number columns with missing values, one of 70 levels, and sparse columns. */
export function randomDesign(rng: Rng, nRows: number, { sparse }: { readonly sparse: number }): Design {
  const numbers = (): Float64Array =>
    Float64Array.from({ length: nRows }, () => (rng.next() < 0.2 ? NaN : Math.round(rng.next() * 20) - 10));
  const codes = Float64Array.from({ length: nRows }, () => (rng.next() < 0.2 ? NaN : rng.integer(70)));
  return {
    nRows,
    dense: [
      { name: "x", source: "x", values: numbers(), cardinality: 0 },
      { name: "c", source: "c", values: codes, cardinality: 70 },
      { name: "y", source: "y", values: numbers(), cardinality: 0 },
    ],
    sparse: randomSparse(rng, nRows, sparse),
  };
}

function randomSparse(rng: Rng, nRows: number, width: number): SparseBlock {
  const offsets = new Uint32Array(nRows + 1);
  const indices: number[] = [];
  const values: number[] = [];
  for (let row = 0; row < nRows; ++row) {
    for (let j = 0; j < width; ++j) {
      if (rng.next() < 0.6) continue;
      indices.push(j);
      values.push(rng.next() * 4 - 2);
    }
    offsets[row + 1] = indices.length;
  }
  const names = Array.from({ length: width }, (_, j) => `s${j}`);
  return { names, sources: names, offsets, indices: Uint32Array.from(indices), values: Float64Array.from(values) };
}

/** One row of a design as a design. */
export function rowOfDesign(design: Design, row: number): Design {
  const { names, sources, offsets, indices, values } = design.sparse;
  const from = offsets[row]!;
  const to = offsets[row + 1]!;
  return {
    nRows: 1,
    dense: design.dense.map((column) => ({ ...column, values: column.values.slice(row, row + 1) })),
    sparse: {
      names,
      sources,
      offsets: Uint32Array.of(0, to - from),
      indices: indices.slice(from, to),
      values: values.slice(from, to),
    },
  };
}

/** Trees grown by splitting random leaves on random features until each has `leaves` leaves (default 8). */
export function randomTrees(
  rng: Rng,
  design: Design,
  options: { readonly outputs: number; readonly trees: number; readonly leaves?: number },
): TreesPredictor {
  const nFeatures = design.dense.length + design.sparse.names.length;
  const nodes: { feature: number; threshold: number; missing: number; set: number; left: number; right: number }[] = [];
  const treeOffsets: number[] = [];
  const sets: number[] = [];
  const addLeaf = (): number => nodes.push({ feature: -1, threshold: 0, missing: 0, set: -1, left: -1, right: -1 }) - 1;
  for (let tree = 0; tree < options.trees; ++tree) {
    treeOffsets.push(nodes.length);
    const leaves = [addLeaf()];
    while (leaves.length < (options.leaves ?? 8)) {
      const node = nodes[leaves.splice(rng.integer(leaves.length), 1)[0]!]!;
      node.feature = rng.integer(nFeatures);
      node.missing = rng.integer(2);
      const cardinality = design.dense[node.feature]?.cardinality ?? 0;
      if (cardinality > 0) {
        node.set = sets.length;
        for (let word = 0; word < Math.ceil(cardinality / 32); ++word) sets.push(rng.integer(2 ** 32));
      } else node.threshold = Math.round(rng.next() * 20) - 10;
      node.left = addLeaf();
      node.right = addLeaf();
      leaves.push(node.left, node.right);
    }
  }
  return {
    kind: "trees",
    link: options.outputs === 1 ? "identity" : "softmax",
    outputs: options.outputs,
    base: Float64Array.from({ length: options.outputs }, () => rng.next()),
    treeOffsets: Uint32Array.from(treeOffsets),
    treeOutput: Uint32Array.from({ length: options.trees }, (_, tree) => tree % options.outputs),
    feature: Int32Array.from(nodes, (node) => node.feature),
    threshold: Float64Array.from(nodes, (node) => node.threshold),
    missingLeft: Uint8Array.from(nodes, (node) => node.missing),
    categoryOffset: Int32Array.from(nodes, (node) => node.set),
    left: Int32Array.from(nodes, (node) => node.left),
    right: Int32Array.from(nodes, (node) => node.right),
    value: Float64Array.from(nodes, () => rng.next() - 0.5),
    gain: Float64Array.from(nodes, (node) => (node.feature < 0 ? 0 : rng.next())),
    cover: Float64Array.from(nodes, () => rng.next()),
    categorySets: Uint32Array.from(sets),
  };
}
