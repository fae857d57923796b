import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { readVectors } from "../../../test/vectors/read.ts";
import type { HyperparameterValues, Target } from "../../model/estimator.ts";
import type { LinearPredictor } from "../../model/predictor.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { momentsOf } from "../moments.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { descendCoordinates } from "./coordinate-descent.ts";
import { linearEstimator } from "./estimator.ts";
import { huberLoss, poissonLoss } from "./losses.ts";
import { createObjective } from "./objective.ts";
import { minimiseSparse } from "./owlqn.ts";

interface Case {
  readonly name: string;
  readonly task: "regression" | "binary" | "multiclass";
  readonly l1: number;
  readonly l2: number;
  readonly loss: string;
  readonly rows: number[][];
  readonly target: number[];
  readonly weights: number[] | null;
  readonly coefficients: number[][];
  readonly intercept: number[];
}

const { cases } = readVectors<{ cases: readonly Case[] }>("linear-sparse");

function targetOf({ task, target, weights }: Pick<Case, "task" | "target" | "weights">): Target {
  return {
    task,
    nLabels: { regression: 0, binary: 2, multiclass: 3 }[task],
    values: Float64Array.from(target),
    weights: weights && Float64Array.from(weights),
  };
}

async function fit(
  rows: readonly (readonly number[])[],
  firstSparse: number,
  target: Target,
  given: HyperparameterValues,
): Promise<LinearPredictor> {
  const { predictor } = await linearEstimator.fit(
    designOf(rows, firstSparse),
    target,
    resolveHyperparameters(linearEstimator, given),
    fitContext(),
  );
  return predictor as LinearPredictor;
}

describe("linear with l1, huber and poisson", () => {
  const layouts = cases.flatMap((one) => [
    [one.name, "dense", 99, one] as const,
    [one.name, "half sparse", 4, one] as const,
  ]);

  it.each(layouts)("agrees with scikit-learn or SciPy: %s, %s", async (_, _kind, firstSparse, one) => {
    const { l1, l2, loss } = one;
    const given = { l1, l2, loss, tolerance: 1e-10, maxIterations: 20_000 };
    const predictor = await fit(one.rows, firstSparse, targetOf(one), given);
    const expected = one.coefficients.flat();
    predictor.coefficients.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-5));
    one.intercept.forEach((value, k) => {
      // Multinomial intercepts are free up to a number common to all labels.
      const shift = one.task === "multiclass" ? predictor.intercept[0]! - one.intercept[0]! : 0;
      expect(Math.abs(predictor.intercept[k]! - shift - value)).toBeLessThan(5e-5);
    });
    expect(predictor.link).toBe(
      { regression: loss === "poisson" ? "log" : "identity", binary: "sigmoid", multiclass: "softmax" }[one.task],
    );
    // What the penalty makes 0 is 0, not almost.
    if (l1 > 0) {
      expected.forEach((value, i) => value === 0 && expect(predictor.coefficients[i]).toBe(0));
      expect(expected).toContain(0);
    }
  });

  it("finds the lasso by orthant-wise steps as by coordinate descent", async () => {
    const one = cases[0]!;
    const design = designOf(one.rows, 99);
    const target = targetOf(one);
    const objective = createObjective(design, target, one.l2, momentsOf(design, null));
    const minimum = await minimiseSparse(
      objective,
      { l1: one.l1 / one.rows.length, nPenalised: 8 },
      { maxIterations: 2000, tolerance: 1e-12, afterIteration: async () => {} },
    );
    const { coefficients } = objective.uncentre(minimum.parameters);
    coefficients.forEach((value, i) => expect(Math.abs(value - one.coefficients[0]![i]!)).toBeLessThan(1e-7));
  });

  it("is pulled less by outliers with the huber loss than with the squared one", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => [i / 60]);
    const y = rows.map(([x], i) => 2 * x! + (i % 12 === 11 ? 500 * x! : 0));
    const target = targetOf({ task: "regression", target: y, weights: null });
    const slope = async (loss: string): Promise<number> =>
      (await fit(rows, 99, target, { loss, l2: 0.001 })).coefficients[0]!;
    expect(Math.abs((await slope("huber")) - 2)).toBeLessThan(1.5);
    expect(Math.abs((await slope("squared")) - 2)).toBeGreaterThan(10);
  });

  it("refuses counts below 0, and a loss of numbers for labels", async () => {
    const below = targetOf({ task: "regression", target: [1, -1], weights: null });
    await expect(fit([[1], [2]], 99, below, { loss: "poisson" })).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
    const labels = targetOf({ task: "binary", target: [1, 0], weights: null });
    await expect(fit([[1], [2]], 99, labels, { loss: "huber" })).rejects.toMatchObject({
      code: "HYPERPARAMETER_INVALID",
    });
  });
});

describe("descendCoordinates", () => {
  it("ends where every coordinate keeps to the conditions of the minimum", () => {
    const number = fc.integer({ min: -9, max: 9 });
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number, number, number), { minLength: 4, maxLength: 12 }), (rows) => {
        const n = 3;
        const matrix = new Float64Array(n * n);
        const right = new Float64Array(n);
        for (const row of rows)
          for (let i = 0; i < n; ++i) {
            right[i]! += row[i]! * row[3];
            for (let j = 0; j <= i; ++j) matrix[i * n + j]! += row[i]! * row[j]! + (i === j ? 0.5 : 0);
          }
        const l1 = 7;
        const found = descendCoordinates(matrix, n, right, l1, { tolerance: 1e-11, maxSweeps: 100_000 });
        found!.coefficients.forEach((own, i) => {
          let slope = -right[i]!;
          for (let j = 0; j < n; ++j) slope += matrix[Math.max(i, j) * n + Math.min(i, j)]! * found!.coefficients[j]!;
          if (own === 0) expect(Math.abs(slope)).toBeLessThanOrEqual(l1 + 1e-6);
          else expect(slope).toBeCloseTo(-Math.sign(own) * l1, 6);
        });
      }),
    );
  });

  it("gives up where sweeps run out, and leaves columns of nothing at 0", () => {
    const matrix = Float64Array.of(1, 0, 0.9, 1);
    expect(descendCoordinates(matrix, 2, Float64Array.of(1, 2), 0, { tolerance: 0, maxSweeps: 2 })).toBeNull();
    const flat = descendCoordinates(Float64Array.of(0), 1, Float64Array.of(0), 1, { tolerance: 0, maxSweeps: 2 });
    expect(Array.from(flat!.coefficients)).toEqual([0]);
  });
});

describe.each([
  ["huber", huberLoss(1.5)],
  ["poisson", poissonLoss],
] as const)("the %s loss", (_, loss) => {
  it("has the slope that finite differences give", () => {
    const score = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(score, fc.integer({ min: 0, max: 5 }), (s, y) => {
        const target = targetOf({ task: "regression", target: [y], weights: [2] });
        const at = (value: number): readonly [number, number] => {
          const scores = Float64Array.of(value);
          return [loss(target, 0, 1, scores, 1), scores[0]!];
        };
        const step = 1e-6;
        expect(at(s)[1]).toBeCloseTo((at(s + step)[0] - at(s - step)[0]) / (2 * step), 4);
      }),
    );
  });
});
