import type { HyperparameterTable } from "../../model/estimator.ts";

/** The hyperparameters of isolationForest(). There is no truth to score a search by: none has a search range. */
export const isolationForestHyperparameters: HyperparameterTable = Object.freeze({
  trees: {
    type: "integer",
    min: 1,
    max: 10_000,
    scale: "log",
    default: 100,
    doc: "Trees whose path lengths are averaged. More make the score steadier, the model larger and slower.",
  },
  sampleRows: {
    type: "integer",
    min: 2,
    max: 65_536,
    scale: "log",
    default: 256,
    doc: "Rows that each tree is grown from, drawn without replacement; by weight, and with replacement, where rows have weights. Few are enough: more make rows within a crowd of outliers look usual.",
  },
});
