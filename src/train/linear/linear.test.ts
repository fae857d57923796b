import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { createRng } from "../../core/rng.ts";
import type { FitContext, Target } from "../../model/estimator.ts";
import type { Task } from "../../model/model.ts";
import type { LinearPredictor } from "../../model/predictor.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { linearEstimator } from "./estimator.ts";
import { minimise } from "./lbfgs.ts";
import { momentsOf } from "../moments.ts";
import { createObjective } from "./objective.ts";
import { chunkRows } from "../products.ts";

interface Case {
  readonly name: string;
  readonly task: Task;
  readonly l2: number;
  readonly nLabels: number;
  readonly rows: number[][];
  readonly target: number[];
  readonly weights: number[] | null;
  readonly coefficients: number[][];
  readonly intercept: number[];
}

const vectors = JSON.parse(readFileSync(new URL("../../../test/vectors/linear.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
};

const context: FitContext = fitContext();

function targetOf(given: Pick<Case, "task" | "nLabels" | "target" | "weights">): Target {
  return {
    task: given.task,
    nLabels: given.nLabels,
    values: Float64Array.from(given.target),
    weights: given.weights === null ? null : Float64Array.from(given.weights),
  };
}

async function fitLinear(
  rows: readonly (readonly number[])[],
  firstSparse: number,
  target: Target,
  given: Record<string, number>,
  more: Partial<FitContext> = {},
): Promise<LinearPredictor> {
  const hyperparameters = resolveHyperparameters(linearEstimator, given);
  const { predictor } = await linearEstimator.fit(designOf(rows, firstSparse), target, hyperparameters, {
    ...context,
    ...more,
  });
  if (predictor.kind !== "linear") throw new Error("not a linear predictor");
  return predictor;
}

function expectClose(actual: Float64Array, expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => expect(Math.abs(actual[i]! - value)).toBeLessThan(tolerance));
}

describe("linearEstimator", () => {
  for (const vector of vectors.cases) {
    for (const [kind, firstSparse] of [
      ["dense", 99],
      ["half sparse", Math.floor(vector.rows[0]!.length / 2)],
      ["sparse", 0],
    ] as const) {
      it(`agrees with scikit-learn to 1e-5: ${vector.name}, ${kind}`, async () => {
        const given = { l2: vector.l2, tolerance: 1e-12, maxIterations: 10_000 };
        const predictor = await fitLinear(vector.rows, firstSparse, targetOf(vector), given);
        expectClose(predictor.coefficients, vector.coefficients.flat(), 1e-5);
        expectClose(predictor.intercept, vector.intercept, 1e-5);
      });
    }
  }

  it("solves ridge by iterations as by the normal equations", async () => {
    const vector = vectors.cases[1]!;
    const design = designOf(vector.rows, 3);
    const target = targetOf(vector);
    const objective = createObjective(design, target, vector.l2, momentsOf(design, target.weights));
    const options = { maxIterations: 1000, tolerance: 1e-12, afterIteration: async () => {} };
    const solution = objective.uncentre((await minimise(objective, options)).parameters);
    expectClose(solution.coefficients, vector.coefficients.flat(), 1e-7);
    expectClose(solution.intercept, vector.intercept, 1e-7);
  });

  it("gives the same coefficients bit for bit each time", async () => {
    const vector = vectors.cases[4]!;
    const first = await fitLinear(vector.rows, 2, targetOf(vector), {});
    expect(await fitLinear(vector.rows, 2, targetOf(vector), {})).toEqual(first);
  });

  it("takes a row of weight 2 as the row twice", async () => {
    const vector = vectors.cases[2]!;
    const weights = vector.rows.map((_, row) => 1 + (row % 2));
    const twice = vector.rows.flatMap((row, i) => (i % 2 === 1 ? [row, row] : [row]));
    const twiceTarget = vector.target.flatMap((y, i) => (i % 2 === 1 ? [y, y] : [y]));
    const tight = { tolerance: 1e-11 };
    const weighted = await fitLinear(vector.rows, 99, targetOf({ ...vector, weights }), tight);
    const repeated = await fitLinear(twice, 99, targetOf({ ...vector, target: twiceTarget }), tight);
    expectClose(weighted.coefficients, Array.from(repeated.coefficients), 1e-8);
  });

  it("needs no columns, and then answers the mean", async () => {
    const regression = await fitLinear(
      [[], [], []],
      0,
      targetOf({ task: "regression", nLabels: 0, target: [1, 2, 6], weights: null }),
      {},
    );
    expectClose(regression.intercept, [3], 1e-12);
    const binary = await fitLinear(
      [[], [], [], []],
      0,
      targetOf({ task: "binary", nLabels: 2, target: [1, 0, 0, 0], weights: null }),
      { tolerance: 1e-10 },
    );
    expectClose(binary.intercept, [Math.log(1 / 3)], 1e-8);
  });

  it("copes with columns of very different scales and offsets", async () => {
    const rng = createRng(3);
    const rows = Array.from({ length: 300 }, () => [1.6e12 + rng.next() * 1e9, rng.next() * 1e-4, rng.next()]);
    const target = rows.map((row) => (row[2]! + rng.next() > 1 ? 1 : 0));
    const seen: number[] = [];
    const progress = { report: (done: number) => seen.push(done) };
    await fitLinear(rows, 99, targetOf({ task: "binary", nLabels: 2, target, weights: null }), {}, { progress });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.at(-1)).toBeLessThan(60);
  });

  it("refuses columns with missing values by name", async () => {
    const target = targetOf({ task: "regression", nLabels: 0, target: [1, 2], weights: null });
    await expect(fitLinear([[1], [Number.NaN]], 99, target, {})).rejects.toThrow(
      'the column "x0" must be complete for linear()',
    );
  });

  it("stops where it is cancelled, by iterations or by normal equations", async () => {
    const signal = AbortSignal.abort();
    expect(new Set(vectors.cases.map(({ task }) => task))).toContain("regression");
    for (const vector of vectors.cases)
      await expect(fitLinear(vector.rows, 99, targetOf(vector), {}, { signal })).rejects.toMatchObject({
        code: "CANCELLED",
      });
  });
});

