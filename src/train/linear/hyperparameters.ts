import type { HyperparameterTable } from "../../model/estimator.ts";
import { classWeightsDeclaration } from "../class-weights.ts";

/** The hyperparameters of linear(). */
export const linearHyperparameters: HyperparameterTable = Object.freeze({
  l2: {
    type: "real",
    min: 0,
    max: 1e9,
    scale: "log",
    default: 1,
    search: [1e-3, 1e3],
    doc: "Penalty: half of it times the squared coefficients is added to the sum of losses; the intercept is free. As alpha of scikit-learn's Ridge and 1/C of its LogisticRegression.",
  },
  maxIterations: {
    type: "integer",
    min: 1,
    max: 100_000,
    scale: "log",
    default: 500,
    doc: "Most iterations of the solver (L-BFGS).",
  },
  tolerance: {
    type: "real",
    min: 0,
    max: 1,
    openMin: true,
    scale: "log",
    default: 1e-5,
    doc: "The solver stops where no component of the gradient of the mean loss exceeds it.",
  },
  classWeights: classWeightsDeclaration,
});
