import { layoutOf } from "../../model/apply.ts";
import type { Model } from "../../model/model.ts";
import type { LinearPredictor, TreesPredictor } from "../../model/predictor.ts";
import { numbersOf } from "./numbers.ts";
import { type Scope, unsupported } from "./scope.ts";

/** Raw scores [rows, outputs] of a design matrix. Throws EXPORT_UNSUPPORTED for predictors other than trees and linear ones. */
export function rawScoresOf(scope: Scope, design: string): string {
  const { predictor } = scope.model;
  if (predictor.kind === "trees") return treeScores(scope, design, predictor);
  if (predictor.kind === "linear") return linearScores(scope, design, predictor);
  throw unsupported(scope.model, `its predictor is of the kind ${predictor.kind}`);
}

function linearScores({ graph }: Scope, design: string, predictor: LinearPredictor): string {
  const { outputs, coefficients, intercept } = predictor;
  const width = coefficients.length / outputs;
  const weights = graph.constant({ type: "double", dims: [outputs, width], values: coefficients });
  const product = graph.node("MatMul", [design, graph.node("Transpose", [weights])]);
  return graph.node("Add", [product, numbersOf(graph).row(intercept)]);
}

/** Splits of a TreeEnsemble (ai.onnx.ml 5): at most a value, or a member of a set. */
const modes = { atMost: 0, member: 6 } as const;

/** Nodes and leaves as the operator wants them, each numbered by itself. */
class Ensemble {
  /** How many levels each dense column of the design has. */
  readonly cardinalities: readonly number[];
  readonly featureids: number[] = [];
  readonly splits: number[] = [];
  readonly modes: number[] = [];
  readonly members: number[] = [];
  readonly missing: number[] = [];
  readonly children: { readonly ids: number[]; readonly leafs: number[] }[] = [
    { ids: [], leafs: [] },
    { ids: [], leafs: [] },
  ];
  readonly leafTargets: number[] = [];
  readonly leafWeights: number[] = [];
  readonly roots: number[] = [];

  constructor(cardinalities: readonly number[]) {
    this.cardinalities = cardinalities;
  }
}

function treeScores(scope: Scope, design: string, trees: TreesPredictor): string {
  const { graph, model } = scope;
  if (trees.sums === "float32") throw unsupported(model, "its trees compare and add in float32, as their trainer does");
  const ensemble = new Ensemble(layoutOf(model.features).dense.map(({ cardinality }) => cardinality));
  trees.treeOffsets.forEach((root, tree) =>
    ensemble.roots.push(addTree(ensemble, trees, root, trees.treeOutput[tree]!)),
  );
  const doubles = (values: readonly number[]) => ({ type: "double", dims: [values.length], values }) as const;
  const [whenTrue, whenFalse] = ensemble.children;
  const attributes = {
    nodes_featureids: ensemble.featureids,
    nodes_splits: doubles(ensemble.splits),
    nodes_modes: { type: "uint8", dims: [ensemble.modes.length], values: ensemble.modes },
    nodes_missing_value_tracks_true: ensemble.missing,
    nodes_truenodeids: whenTrue!.ids,
    nodes_trueleafs: whenTrue!.leafs,
    nodes_falsenodeids: whenFalse!.ids,
    nodes_falseleafs: whenFalse!.leafs,
    ...(ensemble.members.length > 0 ? { membership_values: doubles(ensemble.members) } : {}),
    leaf_targetids: ensemble.leafTargets,
    leaf_weights: doubles(ensemble.leafWeights),
    tree_roots: ensemble.roots,
    n_targets: trees.outputs,
    aggregate_function: 1,
    post_transform: 0,
  } as const;
  if (ensemble.roots.length === 0) throw unsupported(model, "it has no trees");
  return graph.node("Add", [graph.node("TreeEnsemble", [design], attributes), numbersOf(graph).row(trees.base)]);
}

/** Adds one tree; gives the number of its root. A tree that is one leaf becomes a split both sides of which are that leaf. */
function addTree(ensemble: Ensemble, trees: TreesPredictor, root: number, output: number): number {
  const first = ensemble.splits.length;
  if (trees.feature[root]! < 0) {
    addSplit(ensemble, 0, modes.atMost, 0, 0);
    const leaf = addLeaf(ensemble, trees.value[root]!, output);
    for (const side of [0, 1] as const) setChild(ensemble, first, side, leaf, true);
    return first;
  }
  // Nodes get their numbers as they are met; a stack, as trees may be deep.
  const stack: [node: number, place: number][] = [[root, addNode(ensemble, trees, root)]];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [node, place] = next;
    for (const side of [0, 1] as const) {
      const child = (side === 0 ? trees.left : trees.right)[node]!;
      const isLeaf = trees.feature[child]! < 0;
      const at = isLeaf ? addLeaf(ensemble, trees.value[child]!, output) : addNode(ensemble, trees, child);
      setChild(ensemble, place, side, at, isLeaf);
      if (!isLeaf) stack.push([child, at]);
    }
  }
  return first;
}

