import type { Link, TreesPredictor } from "../../model/predictor.ts";
import type { ColumnBins } from "./bins.ts";
import type { Loss } from "./plan.ts";
import type { FinishedTree } from "./tree.ts";

/** How raw scores become answers, by loss. */
export const links: Readonly<Record<Loss, Link>> = {
  squared: "identity",
  absolute: "identity",
  huber: "identity",
  quantile: "identity",
  poisson: "log",
  tweedie: "log",
  logistic: "sigmoid",
  softmax: "softmax",
  lambdarank: "identity",
};

/** The grown trees as a predictor of raw values, behind those it went on from: bins become thresholds and sets of level codes. */
export function toPredictor(args: {
  readonly link: Link;
  readonly base: Float64Array;
  readonly start?: TreesPredictor | null;
  readonly trees: readonly FinishedTree[];
  readonly bins: readonly ColumnBins[];
  /** Per feature; 0 for numbers. */
  readonly cardinalities: readonly number[];
}): TreesPredictor {
  const { link, base, trees, bins, cardinalities } = args;
  const start = args.start ?? noTrees;
  let offset = start.feature.length;
  const table = emptyTable(trees.reduce((total, tree) => total + tree.nNodes, offset));
  for (const part of Object.keys(table) as (keyof NodeTable)[]) table[part].set(start[part]);
  const sets = Array.from(start.categorySets);
  const nEarlier = start.treeOffsets.length;
  const treeOffsets = new Uint32Array(nEarlier + trees.length);
  const treeOutput = new Uint32Array(nEarlier + trees.length);
  treeOffsets.set(start.treeOffsets);
  treeOutput.set(start.treeOutput);
  trees.forEach((tree, t) => {
    treeOffsets[nEarlier + t] = offset;
    treeOutput[nEarlier + t] = tree.output;
    writeNodes(tree, offset, table, (f, routes) => pushSet(sets, bins[f]!, cardinalities[f]!, routes), bins);
    offset += tree.nNodes;
  });
  return {
    kind: "trees",
    link,
    outputs: base.length,
    base,
    treeOffsets,
    treeOutput,
    ...table,
    categorySets: Uint32Array.from(sets),
  };
}

type NodeTable = Omit<
  TreesPredictor,
  "kind" | "link" | "outputs" | "sums" | "base" | "treeOffsets" | "treeOutput" | "categorySets"
>;

/** Writes a tree's nodes from `offset` on. */
function writeNodes(
  tree: FinishedTree,
  offset: number,
  table: NodeTable,
  pushRoutes: (feature: number, routes: Uint8Array) => number,
  bins: readonly ColumnBins[],
): void {
  for (const part of ["feature", "missingLeft", "value", "gain", "cover"] as const) table[part].set(tree[part], offset);
  for (let node = 0; node < tree.nNodes; ++node) {
    const at = offset + node;
    const f = tree.feature[node]!;
    if (f < 0) continue;
    table.left[at] = offset + tree.left[node]!;
    table.right[at] = offset + tree.right[node]!;
    const routes = tree.routes[node];
    if (routes) table.categoryOffset[at] = pushRoutes(f, routes);
    else table.threshold[at] = thresholdOf(bins[f]!, tree.bin[node]!);
  }
}

/** What a training that begins anew goes on from. */
const noTrees = {
  ...emptyTable(0),
  treeOffsets: new Uint32Array(0),
  treeOutput: new Uint32Array(0),
  categorySets: new Uint32Array(0),
} as const;

/** Leaves without a value, to be filled in. */
export function emptyTable(nNodes: number): NodeTable {
  return {
    feature: new Int32Array(nNodes),
    threshold: new Float64Array(nNodes),
    missingLeft: new Uint8Array(nNodes),
    categoryOffset: new Int32Array(nNodes).fill(-1),
    left: new Int32Array(nNodes).fill(-1),
    right: new Int32Array(nNodes).fill(-1),
    value: new Float64Array(nNodes),
    gain: new Float64Array(nNodes),
    cover: new Float64Array(nNodes),
  };
}

/** Everything up to `bin` goes left: its upper bound, or Infinity for the last (values left, missing right). */
function thresholdOf(bins: ColumnBins, bin: number): number {
  return bins.kind === "number" ? (bins.upper[bin] ?? Infinity) : Number.NaN;
}

/** Appends the set of level codes whose bins go left and returns its position in words. */
function pushSet(sets: number[], bins: ColumnBins, cardinality: number, routes: Uint8Array): number {
  const at = sets.length;
  for (let word = 0; word < Math.ceil(cardinality / 32); ++word) sets.push(0);
  for (let code = 0; code < cardinality; ++code) {
    const bin = bins.kind === "category" ? bins.binOfCode[code]! : bins.nValues;
    if (routes[bin] === 4) sets[at + (code >> 5)]! |= 1 << (code & 31);
  }
  return at;
}
