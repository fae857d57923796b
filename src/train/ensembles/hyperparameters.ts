import type { HyperparameterDeclaration, HyperparameterTable } from "../../model/estimator.ts";

const folds: HyperparameterDeclaration = {
  type: "integer",
  min: 2,
  max: 20,
  scale: "linear",
  default: 5,
  doc: "Parts of the train rows: what is learned of the members is learned from rows they were not fitted on. They obey the declared group and time.",
};

/** The hyperparameters of calibrated(). */
export const calibratedHyperparameters: HyperparameterTable = Object.freeze({
  method: {
    type: "choice",
    choices: ["platt", "isotonic"],
    default: "platt",
    doc: "platt: a sigmoid of the log odds, for any number of rows. isotonic: the best ascending line, for some thousand rows and more.",
  },
  folds,
});

/** The hyperparameters of blend(). */
export const blendHyperparameters: HyperparameterTable = Object.freeze({ folds });

/** The hyperparameters of stack(). */
export const stackHyperparameters: HyperparameterTable = Object.freeze({
  l2: {
    type: "real",
    min: 0,
    max: 1e9,
    scale: "log",
    default: 1,
    doc: "Penalty of the final linear model, as in linear().",
  },
  folds,
});
