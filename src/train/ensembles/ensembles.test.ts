import { describe, expect, it } from "vitest";
import { readVectors } from "../../../test/vectors/read.ts";
import { createRng } from "../../core/rng.ts";
import { sigmoid } from "../../math/elementary.ts";
import type { EstimatorChoice, FitContext, HyperparameterValues, Target } from "../../model/estimator.ts";
import { ensembleScores } from "../../model/score-ensemble.ts";
import type { EnsemblePredictor, MemberPredictor } from "../../model/predictor.ts";
import { boosting, blend, calibrated, forest, linear, naiveBayes, stack } from "../choice.ts";
import { auto, tune } from "../tuning-choice.ts";
import { checkEstimatorChoice, ensembles, resolveHyperparameters } from "../implementations.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { combineAnswers } from "./combine.ts";
import { fitIsotonic } from "./isotonic.ts";

interface Case {
  readonly scores: number[];
  readonly values: number[];
  readonly weights: number[] | null;
  readonly asked: number[];
  readonly isotonic: number[];
  readonly odds: number[];
  readonly slope: number;
  readonly shift: number;
}

const { cases } = readVectors<{ readonly cases: readonly Case[] }>("calibration");
const context: FitContext = fitContext();

function targetOf(values: readonly number[], nLabels = 0, weights: readonly number[] | null = null): Target {
  const task = nLabels === 0 ? "regression" : nLabels === 2 ? "binary" : "multiclass";
  return { task, nLabels, values: Float64Array.from(values), weights: weights && Float64Array.from(weights) };
}

/** An ensemble of members that answer what they are given. */
async function combine(
  name: string,
  answers: readonly (readonly number[])[],
  target: Target,
  given: HyperparameterValues = {},
): Promise<{ readonly of: EnsemblePredictor; readonly scores: (asked: readonly (readonly number[])[]) => number[] }> {
  const hyperparameters = resolveHyperparameters(
    ensembles.find((one) => one.name === name)!,
    given,
  );
  const own = answers.map((values) => Float64Array.from(values));
  const combination = await combineAnswers(name, own, target, hyperparameters, context);
  const members = answers.map(() => ({}) as MemberPredictor);
  const of: EnsemblePredictor = { kind: "ensemble", ...combination, members, spans: new Uint32Array(0) };
  const scores = (asked: readonly (readonly number[])[]): number[] =>
    Array.from(ensembleScores(of, asked[0]!.length / of.outputs, (m) => Float64Array.from(asked[m]!)));
  return { of, scores };
}

describe("calibrated", () => {
  it("agrees with scikit-learn's isotonic regression to 1e-8, equal scores and weights included", async () => {
    for (const { scores, values, weights, asked, isotonic } of cases) {
      const { scores: answer } = await combine("calibrated", [scores], targetOf(values, 2, weights), {
        method: "isotonic",
      });
      answer([asked]).forEach((value, i) => expect(Math.abs(value - isotonic[i]!)).toBeLessThan(1e-8));
    }
  });

  it("agrees with scikit-learn's sigmoid calibration to the tolerance of its solver", async () => {
    for (const { odds, values, weights, slope, shift } of cases) {
      const { of } = await combine("calibrated", [odds.map(sigmoid)], targetOf(values, 2, weights));
      expect(of.weights[0]).toBeCloseTo(slope, 4);
      expect(of.intercept[0]).toBeCloseTo(shift, 4);
    }
  });

  it("takes the certainty out of overconfident answers, of two labels and of more", async () => {
    const rng = createRng(7);
    const truth = Array.from({ length: 4000 }, () => 0.2 + 0.6 * rng.next());
    const labels = truth.map((p) => (rng.next() < p ? 1 : 0));
    const bold = truth.map((p) => sigmoid(4 * Math.log(p / (1 - p))));
    for (const method of ["platt", "isotonic"]) {
      const two = await combine("calibrated", [bold], targetOf(labels, 2), { method });
      const off = two.scores([bold]).map((p, i) => Math.abs(p - truth[i]!));
      expect(off.reduce((sum, value) => sum + value, 0) / off.length).toBeLessThan(0.03);
      const three = bold.flatMap((p) => [1 - p, p, 0]);
      const many = await combine("calibrated", [three], targetOf(labels, 3), { method });
      const shares = many.scores([three]);
      expect(shares.filter((_, i) => i % 3 === 1)).toEqual(two.scores([bold]));
    }
  });

  it("keeps the order of answers, and a missing one missing", async () => {
    const { scores, values } = cases[1]!;
    for (const method of ["platt", "isotonic"]) {
      const { scores: answer } = await combine("calibrated", [scores], targetOf(values, 2), { method });
      const ordered = answer([scores.toSorted((a, b) => a - b)]);
      expect(ordered.every((value, i) => i === 0 || value >= ordered[i - 1]!)).toBe(true);
      expect(answer([[Number.NaN]])).toEqual([Number.NaN]);
    }
  });

  it("lets a row of weight 3 count as the row three times, and one of weight 0 not at all", () => {
    const [scores, values] = [Float64Array.of(1, 2, 3, 4), Float64Array.of(1, 0, 1, 0)];
    const weighted = fitIsotonic(scores, values, Float64Array.of(1, 3, 1, 0));
    expect(weighted).toEqual(fitIsotonic(Float64Array.of(1, 2, 2, 2, 3), Float64Array.of(1, 0, 0, 0, 1), null));
    expect(Array.from(weighted)).toEqual([1, 0.25, 2, 0.25, 3, 1]);
  });
});

