import type { HyperparameterDeclaration, HyperparameterTable } from "../../model/estimator.ts";
import { classWeightsDeclaration } from "../class-weights.ts";
import { componentsDeclaration } from "../components/hyperparameter.ts";
import { huberDeltaDeclaration } from "../robust.ts";

/** Declared alike by what L-BFGS solves. */
export const toleranceDeclaration: HyperparameterDeclaration = Object.freeze({
  type: "real",
  min: 0,
  max: 1,
  openMin: true,
  scale: "log",
  default: 1e-5,
  doc: "The solver stops where no component of the gradient of the mean loss exceeds it.",
});

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
  l1: {
    type: "real",
    min: 0,
    max: 1e9,
    scale: "log",
    default: 0,
    doc: "Penalty: it times the absolute coefficients is added to the sum of losses, which makes many of them exactly 0 (lasso; with l2 the elastic net).",
  },
  loss: {
    type: "choice",
    choices: ["auto", "squared", "huber", "poisson"],
    default: "auto",
    doc: "What is minimised for a target of numbers: squared (what auto takes), huber (outliers count linearly) or poisson (counts; answers above 0). For labels it is auto: logistic or multinomial.",
  },
  huberDelta: huberDeltaDeclaration,
  maxIterations: {
    type: "integer",
    min: 1,
    max: 100_000,
    scale: "log",
    default: 500,
    doc: "Most iterations of the solver (L-BFGS; with l1 its orthant-wise kind or sweeps of coordinate descent).",
  },
  tolerance: toleranceDeclaration,
  components: componentsDeclaration,
  classWeights: classWeightsDeclaration,
});
