import type { FittedTransform } from "../fitted-transform.ts";
import type { LinearPredictor, Link, TreesPredictor } from "../predictor.ts";
import { limitUpTo } from "./float32.ts";
import { emptyForest, layTree, tableOf, type Forest } from "./forest.ts";
import type { ImportedColumn, ImportedModel } from "./imported.ts";
import { type List, type Members, doubleIn, isMembers, listAt, membersAt, textAt, wholeIn } from "./members.ts";
import { refuse } from "./refusal.ts";

const mostNodes = 1 << 25;
const mostTrees = 1 << 22;
const leastCover = 1e-16;
const links: readonly Link[] = ["identity", "log", "sigmoid", "softmax", "share"];

/** Whether a JSON value is what our exporter of scikit-learn models writes. */
export function isSklearn(file: Members): boolean {
  return Object.hasOwn(file, "millrace") && file["millrace"] === "scikit-learn model";
}

/**
 * Reads a scikit-learn model, as `millrace_sklearn.py` writes it. Rows take the same way down every tree: where scikit-learn
 * rounds inputs to float32, thresholds are moved so that the same doubles go left. Boosted sums are scikit-learn's bit for
 * bit; averages of trees and sums of linear terms are to rounding, for it adds them in an order of its own.
 */
export function readSklearn(file: Members): ImportedModel {
  wholeIn(file["format"], "format", 1, 1);
  const columns = columnsOf(listAt(file, "columns"), file["missing"] === true);
  const labels = textsOf(listAt(file, "labels"), "labels");
  const link = links.find((one) => one === file["link"]);
  if (link === undefined) return refuse("its link is unknown");
  const isNumber = link === "identity" || link === "log";
  if (isNumber ? labels.length > 0 : labels.length < 2 || (link === "sigmoid" && labels.length > 2))
    refuse(`the link "${link}" does not suit ${labels.length} labels`);
  const outputs = labels.length > 2 ? labels.length : 1;
  const predictor = Object.hasOwn(file, "trees")
    ? treesOf(membersAt(file, "trees"), link, outputs, columns.length)
    : linearOf(membersAt(file, "linear"), link, outputs, columns.length);
  const trainer = { trainer: "scikit-learn" as const, objective: textAt(file, "estimator") };
  return { ...trainer, columns, predictor, ...(isNumber ? {} : { labels }) };
}

function columnsOf(columns: List, mayMiss: boolean): ImportedColumn[] {
  return Array.from(columns, (column) => {
    if (!isMembers(column)) return refuse("a column is no object");
    const steps = Array.from(listAt(column, "steps"), transformOf);
    return { name: textAt(column, "name"), levels: null, steps, isRequired: !mayMiss };
  });
}

function transformOf(step: unknown): FittedTransform {
  if (isMembers(step) && Object.hasOwn(step, "impute"))
    return { kind: "impute", value: doubleIn(step["impute"], "impute"), indicator: false };
  if (!isMembers(step)) return refuse("a step is no object");
  const numbers = listAt(step, "standardize", 2);
  const scale = doubleIn(numbers[1], "standardize");
  if (scale === 0) refuse("a column is divided by 0");
  return { kind: "standardize", mean: doubleIn(numbers[0], "standardize"), scale };
}

function textsOf(list: List, what: string): string[] {
  return Array.from(list, (value) => (typeof value === "string" ? value : refuse(`${what} holds what is no text`)));
}

function doublesOf(list: List, what: string): Float64Array {
  return Float64Array.from(list, (value) => doubleIn(value, what));
}

function linearOf(linear: Members, link: Link, outputs: number, nColumns: number): LinearPredictor {
  const rows = listAt(linear, "coefficients", outputs);
  const coefficients = new Float64Array(outputs * nColumns);
  for (let k = 0; k < outputs; ++k)
    coefficients.set(
      doublesOf(listAt({ coefficients: rows[k] }, "coefficients", nColumns), "coefficients"),
      k * nColumns,
    );
  const intercept = doublesOf(listAt(linear, "intercept", outputs), "intercept");
  return { kind: "linear", link, outputs, nDense: nColumns, nSparse: 0, coefficients, intercept };
}

function treesOf(part: Members, link: Link, outputs: number, nColumns: number): TreesPredictor {
  const trees = listAt(part, "trees");
  if (trees.length > mostTrees) refuse(`it has ${trees.length} trees`);
  const isSingle = part["float32"] === true;
  const forest = emptyForest();
  const treeOutput = Uint32Array.from(trees, (tree) => {
    if (!isMembers(tree)) return refuse("a tree is no object");
    appendTree(forest, tree, nColumns, isSingle);
    return wholeIn(tree["output"], "output", 0, outputs - 1);
  });
  const base = doublesOf(listAt(part, "base", outputs), "base");
  return { kind: "trees", link, outputs, base, treeOutput, ...tableOf(forest) };
}

function appendTree(forest: Forest, tree: Members, nColumns: number, isSingle: boolean): void {
  const left = listAt(tree, "left");
  const nNodes = wholeIn(left.length, "the number of nodes", 1, mostNodes);
  const list = (name: string): List => listAt(tree, name, nNodes);
  const [right, feature, threshold] = [list("right"), list("feature"), list("threshold")];
  const [missingLeft, value, covers, gains] = [list("missingLeft"), list("value"), list("cover"), list("gain")];
  const nReached = layTree(forest, nNodes, 0, (node) => {
    const cover = Math.max(leastCover, doubleIn(covers[node], "cover"));
    if (left[node] === -1) return { value: doubleIn(value[node], "value"), cover };
    const bound = doubleIn(threshold[node], "threshold");
    return {
      feature: wholeIn(feature[node], "feature", 0, nColumns - 1),
      threshold: isSingle ? limitUpTo(bound) : bound,
      missingLeft: wholeIn(missingLeft[node], "missingLeft", 0, 1),
      left: wholeIn(left[node], "left", 1, nNodes - 1),
      right: wholeIn(right[node], "right", 1, nNodes - 1),
      set: -1,
      gain: Math.max(0, doubleIn(gains[node], "gain")),
      cover,
    };
  });
  if (nReached !== nNodes) refuse(`tree ${forest.offsets.length - 1} has nodes no row can reach`);
}