describe("blend", () => {
  it("finds planted weights of numbers", async () => {
    const rng = createRng(3);
    const members = [0, 1, 2].map(() => Array.from({ length: 500 }, () => rng.next()));
    const target = members[0]!.map((value, i) => 0.7 * value + 0.3 * members[1]![i]!);
    const { of, scores } = await combine("blend", members, targetOf(target));
    [0.7, 0.3, 0].forEach((weight, m) => expect(of.weights[m]).toBeCloseTo(weight, 4));
    expect(scores(members)[0]).toBeCloseTo(target[0]!, 4);
  });

  it("gives a member that knows the labels all the weight, and equal members equal ones", async () => {
    const rng = createRng(4);
    const truth = Array.from({ length: 3000 }, () => rng.next());
    const labels = truth.map((p) => (rng.next() < p ? 1 : 0));
    const noise = truth.map(() => rng.next());
    const { of } = await combine("blend", [truth, noise], targetOf(labels, 2));
    expect(of.weights[0]).toBeGreaterThan(0.9);
    expect((await combine("blend", [truth, truth], targetOf(labels, 2))).of.weights).toEqual(Float64Array.of(0.5, 0.5));
    const three = (values: number[]): number[] => values.flatMap((p) => [1 - p, p / 2, p / 2]);
    const many = await combine("blend", [three(truth), three(noise)], targetOf(labels, 3));
    expect(many.of.weights[0]).toBeGreaterThan(0.8);
    expect(many.of.weights[0]! + many.of.weights[1]!).toBeCloseTo(1, 9);
  });
});

describe("stack", () => {
  it("learns a planted line of its members' answers", async () => {
    const rng = createRng(5);
    const members = [0, 1].map(() => Array.from({ length: 300 }, () => rng.next()));
    const target = members[0]!.map((value, i) => 3 + 2 * value - members[1]![i]!);
    const { of, scores } = await combine("stack", members, targetOf(target), { l2: 0 });
    expect(of.weights[0]).toBeCloseTo(2, 6);
    expect(of.weights[1]).toBeCloseTo(-1, 6);
    expect(of.intercept[0]).toBeCloseTo(3, 6);
    expect(scores(members)[5]).toBeCloseTo(target[5]!, 6);
  });

  it("reads each label's probability of each member", async () => {
    const rng = createRng(6);
    const labels = Array.from({ length: 600 }, () => rng.integer(3));
    const knows = labels.flatMap((label) => [0, 1, 2].map((k) => (k === label ? 0.8 : 0.1)));
    const noise = labels.flatMap(() => [0, 1, 2].map(() => rng.next()));
    const { of, scores } = await combine("stack", [noise, knows], targetOf(labels, 3));
    expect([of.link, of.weights.length, of.intercept.length]).toEqual(["softmax", 18, 3]);
    const raw = scores([noise, knows]);
    labels.forEach((label, row) => {
      const own = raw.slice(3 * row, 3 * row + 3);
      expect(own.indexOf(Math.max(...own))).toBe(label);
    });
  });
});

describe("combineAnswers", () => {
  it("refuses members that answered no number, and rows that weigh nothing", async () => {
    for (const name of ["calibrated", "blend", "stack"]) {
      await expect(combine(name, [[0.5, Number.NaN]], targetOf([0, 1], 2))).rejects.toThrow("answer 1 of member 1");
      await expect(combine(name, [[0.5, 0.4]], targetOf([0, 1], 2, [0, 0]))).rejects.toThrow(
        "the weights of the rows held out",
      );
    }
  });
});

describe("builders of ensembles", () => {
  it("give plain frozen data whose tasks are those of all members", () => {
    const choice = blend([boosting({ trees: 9 }), naiveBayes()], { folds: 3 });
    expect(choice).toMatchObject({
      estimator: "blend",
      hyperparameters: { folds: 3 },
      tasks: { binary: true, multiclass: true },
      members: [
        { estimator: "boosting", hyperparameters: { trees: 9 }, tuning: null },
        { estimator: "naiveBayes", hyperparameters: {}, tuning: null },
      ],
    });
    expect(Object.keys(choice.tasks)).toEqual(["binary", "multiclass"]);
    expect(Object.keys(calibrated(forest()).tasks)).toEqual(["binary", "multiclass"]);
    expect(() => checkEstimatorChoice(choice)).not.toThrow();
  });

  it("keep what is to be searched of a member, and refuse a space that cannot be", () => {
    const member = tune(linear(), { trials: 3 });
    const { members = [] }: EstimatorChoice = stack([member, auto()]);
    expect(members.map(({ tuning }) => tuning)).toEqual([member.tuning, auto().tuning]);
    const wrong = stack([tune(linear(), { space: { l2: [-1] } })]);
    expect(() => checkEstimatorChoice(wrong)).toThrow("linear.l2");
  });

  it("refuse members that are ensembles, none at all, and values out of range", () => {
    expect(() => stack([blend([linear(), boosting()])])).toThrow("that are no ensembles");
    expect(() => stack([])).toThrow("a list of 1 to 20 estimators, got 0");
    expect(() => tune(stack([linear()]))).toThrow("no ensemble");
    expect(() => checkEstimatorChoice(stack([linear()], { folds: 1 }))).toThrow("stack.folds");
    expect(() => checkEstimatorChoice(stack([linear({ l2: -1 })]))).toThrow("linear.l2");
  });
});
