import { MillraceError } from "../../core/errors/error.ts";
import { silent } from "../../core/progress.ts";
import { layoutOf } from "../../model/apply.ts";
import type { DesignStyle } from "../../model/design.ts";
import type { EstimatorImplementation, HyperparameterValues } from "../../model/estimator.ts";
import type { FittedFeature } from "../../model/fitted-transform.ts";
import type { EnsemblePredictor, MemberPredictor, Predictor } from "../../model/predictor.ts";
import { outputsOf } from "../../model/score.ts";
import type { Fold } from "../../prepare/fold.ts";
import { combineAnswers } from "../../train/ensembles/combine.ts";
import { findEstimator } from "../../train/implementations.ts";
import type { PipelineSpec } from "../spec.ts";
import { featureColumnsOf } from "./features.ts";
import { applyDesign, fitDesign, fitPredictor, type FitTools, type Material, type Rows } from "./fitting.ts";
import { carve } from "./carve.ts";
import { foldsOf } from "./folds-of.ts";
import { targetOf } from "./target.ts";
import type { Chosen } from "./tune-step.ts";

interface Member {
  readonly implementation: EstimatorImplementation;
  readonly hyperparameters: HyperparameterValues;
}

/** The ways an estimator, or an ensemble's members, want their features, trees' first. */
export async function stylesOf({
  estimator,
  members = [],
}: Pick<Chosen, "estimator" | "members">): Promise<DesignStyle[]> {
  const names = members.length > 0 ? members.map((member) => member.estimator) : [estimator];
  const styles = (await Promise.all(names.map(findEstimator))).map(({ style }) => style);
  return (["trees", "dense"] as const).filter((style) => styles.includes(style));
}

/**
 * Fits an ensemble. Its members learn from all train rows; what makes one answer of theirs is learned from answers to rows
 * that the members were not fitted on: each part of the train rows is answered by members fitted anew, with transforms of
 * their own, on the other parts. Parts obey the declared group; by time, members learn from the past of a part alone.
 */
export async function fitEnsemble(
  material: Material,
  rows: { readonly train: Uint32Array; readonly validation: Uint32Array },
  { estimator, hyperparameters, members: given = [] }: Chosen,
  features: readonly FittedFeature[],
  tools: FitTools,
): Promise<{ readonly predictor: EnsemblePredictor; readonly notes: Readonly<Record<string, number>> }> {
  const members = await Promise.all(
    given.map(async (member): Promise<Member> => ({
      implementation: await findEstimator(member.estimator),
      hyperparameters: member.hyperparameters,
    })),
  );
  const heldOut = await answerHeldOut(material, rows.train, members, Number(hyperparameters["folds"]), tools);
  const target = targetOf(material.spec, material.dataset, material.labels, heldOut.rows);
  const context = { ...tools, rng: tools.rng.fork("combine"), validation: null };
  const combination = await combineAnswers(estimator, heldOut.answers, target, hyperparameters, context);
  const parts = partsByStyle(material.spec, features, await stylesOf({ estimator, members: given }));
  const predictors: MemberPredictor[] = [];
  for (const [m, { implementation, hyperparameters: own }] of members.entries()) {
    const part = parts.find(({ style }) => style === implementation.style)!;
    const validation = rows.validation.length > 0 ? applyDesign(material, rows.validation, part.features) : null;
    const train = applyDesign(material, rows.train, part.features);
    const fitted = await fitPredictor(implementation, own, train, validation, memberTools(tools, m));
    predictors.push(asMember(fitted.predictor));
  }
  const spans = members.flatMap(
    ({ implementation }) => parts.find(({ style }) => style === implementation.style)!.span,
  );
  const predictor = { kind: "ensemble", ...combination, members: predictors, spans: Uint32Array.from(spans) } as const;
  const weights = combination.method === "blend" ? Array.from(combination.weights) : [];
  const notes = Object.fromEntries(weights.map((weight, m) => [`weight ${m + 1}`, weight]));
  return { predictor: Object.freeze(predictor), notes: { heldOutRows: heldOut.rows.length, ...notes } };
}

function memberTools(tools: FitTools, m: number): FitTools {
  return { ...tools, rng: tools.rng.fork(`member ${m}`) };
}

function asMember(predictor: Predictor): MemberPredictor {
  if (predictor.kind !== "clusters" && predictor.kind !== "ensemble") return predictor;
  throw new MillraceError("INTERNAL", { reason: `an ensemble of ${predictor.kind}` });
}

interface HeldOut {
  readonly rows: Uint32Array;
  /** By member: its answers to `rows`, in that order. */
  readonly answers: readonly Float64Array[];
}

async function answerHeldOut(
  material: Material,
  rows: Uint32Array,
  members: readonly Member[],
  nFolds: number,
  tools: FitTools,
): Promise<HeldOut> {
  const folds = foldsOf(nFolds, rows, material, tools.rng.fork("held out"));
  const nHeldOut = folds.reduce((total, { test }) => total + test.length, 0);
  const outputs = material.spec.task === "multiclass" ? material.labels.length : 1;
  const order = new Uint32Array(nHeldOut);
  const answers = members.map(() => new Float64Array(nHeldOut * outputs));
  let at = 0;
  for (const [f, fold] of folds.entries()) {
    order.set(fold.test, at);
    const own = { ...tools, progress: silent, rng: tools.rng.fork(`fold ${f}`) };
    const answered = await answerFold(material, fold, members, own);
    answered.forEach((values, m) => answers[m]!.set(values, at * outputs));
    at += fold.test.length;
    tools.progress.report(f + 1, folds.length, "folds");
  }
  return { rows: order, answers };
}

/** What members fitted on a fold's train rows answer to its test rows, which they watch no more than they learn from them. */
async function answerFold(
  material: Material,
  fold: Fold,
  members: readonly Member[],
  tools: FitTools,
): Promise<Float64Array[]> {
  const inner = carve(fold.train, material, tools.rng.fork("watch"));
  const designs = new Map<DesignStyle, { readonly train: Rows; readonly watched: Rows | null; readonly test: Rows }>();
  const answers: Float64Array[] = [];
  for (const [m, { implementation, hyperparameters }] of members.entries()) {
    const { style } = implementation;
    let design = designs.get(style);
    if (design === undefined) {
      const train = fitDesign(material, inner?.train ?? fold.train, style);
      const watched = inner && applyDesign(material, inner.test, train.features);
      design = { train, watched, test: applyDesign(material, fold.test, train.features) };
      designs.set(style, design);
    }
    const own = memberTools(tools, m);
    const { predictor } = await fitPredictor(implementation, hyperparameters, design.train, design.watched, own);
    answers.push(outputsOf(asMember(predictor), design.test.design));
  }
  return answers;
}

interface StylePart {
  readonly style: DesignStyle;
  readonly features: readonly FittedFeature[];
  readonly span: readonly [denseFrom: number, denseTo: number, sparseFrom: number, sparseTo: number];
}

/** Features fitted style after style, apart again: in the style of trees every feature has one chain. */
function partsByStyle(
  spec: PipelineSpec,
  features: readonly FittedFeature[],
  styles: readonly DesignStyle[],
): StylePart[] {
  const border = styles.length === 1 ? features.length : featureColumnsOf(spec).length;
  const lists = [features.slice(0, border), features.slice(border)];
  let [dense, sparse] = [0, 0];
  return styles.map((style, i) => {
    const own = lists[i]!;
    const layout = layoutOf(own);
    const from = [dense, sparse] as const;
    dense += layout.dense.length;
    sparse += layout.sparseNames.length;
    return { style, features: own, span: [from[0], dense, from[1], sparse] };
  });
}