function addNode(ensemble: Ensemble, trees: TreesPredictor, node: number): number {
  const set = trees.categoryOffset[node]!;
  const missing = trees.missingLeft[node]!;
  if (set < 0) return addSplit(ensemble, trees.feature[node]!, modes.atMost, trees.threshold[node]!, missing);
  const members = membersOf(trees, node, ensemble.cardinalities[trees.feature[node]!]!);
  // Sets follow each other in the order of their nodes, each with a NaN at its end.
  ensemble.members.push(...members, Number.NaN);
  return addSplit(ensemble, trees.feature[node]!, modes.member, 0, missing);
}

/** The codes that go left; a set has a bit for each of the feature's levels. */
function membersOf({ categoryOffset, categorySets }: TreesPredictor, node: number, cardinality: number): number[] {
  const start = categoryOffset[node]!;
  const members: number[] = [];
  for (let code = 0; code < cardinality; ++code)
    if ((categorySets[start + (code >> 5)]! >>> (code & 31)) & 1) members.push(code);
  return members;
}

function addSplit(ensemble: Ensemble, feature: number, mode: number, split: number, missing: number): number {
  ensemble.featureids.push(feature);
  ensemble.modes.push(mode);
  ensemble.missing.push(missing);
  for (const { ids, leafs } of ensemble.children) {
    ids.push(0);
    leafs.push(0);
  }
  return ensemble.splits.push(split) - 1;
}

function addLeaf(ensemble: Ensemble, value: number, output: number): number {
  ensemble.leafTargets.push(output);
  return ensemble.leafWeights.push(value) - 1;
}

function setChild(ensemble: Ensemble, place: number, side: 0 | 1, at: number, isLeaf: boolean): void {
  ensemble.children[side]!.ids[place] = at;
  ensemble.children[side]!.leafs[place] = isLeaf ? 1 : 0;
}

/** The answers made of raw scores, as outputs of the graph. */
export function addOutputs(scope: Scope, scores: string): void {
  const { graph, model } = scope;
  const { constant } = numbersOf(graph);
  const linked = linkedScores(scope, scores);
  if (model.task === "regression" || model.task === "ranking" || model.task === "anomaly")
    return graph.output({ name: "prediction", type: "double", width: 1 }, linked);
  const isBinary = model.task === "binary";
  const opposite = isBinary ? graph.node("Sub", [constant(1), linked]) : "";
  const probabilities = isBinary ? graph.node("Concat", [opposite, linked], { axis: 1 }) : linked;
  const isPositive = graph.node("GreaterOrEqual", [linked, constant(model.threshold ?? 0.5)]);
  const rows = graph.constant({ type: "int64", dims: [1], values: [-1] });
  const positions = isBinary
    ? graph.node("Reshape", [graph.node("Cast", [isPositive], { to: 7 }), rows])
    : graph.node("ArgMax", [linked], { axis: 1, keepdims: 0 });
  const label = graph.node("Gather", [labelsOf(scope), positions]);
  const type = typeof model.labels[0] === "boolean" ? "bool" : "string";
  graph.output({ name: "label", type, width: null }, label);
  graph.output({ name: "probabilities", type: "double", width: model.labels.length }, probabilities);
}

function labelsOf({ graph, model: { labels } }: Scope): string {
  const dims = [labels.length];
  return typeof labels[0] === "boolean"
    ? graph.constant({ type: "bool", dims, values: labels.map(Number) })
    : graph.constant({ type: "string", dims, values: labels.map(String) });
}

function linkedScores(scope: Scope, scores: string): string {
  const { graph, model } = scope;
  const { link, outputs }: Pick<Model["predictor"], "link" | "outputs"> = model.predictor;
  const { constant } = numbersOf(graph);
  switch (link) {
    case "identity":
      return scores;
    case "log":
      return graph.node("Exp", [scores]);
    case "sigmoid":
      return graph.node("Sigmoid", [scores]);
    case "softmax":
      return graph.node("Softmax", [scores], { axis: 1 });
    case "share":
      if (outputs === 1) return graph.node("Clip", [scores, constant(0), constant(1)]);
      break;
    case "cluster":
      break;
  }
  throw unsupported(model, `its scores become answers by ${link}`);
}
