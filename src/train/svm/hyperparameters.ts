import type { HyperparameterTable } from "../../model/estimator.ts";
import { classWeightsDeclaration } from "../class-weights.ts";
import { componentsDeclaration } from "../components/hyperparameter.ts";
import { toleranceDeclaration } from "../linear/hyperparameters.ts";

/** The hyperparameters of svm(). */
export const svmHyperparameters: HyperparameterTable = Object.freeze({
  l2: {
    type: "real",
    min: 0,
    openMin: true,
    max: 1e9,
    scale: "log",
    default: 1,
    search: [1e-3, 1e3],
    doc: "Penalty: half of it times the squared coefficients is added to the sum of losses; the intercept is free. As 1/C of scikit-learn's LinearSVC and LinearSVR with squared losses.",
  },
  epsilon: {
    type: "real",
    min: 0,
    max: 1000,
    scale: "linear",
    default: 0.1,
    search: [0, 1],
    doc: "Residuals up to so many median absolute deviations of the target cost nothing. For a target of numbers.",
  },
  maxIterations: {
    type: "integer",
    min: 1,
    max: 100_000,
    scale: "log",
    default: 500,
    doc: "Most iterations of the solver (L-BFGS).",
  },
  tolerance: toleranceDeclaration,
  components: componentsDeclaration,
  classWeights: classWeightsDeclaration,
});
