import { MillraceError } from "../core/errors/error.ts";
import type { JsonObject } from "../core/json.ts";
import type { Frame } from "../frame/frame.ts";
import { frameFromRows } from "../frame/rows.ts";
import { layoutOf } from "./apply.ts";
import type { Design } from "./design.ts";
import { addTreeContributions, type ContributionSums } from "./explain-trees.ts";
import type { Model, Predictions } from "./model.ts";
import { designFor, predictionsOf, type RowPredictions } from "./predict.ts";
import type { EnsemblePredictor, LinearPredictor, Predictor } from "./predictor.ts";
import { addBayesTerms, bayesBase } from "./explain-bayes.ts";
import { memberDesign, spanOf } from "./score-ensemble.ts";
import { applyLink, rawScores } from "./score.ts";

/**
 * What each feature added to each row's raw scores: a raw score is the `base` of its output plus the row's contributions.
 * What it is depends on the predictor's link: the predicted value (identity) or its logarithm (log), the log odds of
 * labels[1] (sigmoid), a label's part of the softmax, a label's probability (share: forests).
 */
export interface Contributions {
  readonly nRows: number;
  /** Raw scores a row: 1, or one a label. */
  readonly outputs: number;
  /** Contract columns and derived features, in the model's order; what a preparation made of one counts for it. */
  readonly features: readonly string[];
  /** Trees: the expected score over the rows they grew from. Linear: the score where every prepared value is 0. Naive Bayes: where every number is its label's mean. */
  readonly base: Float64Array;
  /** Row-major: rows x outputs x features. */
  readonly values: Float64Array;
  /** Row-major: rows x outputs. */
  readonly scores: Float64Array;
}

/** Why one row got its answer: `score` = `base` + the sum of `contributions`, to rounding. */
export interface Explanation {
  /** The label whose raw score is explained: labels[1] of two, the answered one of more, null for numbers. */
  readonly label: string | boolean | null;
  readonly base: number;
  readonly score: number;
  readonly contributions: JsonObject;
}

/** Predictions with what each feature added to them. */
export interface ExplainedPredictions {
  readonly predictions: Predictions;
  readonly contributions: Contributions;
}

/**
 * Predicts every row of a frame and says what each feature added: exact Shapley values of the trees, given the rows they
 * grew from (path-dependent TreeSHAP), or the terms of a linear or naive Bayes score; of a blend or stack for numbers, those of its members, weighed as they
 * are. Throws EXPLANATION_UNAVAILABLE for clusters, networks, neighbors and other ensembles.
 */
export function explain(model: Model, frame: Frame): ExplainedPredictions {
  const design = designFor(model, frame);
  const { predictor } = model;
  const scores = rawScores(predictor, design);
  const contributions = { ...contributionsOf(model, design), scores: scores.slice() };
  applyLink(predictor.link, scores, predictor.outputs);
  return { predictions: predictionsOf(model, scores), contributions };
}

/** Predicts and explains request rows, checked against the contract: issues are data, never exceptions. */
export function explainRows(
  model: Model,
  rows: readonly unknown[],
): ExplainedPredictions & Omit<RowPredictions, "predictions"> {
  const { frame, issues, nIssues } = frameFromRows(rows, model.contract, model.inputs);
  return { ...explain(model, frame), issues, nIssues, frame };
}

/** JSON explanations, one a row, contributions in the model's order of features. */
export function explanationsOf(
  model: Pick<Model, "labels">,
  { predictions, contributions }: ExplainedPredictions,
): Explanation[] {
  const { features, outputs, base, values, scores } = contributions;
  return Array.from({ length: contributions.nRows }, (_, row) => {
    const answered = predictions.labelIndex?.[row] ?? null;
    const output = outputs > 1 ? (answered ?? 0) : 0;
    const at = row * outputs + output;
    const own = features.map((feature, f) => [feature, values[at * features.length + f]!] as const);
    return {
      label: answered === null ? null : model.labels[outputs > 1 ? output : 1]!,
      base: base[output]!,
      score: scores[at]!,
      contributions: Object.fromEntries(own),
    };
  });
}

/** Mean size of each feature's contributions over the rows, summed over labels, the largest first: in units of the raw score. */
export function meanContributions(contributions: Contributions): { feature: string; mean: number }[] {
  const { nRows, features, values } = contributions;
  const sums = new Float64Array(features.length);
  for (let i = 0; i < values.length; ++i) sums[i % features.length]! += Math.abs(values[i]!);
  return features
    .map((feature, f) => ({ feature, mean: nRows > 0 ? sums[f]! / nRows : 0 }))
    .sort((a, b) => b.mean - a.mean);
}

/** What predictions are that are not sums of what features add. */
const notSums = {
  clusters: "clusters",
  network: "made by a network",
  neighbors: "those of the nearest rows",
  ensemble: "made of other models' answers",
} as const;

