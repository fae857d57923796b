import { emptySparseBlock, type Design } from "../../model/design.ts";
import type { FitContext, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { EnsemblePredictor } from "../../model/predictor.ts";
import { logOdds } from "../../model/score-ensemble.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { linearEstimator } from "../linear/estimator.ts";
import { refuseMissing, requireWeight } from "../completeness.ts";
import { createPause } from "../pause.ts";
import { calibrateTwo } from "../svm/calibration.ts";
import { blendWeights } from "./blend-weights.ts";
import { fitIsotonic } from "./isotonic.ts";

/** How members' answers become one. */
export type Combination = Omit<EnsemblePredictor, "kind" | "members" | "spans">;

/**
 * What an ensemble learns of its members: from what each answered for rows it was not fitted on (row-major, one number a row,
 * or one a label where there are more than two).
 */
export async function combineAnswers(
  ensemble: string,
  answers: readonly Float64Array[],
  target: Target,
  hyperparameters: HyperparameterValues,
  context: FitContext,
): Promise<Combination> {
  const outputs = target.task === "multiclass" ? target.nLabels : 1;
  const design = designOf(answers, target.values.length, outputs);
  requireWeight(target.weights, "the weights of the rows held out of the members' fits");
  refuseMissing(ensemble, design, target);
  if (ensemble === "stack") return stack(design, target, outputs, hyperparameters, context);
  if (ensemble === "blend") {
    const link = target.task === "regression" ? "identity" : "share";
    return { ...blank, method: "blend", link, outputs, weights: blendWeights(answers, target, outputs) };
  }
  return hyperparameters["method"] === "isotonic"
    ? isotonic(answers[0]!, target, outputs)
    : platt(answers[0]!, target, outputs, context);
}

const none = new Float64Array(0);
const blank = { link: "share", weights: none, intercept: none, knots: none, knotOffsets: new Uint32Array(0) } as const;

/** Every answer of every member as a column. */
function designOf(answers: readonly Float64Array[], nRows: number, outputs: number): Design {
  const dense = answers.flatMap((own, m) =>
    Array.from({ length: outputs }, (_, k) => {
      const name = `answer ${k + 1} of member ${m + 1}`;
      const values = Float64Array.from({ length: nRows }, (_row, row) => own[row * outputs + k]!);
      return { name, source: name, values, cardinality: 0 };
    }),
  );
  return { nRows, dense, sparse: emptySparseBlock(nRows) };
}

async function stack(
  design: Design,
  target: Target,
  outputs: number,
  { l2 }: HyperparameterValues,
  context: FitContext,
): Promise<Combination> {
  const hyperparameters = resolveHyperparameters(linearEstimator, { l2: l2! });
  const { predictor } = await linearEstimator.fit(design, target, hyperparameters, { ...context, validation: null });
  if (predictor.kind !== "linear") throw new TypeError("linear() gave another predictor");
  const link = target.task === "regression" ? "identity" : outputs === 1 ? "sigmoid" : "softmax";
  return { ...blank, method: "stack", link, outputs, weights: predictor.coefficients, intercept: predictor.intercept };
}

/** The rows of one output: what was answered, and whether the row has the label. */
function oneLabel(
  answers: Float64Array,
  target: Target,
  outputs: number,
  k: number,
): { answers: Float64Array; is: Target } {
  const label = outputs === 1 ? 1 : k;
  const own = Float64Array.from(target.values, (_, row) => answers[row * outputs + k]!);
  const values = target.values.map((value) => (value === label ? 1 : 0));
  return { answers: own, is: { task: "binary", nLabels: 2, values, weights: target.weights } };
}

async function platt(
  answers: Float64Array,
  target: Target,
  outputs: number,
  context: FitContext,
): Promise<Combination> {
  const weights = new Float64Array(outputs);
  const intercept = new Float64Array(outputs);
  const pause = createPause(context, "calibrating");
  for (let k = 0; k < outputs; ++k) {
    const { answers: own, is } = oneLabel(answers, target, outputs, k);
    const { slope, shifts } = await calibrateTwo(own.map(logOdds), is, { afterIteration: pause });
    weights[k] = slope;
    intercept[k] = shifts[0]!;
  }
  return { ...blank, method: "platt", outputs, weights, intercept };
}

function isotonic(answers: Float64Array, target: Target, outputs: number): Combination {
  const knots = Array.from({ length: outputs }, (_, k) => {
    const { answers: own, is } = oneLabel(answers, target, outputs, k);
    return fitIsotonic(own, is.values, is.weights);
  });
  const knotOffsets = new Uint32Array(outputs + 1);
  knots.forEach((own, k) => (knotOffsets[k + 1] = knotOffsets[k]! + own.length));
  return {
    ...blank,
    method: "isotonic",
    outputs,
    knotOffsets,
    knots: Float64Array.from(knots.flatMap((own) => Array.from(own))),
  };
}
