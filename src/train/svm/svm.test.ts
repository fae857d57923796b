import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { readVectors } from "../../../test/vectors/read.ts";
import { createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { FitContext, Target } from "../../model/estimator.ts";
import type { Task } from "../../model/model.ts";
import type { LinearPredictor } from "../../model/predictor.ts";
import { applyLink, rawScores } from "../../model/score.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { minimise } from "../linear/lbfgs.ts";
import type { ChunkLoss } from "../linear/losses.ts";
import { createObjective } from "../linear/objective.ts";
import { momentsOf } from "../moments.ts";
import { medianDeviation } from "../robust.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { calibrateMany, calibrateTwo } from "./calibration.ts";
import { svmEstimator } from "./estimator.ts";
import { squaredHingeLoss, squaredTubeLoss } from "./losses.ts";

interface Case {
  readonly name: string;
  readonly task: "binary" | "regression";
  readonly l2: number;
  readonly epsilon: number;
  readonly rows: number[][];
  readonly target: number[];
  readonly weights: number[] | null;
  readonly coefficients: number[];
  readonly intercept: number;
}

const { cases } = readVectors<{ readonly cases: readonly Case[] }>("svm");
const context: FitContext = fitContext();
const quiet = { afterIteration: async (): Promise<void> => {} };

function targetOf(task: Task, values: readonly number[], weights: readonly number[] | null = null): Target {
  const nLabels = task === "regression" ? 0 : task === "binary" ? 2 : Math.max(...values) + 1;
  return { task, nLabels, values: Float64Array.from(values), weights: weights && Float64Array.from(weights) };
}

async function fitSvm(
  design: Design,
  target: Target,
  given: Record<string, number | string> = {},
): Promise<{ predictor: LinearPredictor; slope: number }> {
  const hyperparameters = resolveHyperparameters(svmEstimator, given);
  const { predictor, notes } = await svmEstimator.fit(design, target, hyperparameters, context);
  if (predictor.kind !== "linear") throw new Error("not a linear predictor");
  return { predictor, slope: notes["slope"]! };
}

function answers(predictor: LinearPredictor, design: Design): Float64Array {
  const scores = rawScores(predictor, design);
  applyLink(predictor.link, scores, predictor.outputs);
  return scores;
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; ++i)
    expect(Math.abs(actual[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!))).toBeLessThan(tolerance);
}

/** Three labels around corners of a triangle, in rows that differ. */
function clouds(nRows: number, seed: number, spread: number): { rows: number[][]; labels: number[] } {
  const rng = createRng(seed);
  const labels = Array.from({ length: nRows }, (_, row) => row % 3);
  const corners = [
    [0, 0],
    [3, 0],
    [0, 3],
  ];
  const rows = labels.map((label) => corners[label]!.map((at) => at + spread * (rng.next() + rng.next() - 1)));
  return { rows, labels };
}

