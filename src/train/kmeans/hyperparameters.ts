import type { HyperparameterTable } from "../../model/estimator.ts";
import { componentsDeclaration } from "../components/hyperparameter.ts";

/** The hyperparameters of kmeans(). */
export const kmeansHyperparameters: HyperparameterTable = Object.freeze({
  clusters: {
    type: "integer",
    min: 1,
    max: 10_000,
    scale: "log",
    default: 8,
    search: [2, 12],
    doc: "Number of clusters; at most one a row.",
  },
  restarts: {
    type: "integer",
    min: 1,
    max: 1000,
    scale: "log",
    default: 4,
    doc: "Independent starts; the one of least inertia is kept.",
  },
  batch: {
    type: "integer",
    min: 0,
    max: 1_000_000,
    scale: "log",
    default: 0,
    doc: "Rows the centres move by at a time (mini-batch k-means): faster on many rows, of slightly more inertia. 0: all rows.",
  },
  start: {
    type: "choice",
    choices: ["plusplus", "random"],
    default: "plusplus",
    doc: "First centres: spread out by greedy k-means++, or rows drawn at random.",
  },
  components: componentsDeclaration,
});
