import type { HyperparameterTable } from "../../model/estimator.ts";

/** The hyperparameters of neighbors(). */
export const neighborsHyperparameters: HyperparameterTable = Object.freeze({
  neighbors: {
    type: "integer",
    min: 1,
    max: 1000,
    scale: "log",
    default: 5,
    search: [1, 50],
    doc: "Nearest train rows that answer; all of them where there are fewer.",
  },
  weighting: {
    type: "choice",
    choices: ["uniform", "distance"],
    default: "uniform",
    search: ["uniform", "distance"],
    doc: "Whether each of them counts alike or by one over its distance; then rows at no distance count alone. As weights of scikit-learn.",
  },
});