describe("svmEstimator", () => {
  it.each(cases)("finds to 1e-8 the plane that scikit-learn comes within 1e-6 of: $name", async (vector) => {
    const design = designOf(vector.rows, 2);
    const isBinary = vector.task === "binary";
    const target = targetOf(vector.task, vector.target, vector.weights);
    const scale = isBinary ? 1 : medianDeviation(target);
    const given = { l2: vector.l2, tolerance: 1e-13, epsilon: vector.epsilon / scale };
    const { predictor, slope } = await fitSvm(design, target, given);
    expectClose(
      predictor.coefficients.map((value) => value / slope),
      vector.coefficients,
      1e-8,
    );
    const sides = isBinary ? vector.target.map((label) => 2 * label - 1) : vector.target;
    const chunkLoss = isBinary ? squaredHingeLoss : squaredTubeLoss(vector.epsilon);
    const plain = targetOf("regression", sides, vector.weights);
    const loss = { chunkLoss, curvature: 2 };
    const objective = createObjective(design, plain, vector.l2, momentsOf(design, plain.weights), loss);
    const { parameters } = await minimise(objective, { maxIterations: 500, tolerance: 1e-13, ...quiet });
    expectClose(objective.uncentre(parameters).intercept, [vector.intercept], 1e-8);
    if (!isBinary) expectClose(predictor.intercept, [vector.intercept], 1e-8);
  });

  it("has losses whose derivatives are those of finite differences", () => {
    const losses: readonly (readonly [ChunkLoss, number])[] = [
      [squaredHingeLoss, 1],
      [squaredHingeLoss, -1],
      [squaredTubeLoss(0.5), 2],
    ];
    for (const [loss, value] of losses)
      for (let score = -4; score <= 4; score += 0.173) {
        const target = targetOf("regression", [value], [3]);
        const at = (moved: number): number => loss(target, 0, 1, Float64Array.of(moved), 1);
        const derivative = Float64Array.of(score);
        loss(target, 0, 1, derivative, 1);
        expect(derivative[0]).toBeCloseTo((at(score + 1e-6) - at(score - 1e-6)) / 2e-6, 4);
      }
  });

  it("tells three planted labels apart and is sure of it", async () => {
    const { rows, labels } = clouds(300, 2, 1);
    const design = designOf(rows, 1);
    const { predictor } = await fitSvm(design, targetOf("multiclass", labels));
    const shares = answers(predictor, design);
    const own = labels.map((label, row) => shares[row * 3 + label]!);
    expect(Math.min(...own)).toBeGreaterThan(0.5);
    expect(own.reduce((sum, share) => sum + share, 0) / own.length).toBeGreaterThan(0.9);
  });

  it("gives probabilities that come true on rows it has not seen", async () => {
    const rng = createRng(4);
    const rows = Array.from({ length: 6000 }, () => [4 * rng.next() - 2, rng.next()]);
    const labels = rows.map(([x]) => (rng.next() < 1 / (1 + Math.exp(1 - 2 * x!)) ? 1 : 0));
    const train = designOf(rows.slice(0, 3000), 9);
    const { predictor } = await fitSvm(train, targetOf("binary", labels.slice(0, 3000)));
    const given = answers(predictor, designOf(rows.slice(3000), 9));
    for (const [low, high] of [
      [0, 0.2],
      [0.2, 0.5],
      [0.5, 0.8],
      [0.8, 1],
    ] as const) {
      const inside = [...given.keys()].filter((row) => given[row]! >= low && given[row]! < high);
      const said = inside.reduce((sum, row) => sum + given[row]!, 0) / inside.length;
      const came = inside.reduce((sum, row) => sum + labels[3000 + row]!, 0) / inside.length;
      expect(Math.abs(said - came)).toBeLessThan(0.06);
    }
  });

  it("does not heed the order of rows, and takes a weight as so many rows", async () => {
    const cell = fc.tuple(
      fc.integer({ min: -9, max: 9 }),
      fc.integer({ min: 0, max: 4 }),
      fc.nat(2),
      fc.integer({ min: 1, max: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(cell, { minLength: 3, maxLength: 14 }),
        fc.constantFrom("binary", "multiclass", "regression"),
        async (cells, task) => {
          const fitted = async (of: typeof cells, weighted: boolean): Promise<Float64Array> => {
            const labels = of.map(([, , label]) => (task === "binary" ? label % 2 : label));
            const weights = weighted ? of.map(([, , , weight]) => weight) : null;
            const design = designOf(
              of.map(([a, b]) => [a, b]),
              1,
            );
            const target = {
              ...targetOf(task, labels, weights),
              nLabels: task === "regression" ? 0 : task === "binary" ? 2 : 3,
            };
            const { predictor } = await fitSvm(design, target, { tolerance: 1e-11 });
            return answers(
              predictor,
              designOf(
                [
                  [1, 0],
                  [-3, 2],
                  [8, 4],
                ],
                1,
              ),
            );
          };
          const weighted = await fitted(cells, true);
          const repeated = cells.flatMap((own) => Array.from({ length: own[3] }, () => own));
          expectClose(await fitted(repeated, false), weighted, 1e-4);
          expectClose(await fitted(cells.toReversed(), true), weighted, 1e-4);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("answers for one row, one label, constant and doubled columns, and gives the same bits again", async () => {
    for (const task of ["binary", "multiclass", "regression"] as const) {
      const labels = task === "multiclass" ? 3 : task === "binary" ? 2 : 0;
      const one = await fitSvm(designOf([[7.3, 2]], 1), { ...targetOf(task, [1]), nLabels: labels });
      expect(answers(one.predictor, designOf([[7.3, 2]], 1)).every(Number.isFinite)).toBe(true);
      const design = designOf(
        [...Array(9).keys()].map((i) => [5, i, i]),
        3,
      );
      const same = await fitSvm(design, { ...targetOf(task, Array<number>(9).fill(1)), nLabels: labels });
      const sure = answers(same.predictor, design);
      expect(sure[task === "multiclass" ? 1 : 0]).toBeGreaterThan(0.6);
      const mixed = { ...targetOf(task, [0, 0, 1, 0, 0, 1, 1, 1, 1]), nLabels: labels };
      const first = await fitSvm(design, mixed);
      expect((await fitSvm(design, mixed)).predictor).toEqual(first.predictor);
      const width = 3;
      for (let k = 0; k < first.predictor.outputs; ++k) {
        expect(first.predictor.coefficients[k * width]).toBeCloseTo(0, 9);
        expect(first.predictor.coefficients[k * width + 1]).toBeCloseTo(
          first.predictor.coefficients[k * width + 2]!,
          6,
        );
      }
    }
  });

  it("refuses missing and infinite values, and class weights for numbers", async () => {
    const target = targetOf("binary", [0, 1]);
    for (const bad of [NaN, Infinity]) {
      await expect(fitSvm(designOf([[1], [bad]], 1), target)).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
      await expect(fitSvm(designOf([[bad], [bad]], 1), target)).rejects.toThrow("must be complete for svm()");
    }
    await expect(
      fitSvm(designOf([[1], [2]], 1), targetOf("regression", [0, 1]), { classWeights: "balanced" }),
    ).rejects.toMatchObject({ code: "HYPERPARAMETER_INVALID" });
  });

  it("counts rare labels as much as common ones where asked to", async () => {
    const rows = [...Array(200).keys()].map((i) => [(i * 37) % 101]);
    const target = targetOf(
      "binary",
      rows.map(([x], i) => (x! > 50 && i % 8 === 0 ? 1 : 0)),
    );
    const design = designOf(rows, 1);
    const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;
    const plain = mean(answers((await fitSvm(design, target)).predictor, design));
    const balanced = mean(answers((await fitSvm(design, target, { classWeights: "balanced" })).predictor, design));
    expect(plain).toBeLessThan(0.1);
    expect(balanced).toBeGreaterThan(0.3);
  });
});

describe("calibration", () => {
  it("of two labels stands where the gradient of Platt's loss is 0, and never turns the margins round", async () => {
    const margins = Float64Array.of(-2, -1, -0.5, 0.1, 0.3, 1, 2, 2.5);
    const labels = [0, 0, 1, 0, 1, 1, 1, 1];
    const { slope, shifts } = await calibrateTwo(margins, targetOf("binary", labels), quiet);
    let byShift = 0;
    let bySlope = 0;
    margins.forEach((margin, row) => {
      const residual = 1 / (1 + Math.exp(-slope * margin - shifts[0]!)) - (labels[row] === 1 ? 6 / 7 : 1 / 5);
      byShift += residual;
      bySlope += residual * margin;
    });
    expect(byShift).toBeCloseTo(0, 6);
    expect(bySlope).toBeCloseTo(0, 6);
    const turned = await calibrateTwo(
      margins.map((margin) => -margin),
      targetOf("binary", labels),
      quiet,
    );
    expect(turned.slope).toBe(1e-6);
    expect(1 / (1 + Math.exp(-turned.shifts[0]!))).toBeCloseTo((5 * (6 / 7) + 3 / 5) / 8, 9);
  });

  it("goes to its own end, however soon the planes were to stop", async () => {
    const hasty = { ...quiet, maxIterations: 1, tolerance: 1 };
    const margins = Float64Array.of(-2, -1, -0.5, 0.1, 0.3, 1);
    const two = targetOf("binary", [0, 0, 1, 0, 1, 1]);
    expect(await calibrateTwo(margins, two, hasty)).toEqual(await calibrateTwo(margins, two, quiet));
    const three = targetOf("multiclass", [0, 2, 1, 1]);
    const ofLabels = Float64Array.of(2, -1, -1, 0, -1, 0, 1, 2, -1, 3, -1, 0);
    expect(await calibrateMany(ofLabels, three, hasty)).toEqual(await calibrateMany(ofLabels, three, quiet));
  });

  it("of more labels has a loss that no small step lowers", async () => {
    const rng = createRng(6);
    const labels = Array.from({ length: 30 }, (_, row) => row % 3);
    const margins = Float64Array.from(
      { length: 90 },
      (_, i) => (labels[i % 30] === Math.floor(i / 30) ? 1 : -1) + 3 * rng.next(),
    );
    const { slope, shifts } = await calibrateMany(margins, targetOf("multiclass", labels), quiet);
    const lossAt = (parameters: readonly number[]): number => {
      let loss = parameters.reduce((sum, value) => sum + (value * value) / 2, 0);
      labels.forEach((label, row) => {
        const odds = [0, 1, 2].map((k) => Math.exp(parameters[0]! * margins[k * 30 + row]! + parameters[k + 1]!));
        loss -= Math.log(odds[label]! / (odds[0]! + odds[1]! + odds[2]!));
      });
      return loss;
    };
    const best = [slope, ...shifts];
    for (let i = 0; i < best.length; ++i)
      for (const step of [-1e-3, 1e-3]) expect(lossAt(best.with(i, best[i]! + step))).toBeGreaterThan(lossAt(best));
  });
});
