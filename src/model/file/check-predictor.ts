import type { DesignLayout } from "../apply.ts";
import type { Model, Task } from "../model.ts";
import type { BayesPredictor, EnsemblePredictor, Link, Predictor, TreesPredictor } from "../predictor.ts";
import { spanOf } from "../score-ensemble.ts";
import { checkEnsemble } from "./check-ensemble.ts";
import { checkNeighbors } from "./check-neighbors.ts";
import { checkNetwork } from "./check-network.ts";
import { checkFinite, wrong } from "./checks.ts";

const linksOf: Readonly<Record<Task, readonly Link[]>> = {
  regression: ["identity", "log"],
  binary: ["sigmoid", "share"],
  multiclass: ["softmax", "share"],
  ranking: ["identity"],
  clustering: ["cluster"],
  anomaly: ["log"],
};

/**
 * Checks, piece by piece, that a predictor ends on every row, never reads outside its arrays, and suits the model's task and
 * design.
 */
export function* checkPredictor(
  { task, labels, predictor }: Pick<Model, "task" | "labels" | "predictor">,
  layout: DesignLayout,
): Generator<undefined> {
  const outputs = task === "multiclass" ? labels.length : 1;
  if (!linksOf[task].includes(predictor.link)) wrong("predictor.link", `does not suit the task ${task}`);
  if (predictor.outputs !== outputs) wrong("predictor.outputs", `is not ${outputs}`);
  if (predictor.kind === "bayes" && predictor.link !== "sigmoid" && predictor.link !== "softmax")
    wrong("predictor.link", "does not suit naive Bayes");
  const isSuitable =
    task === "anomaly" ? predictor.kind === "trees" : (predictor.kind === "clusters") === (task === "clustering");
  if (!isSuitable) wrong("predictor.kind", `does not suit the task ${task}`);
  if (predictor.kind === "ensemble") {
    checkEnsemble(predictor);
    for (const [m, member] of predictor.members.entries())
      yield* checkPredictor({ task, labels, predictor: member }, memberLayout(predictor.spans, m, layout));
  } else if (predictor.kind === "trees") yield* checkTrees(predictor, layout);
  else checkWidths(predictor, layout);
}

/** The columns a member reads, as `memberDesign` gives them. */
function memberLayout(spans: Uint32Array, m: number, layout: DesignLayout): DesignLayout {
  const [denseFrom, denseTo, from, to] = spanOf(spans, m);
  const isInside =
    denseFrom <= denseTo && denseTo <= layout.dense.length && from <= to && to <= layout.sparseNames.length;
  if (!isInside) wrong("predictor.spans", "reach outside the design");
  return {
    dense: layout.dense.slice(denseFrom, denseTo),
    sparseNames: layout.sparseNames.slice(from, to),
    sparseSources: layout.sparseSources.slice(from, to),
  };
}

function checkWidths(
  predictor: Exclude<Predictor, TreesPredictor | EnsemblePredictor>,
  { dense, sparseNames }: DesignLayout,
): void {
  const { nDense, nSparse, outputs } = predictor;
  if (nDense !== dense.length || nSparse !== sparseNames.length)
    wrong("predictor", "reads another design than the features give");
  if (predictor.kind === "linear") {
    checkFinite(predictor.coefficients, "predictor.coefficients", outputs * (nDense + nSparse));
    checkFinite(predictor.intercept, "predictor.intercept", outputs);
    return;
  }
  if (predictor.kind === "bayes") {
    checkBayes(predictor);
    return;
  }
  if (predictor.kind === "network") {
    checkNetwork(predictor);
    return;
  }
  if (predictor.kind === "neighbors") {
    checkNeighbors(predictor);
    return;
  }
  const width = nDense + nSparse;
  const { centres } = predictor;
  if (width > 0 && (centres.length === 0 || centres.length % width !== 0))
    wrong("predictor.centres", "are not whole rows");
  checkFinite(centres, "predictor.centres", centres.length);
}

function checkBayes({ outputs, nDense, nSparse, intercept, means, precisions, coefficients }: BayesPredictor): void {
  const labels = outputs === 1 ? 2 : outputs;
  checkFinite(intercept, "predictor.intercept", labels);
  checkFinite(means, "predictor.means", labels * nDense);
  checkFinite(precisions, "predictor.precisions", labels * nDense);
  checkFinite(coefficients, "predictor.coefficients", labels * nSparse);
  if (precisions.some((precision) => precision <= 0)) wrong("predictor.precisions", "are not all above 0");
}

function* checkTrees(trees: TreesPredictor, layout: DesignLayout): Generator<undefined> {
  const n = trees.feature.length;
  if (trees.sums !== undefined && trees.sums !== "float32") wrong("predictor.sums", "is unknown");
  for (const name of ["threshold", "missingLeft", "categoryOffset", "left", "right", "value", "gain", "cover"] as const)
    if (trees[name].length !== n) wrong(`predictor.${name}`, `has ${trees[name].length} nodes of ${n}`);
  checkFinite(trees.base, "predictor.base", trees.outputs);
  checkFinite(trees.value, "predictor.value", n);
  checkFinite(trees.gain, "predictor.gain", n);
  checkFinite(trees.cover, "predictor.cover", n);
  const { treeOffsets, treeOutput } = trees;
  if (treeOutput.length !== treeOffsets.length) wrong("predictor.treeOutput", "is not one number a tree");
  if (treeOffsets.length === 0 ? n > 0 : treeOffsets[0] !== 0) wrong("predictor.treeOffsets", "leave nodes out");
  for (let tree = 0; tree < treeOffsets.length; ++tree) {
    const end = tree + 1 < treeOffsets.length ? treeOffsets[tree + 1]! : n;
    if (treeOffsets[tree]! >= end || end > n) wrong("predictor.treeOffsets", "do not ascend within the table");
    if (treeOutput[tree]! >= trees.outputs) wrong("predictor.treeOutput", "names an output there is not");
    for (let node = treeOffsets[tree]!; node < end; ++node) checkNode(trees, node, end, layout);
    yield;
  }
}

/** Children stand after their parent and inside their tree, so every walk ends. */
function checkNode(trees: TreesPredictor, node: number, end: number, { dense, sparseNames }: DesignLayout): void {
  const feature = trees.feature[node]!;
  if (feature === -1) return;
  const at = `predictor node ${node}`;
  if (feature < -1 || feature >= dense.length + sparseNames.length) wrong(at, "asks about a column there is not");
  const left = trees.left[node]!;
  const right = trees.right[node]!;
  if (left <= node || left >= end || right <= node || right >= end) wrong(at, "has children outside its tree");
  if (trees.missingLeft[node]! > 1) wrong(at, "does not say where missing values go");
  const set = trees.categoryOffset[node]!;
  if (set === -1) {
    if (Number.isNaN(trees.threshold[node]!)) wrong(at, "has no threshold");
    return;
  }
  const cardinality = dense[feature]?.cardinality ?? 0;
  const isInside = set >= 0 && set + Math.ceil(cardinality / 32) <= trees.categorySets.length;
  if (cardinality === 0 || !isInside) wrong(at, "has its levels outside the table");
}
