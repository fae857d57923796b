import { describe, expect, it } from "vitest";

import { designOf } from "../../../test/support/design-of-rows.ts";
import { readVectors } from "../../../test/vectors/read.ts";
import type { HyperparameterValues, Target } from "../../model/estimator.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { rawScores } from "../../model/score.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { boostingEstimator } from "./estimator.ts";

interface Case {
  readonly task: "regression" | "binary";
  readonly l1: number;
  /** Of the first rows. */
  readonly scores: readonly number[];
}

const { checksum, cases } = readVectors<{ checksum: number; cases: readonly Case[] }>("boosting-l1");

/** The generator of test/vectors/make_boosting_l1.py, integer for integer. */
function generate(seed: number): { rows: number[][]; values: number[] } {
  let state = seed;
  const draw = (count: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state * count) / 4294967296);
  };
  const [rows, values]: [number[][], number[]] = [[], []];
  for (let row = 0; row < 400; ++row) {
    const [a, b, c] = [draw(9), draw(7), draw(5)];
    rows.push([a, b, c]);
    values.push((a * b) / 4 - 2 * c + (draw(1000) - 500) / 100);
  }
  return { rows, values };
}

const { rows, values } = generate(4711);
const design = designOf(rows, 3);

function targetOf(task: Case["task"]): Target {
  if (task === "regression") return { task, nLabels: 0, values: Float64Array.from(values), weights: null };
  return { task, nLabels: 2, values: Float64Array.from(values, (value) => Number(value > 0)), weights: null };
}

async function fit(target: Target, given: HyperparameterValues): Promise<TreesPredictor> {
  const context = fitContext();
  return (await boostingEstimator.fit(design, target, given, context)).predictor as TreesPredictor;
}

describe("boosting with an l1 penalty", () => {
  it("learns from the data XGBoost has learned from", () => {
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(checksum, 9);
  });

  it.each(cases)("predicts what XGBoost does: $task, l1 $l1", async ({ task, l1, scores }) => {
    const given = { trees: 4, leaves: 6, learningRate: 0.5, minRows: 1, minChildWeight: 3, l1, l2: 2 };
    const own = rawScores(await fit(targetOf(task), given), design);
    // XGBoost has gradients in single precision.
    scores.forEach((score, row) => expect(own[row]).toBeCloseTo(score, 4));
  });

  it.each(["squared", "absolute", "huber", "poisson"])(
    "says nothing beyond the first constant where the penalty exceeds every gradient: %s",
    async (loss) => {
      const target = { ...targetOf("regression"), values: Float64Array.from(values, (value) => value + 20) };
      const [free, bound] = [await fit(target, { loss, trees: 5 }), await fit(target, { loss, trees: 5, l1: 1e6 })];
      expect(new Set(rawScores(free, design)).size).toBeGreaterThan(10);
      expect(new Set(rawScores(bound, design))).toEqual(new Set(bound.base));
    },
  );

  it("keeps orders that are asked for", async () => {
    const predictor = await fit(targetOf("regression"), { trees: 20, l1: 6, increasing: ["x0"] });
    expect(predictor.feature).toContain(0);
    for (const [b, c] of [
      [0, 0],
      [3, 2],
      [6, 4],
    ]) {
      const scores = rawScores(
        predictor,
        designOf(
          Array.from({ length: 9 }, (_, a) => [a, b!, c!]),
          3,
        ),
      );
      expect(scores.every((score, i) => i === 0 || score >= scores[i - 1]!)).toBe(true);
    }
  });
});