type SumPredictor = Exclude<Predictor, { readonly kind: "clusters" | "network" | "neighbors" }>;

/** Whether the model's raw scores are sums of what features add, so that `explain` answers. */
export function isExplainable({ predictor }: Pick<Model, "predictor">): boolean {
  return isSum(predictor);
}

/** An ensemble's score is a sum of features where it is one of members' scores that are. */
function isSum(predictor: Predictor): predictor is SumPredictor {
  if (predictor.kind !== "ensemble") return !Object.hasOwn(notSums, predictor.kind);
  const { link, members } = predictor;
  return link === "identity" && members.every((member) => member.link === "identity" && isSum(member));
}

function contributionsOf(model: Model, design: Design): Omit<Contributions, "scores"> {
  const { predictor } = model;
  if (!isSum(predictor))
    throw new MillraceError("EXPLANATION_UNAVAILABLE", {
      model: model.name,
      predictions: notSums[model.predictor.kind as keyof typeof notSums],
    });
  const features = [...new Set(model.features.map(({ feature }) => feature))];
  const { dense, sparseSources } = layoutOf(model.features);
  const { outputs } = predictor;
  const sums: ContributionSums = {
    base: baseOf(predictor),
    values: new Float64Array(design.nRows * outputs * features.length),
    groupOf: groupsOf(features, [...dense.map(({ source }) => source), ...sparseSources]),
    nGroups: features.length,
  };
  addContributions(predictor, design, sums);
  return { nRows: design.nRows, outputs, features, base: sums.base, values: sums.values };
}

function addContributions(predictor: SumPredictor, design: Design, sums: ContributionSums): void {
  if (predictor.kind === "trees") addTreeContributions(predictor, design, sums);
  else if (predictor.kind === "bayes") addBayesTerms(predictor, design, sums);
  else if (predictor.kind === "linear") addTerms(predictor, design, sums);
  else predictor.members.forEach((_, m) => addMember(predictor, m, design, sums));
}

/** What features add to a member's score, times its weight. */
function addMember(
  { members, spans, weights }: EnsemblePredictor,
  m: number,
  design: Design,
  { base, values, groupOf, nGroups }: ContributionSums,
): void {
  const member = members[m]!;
  if (!isSum(member)) throw new MillraceError("INTERNAL", { reason: `explaining a member of ${member.kind}` });
  const [denseFrom, denseTo, from, to] = spanOf(spans, m);
  const nDense = design.dense.length;
  const nOwnDense = denseTo - denseFrom;
  const ownGroups = new Int32Array(nOwnDense + to - from);
  ownGroups.set(groupOf.subarray(denseFrom, denseTo));
  ownGroups.set(groupOf.subarray(nDense + from, nDense + to), nOwnDense);
  const own: ContributionSums = {
    base: baseOf(member),
    values: new Float64Array(values.length),
    groupOf: ownGroups,
    nGroups,
  };
  addContributions(member, memberDesign(spans, m, design), own);
  base[0]! += weights[m]! * own.base[0]!;
  for (let i = 0; i < values.length; ++i) values[i]! += weights[m]! * own.values[i]!;
}

function baseOf(predictor: SumPredictor): Float64Array {
  if (predictor.kind === "trees") return predictor.base.slice();
  if (predictor.kind === "linear") return predictor.intercept.slice();
  if (predictor.kind === "ensemble")
    return predictor.method === "stack" ? predictor.intercept.slice() : new Float64Array(1);
  return bayesBase(predictor);
}

/** For each design column the position of its source. */
function groupsOf(features: readonly string[], sources: readonly string[]): Int32Array {
  const positions = new Map(features.map((feature, f) => [feature, f]));
  return Int32Array.from(sources, (source) => positions.get(source)!);
}

function addTerms(predictor: LinearPredictor, design: Design, { values, groupOf, nGroups }: ContributionSums): void {
  const { outputs, nDense, nSparse, coefficients } = predictor;
  const { offsets, indices, values: entries } = design.sparse;
  for (let row = 0; row < design.nRows; ++row) {
    for (let k = 0; k < outputs; ++k) {
      const own = k * (nDense + nSparse);
      const target = (row * outputs + k) * nGroups;
      for (let j = 0; j < nDense; ++j)
        values[target + groupOf[j]!]! += coefficients[own + j]! * design.dense[j]!.values[row]!;
      for (let e = nSparse > 0 ? offsets[row]! : 0, end = nSparse > 0 ? offsets[row + 1]! : 0; e < end; ++e) {
        const j = nDense + indices[e]!;
        values[target + groupOf[j]!]! += coefficients[own + j]! * entries[e]!;
      }
    }
  }
}
