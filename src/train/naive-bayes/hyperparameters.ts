import type { HyperparameterTable } from "../../model/estimator.ts";
import { classWeightsDeclaration } from "../class-weights.ts";

/** The hyperparameters of naiveBayes(). */
export const naiveBayesHyperparameters: HyperparameterTable = Object.freeze({
  smoothing: {
    type: "real",
    min: 0,
    openMin: true,
    max: 1e6,
    scale: "log",
    default: 1,
    search: [0.01, 10],
    doc: "Added to the count of every level and term under every label, so that nothing unseen is impossible. As alpha of scikit-learn's CategoricalNB and MultinomialNB.",
  },
  varianceSmoothing: {
    type: "real",
    min: 0,
    openMin: true,
    max: 1,
    scale: "log",
    default: 1e-9,
    search: [1e-9, 0.1],
    doc: "Share of the largest variance of any column of numbers that is added to every variance. As var_smoothing of scikit-learn's GaussianNB.",
  },
  classWeights: classWeightsDeclaration,
});
