import { MillraceError } from "../../core/errors/error.ts";
import { log } from "../../math/elementary.ts";
import type { Design } from "../../model/design.ts";
import type { EstimatorImplementation, FitResult, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { BayesPredictor } from "../../model/predictor.ts";
import { classFactors, labelWeights, withFactors } from "../class-weights.ts";
import { refuseMissing } from "../completeness.ts";
import { naiveBayesHyperparameters } from "./hyperparameters.ts";
import { fitLevels, fitNumbers } from "./likelihoods.ts";

/**
 * Naive Bayes: given the label, columns are taken as independent. Numbers are normal with a mean and variance a label; the
 * entries of each one-hot or text column are draws from a multinomial a label. One pass in closed form.
 */
export const naiveBayesEstimator: EstimatorImplementation = Object.freeze({
  name: "naiveBayes",
  tasks: Object.freeze(["binary", "multiclass"] as const),
  style: "dense",
  hyperparameters: naiveBayesHyperparameters,
  fit: async (design: Design, target: Target, hyperparameters: HyperparameterValues) =>
    fit(design, target, hyperparameters),
});

/** What a label without rows weighs, in rows: it stays possible, and the likeliest nowhere but by its absence. */
const absentWeight = 1e-6;
const logTwoPi = log(2 * Math.PI);

function fit(design: Design, given: Target, hyperparameters: HyperparameterValues): FitResult {
  const target = withFactors(given, classFactors(given, hyperparameters["classWeights"]));
  refuseMissing("naiveBayes", design, target);
  refuseBadEntries(design);
  const { nLabels } = target;
  const totals = labelWeights(target);
  const total = totals.reduce((sum, weight) => sum + weight, 0);
  const { means, variances } = fitNumbers(design, target, totals, Number(hyperparameters["varianceSmoothing"]));
  const nDense = design.dense.length;
  const intercept = totals.map((weight, k) => {
    let sum = log((weight > 0 ? weight : absentWeight) / total);
    for (let j = 0; j < nDense; ++j) sum -= (logTwoPi + log(variances[k * nDense + j]!)) / 2;
    return sum;
  });
  const predictor: BayesPredictor = Object.freeze({
    kind: "bayes",
    link: target.task === "binary" ? "sigmoid" : "softmax",
    outputs: target.task === "binary" ? 1 : nLabels,
    nDense,
    nSparse: design.sparse.names.length,
    intercept,
    means,
    precisions: variances.map((variance) => 1 / variance),
    coefficients: fitLevels(design, target, Number(hyperparameters["smoothing"])),
  });
  return { predictor, notes: {} };
}

/** Entries are counts: a multinomial has no room for others. */
function refuseBadEntries({ sparse: { values, names, indices } }: Design): void {
  const at = values.findIndex((value) => value < 0);
  if (at === -1) return;
  throw new MillraceError("DEFINITION_INVALID", {
    subject: `the column "${names[indices[at]!]}"`,
    rule: "must hold finite numbers of 0 or more for naiveBayes()",
    actual: String(values[at]),
  });
}