/** The naive twin of createObjective().evaluate(): the value, straight from the definition, row by row. */
function objectiveValueNaive(
  rows: readonly (readonly number[])[],
  target: Target,
  l2: number,
  coefficients: readonly (readonly number[])[],
  intercept: readonly number[],
): number {
  let total = 0;
  let totalWeight = 0;
  rows.forEach((row, r) => {
    const scores = coefficients.map((line, k) => line.reduce((sum, c, j) => sum + c * row[j]!, intercept[k]!));
    const weight = target.weights?.[r] ?? 1;
    total += weight * lossNaive(target.task, target.values[r]!, scores);
    totalWeight += weight;
  });
  const squares = coefficients.flat().reduce((sum, c) => sum + c * c, 0);
  return (total + (l2 / 2) * squares) / totalWeight;
}

function lossNaive(task: string, y: number, scores: readonly number[]): number {
  if (task === "regression") return (scores[0]! - y) ** 2 / 2;
  if (task === "binary") return Math.log(1 + Math.exp(y === 1 ? -scores[0]! : scores[0]!));
  const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
  return Math.log(total) - scores[y]!;
}

describe("createObjective", () => {
  const nRows = chunkRows + 37;
  const rng = createRng(11);
  const rows = Array.from({ length: nRows }, () =>
    Array.from({ length: 7 }, (_, j) => (j < 5 || rng.next() < 0.3 ? rng.next() * 2 - 0.7 : 0)),
  );
  for (const [task, nLabels] of [
    ["regression", 0],
    ["binary", 2],
    ["multiclass", 3],
  ] as const) {
    const outputs = Math.max(nLabels - (task === "binary" ? 1 : 0), 1);
    const target = targetOf({
      task,
      nLabels,
      target: rows.map(() => (nLabels === 0 ? rng.next() : rng.integer(nLabels))),
      weights: rows.map(() => rng.next()),
    });
    const design = designOf(rows, 5);
    const objective = createObjective(design, target, 2, momentsOf(design, target.weights));
    const parameters = Float64Array.from({ length: objective.nParameters }, () => rng.next() - 0.5);

    it(`equals its naive twin: ${task}`, () => {
      const { coefficients, intercept } = objective.uncentre(parameters);
      const lines = Array.from({ length: outputs }, (_, k) => Array.from(coefficients.subarray(k * 7, k * 7 + 7)));
      const naive = objectiveValueNaive(rows, target, 2, lines, Array.from(intercept));
      expect(objective.evaluate(parameters, new Float64Array(parameters.length))).toBeCloseTo(naive, 12);
    });

    it(`has the gradient that finite differences give: ${task}`, () => {
      const gradient = new Float64Array(parameters.length);
      objective.evaluate(parameters, gradient);
      const scratch = new Float64Array(parameters.length);
      const valueAt = (i: number, shift: number): number => {
        const moved = parameters.slice();
        moved[i]! += shift;
        return objective.evaluate(moved, scratch);
      };
      const h = 1e-3;
      for (let i = 0; i < parameters.length; ++i) {
        // Fourth order, as the error of second-order differences would hide a wrong term.
        const slope = (8 * (valueAt(i, h) - valueAt(i, -h)) - (valueAt(i, 2 * h) - valueAt(i, -2 * h))) / (12 * h);
        expect(gradient[i]).toBeCloseTo(slope, 8);
      }
    });
  }

  it("stays finite at scores that overflow exp()", () => {
    const far = [[1e6], [-1e6]];
    for (const [task, nLabels] of [
      ["binary", 2],
      ["multiclass", 3],
    ] as const) {
      const target = targetOf({ task, nLabels, target: [0, 1], weights: null });
      const design = designOf(far, 99);
      const objective = createObjective(design, target, 0, momentsOf(design, null));
      const parameters = new Float64Array(objective.nParameters);
      parameters[task === "binary" ? 0 : 1] = 1;
      const gradient = new Float64Array(parameters.length);
      expect(objective.evaluate(parameters, gradient)).toBeCloseTo(1e6, 0);
      expect(gradient.every(Number.isFinite)).toBe(true);
    }
  });
});
