import type { HyperparameterDeclaration, HyperparameterTable } from "../../model/estimator.ts";
import { classWeightsDeclaration } from "../class-weights.ts";

const trees: HyperparameterDeclaration = {
  type: "integer",
  min: 1,
  max: 10_000,
  scale: "log",
  default: 100,
  doc: "Trees whose answers are averaged. More only make the average steadier, the model larger and slower.",
};

const depth: HyperparameterDeclaration = {
  type: "integer",
  min: 0,
  max: 64,
  scale: "linear",
  default: 0,
  doc: "Most splits between root and leaf; 0 = no limit.",
};

const minRows: HyperparameterDeclaration = {
  type: "integer",
  min: 1,
  max: 1_000_000,
  scale: "log",
  default: 3,
  search: [1, 30],
  doc: "Fewest different training rows of a leaf: 1 grows trees out fully, more make a smaller and smoother model.",
};

const columns: HyperparameterDeclaration = {
  type: "choice",
  choices: ["auto", "root", "third", "half", "all"],
  default: "auto",
  search: ["root", "third", "half", "all"],
  doc: "How many columns, drawn anew, each split may choose from: their square root, a third, half, or all. auto: the root for labels, half for numbers.",
};

const bins: HyperparameterDeclaration = {
  type: "integer",
  min: 2,
  max: 255,
  scale: "log",
  default: 255,
  doc: "Most bins of a column, besides the one for missing: how finely thresholds are placed.",
};

function bootstrapBy(byDefault: boolean): HyperparameterDeclaration {
  return {
    type: "boolean",
    default: byDefault,
    doc: "Each tree learns from as many rows as there are, drawn with replacement; false = all trees from all rows.",
  };
}

/** Random forest (Breiman 2001). */
export const forestHyperparameters: HyperparameterTable = Object.freeze({
  trees,
  depth,
  minRows,
  columns,
  bins,
  bootstrap: bootstrapBy(true),
  classWeights: classWeightsDeclaration,
});

/** Extremely randomised trees (Geurts 2006). */
export const extraTreesHyperparameters: HyperparameterTable = Object.freeze({
  trees,
  depth,
  minRows,
  columns,
  bins,
  bootstrap: bootstrapBy(false),
  classWeights: classWeightsDeclaration,
});

/** One tree that can be read. */
export const treeHyperparameters: HyperparameterTable = Object.freeze({
  depth: { ...depth, default: 4, search: [2, 10], doc: "Most splits between root and leaf; 0 = no limit." },
  minRows: { ...minRows, default: 20, search: [5, 100], doc: "Fewest different training rows of a leaf." },
  bins,
  classWeights: classWeightsDeclaration,
});
