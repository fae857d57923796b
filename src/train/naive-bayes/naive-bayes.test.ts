import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { readVectors } from "../../../test/vectors/read.ts";
import { createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { FitContext, Target } from "../../model/estimator.ts";
import type { BayesPredictor } from "../../model/predictor.ts";
import { applyLink, rawScores } from "../../model/score.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { naiveBayesEstimator } from "./estimator.ts";

interface Case {
  readonly name: string;
  readonly sources: readonly string[];
  readonly smoothing: number;
  readonly nLabels: number;
  readonly rows: number[][];
  readonly target: number[];
  readonly weights: number[] | null;
  readonly scores: number[][];
}

const vectors = readVectors<{ readonly cases: readonly Case[] }>("naive-bayes");
const context: FitContext = fitContext();

function targetOf(labels: readonly number[], nLabels: number, weights: readonly number[] | null = null): Target {
  const task = nLabels === 2 ? "binary" : "multiclass";
  return { task, nLabels, values: Float64Array.from(labels), weights: weights && Float64Array.from(weights) };
}

async function fitBayes(
  design: Design,
  target: Target,
  given: Record<string, number | string> = {},
): Promise<BayesPredictor> {
  const hyperparameters = resolveHyperparameters(naiveBayesEstimator, given);
  const { predictor } = await naiveBayesEstimator.fit(design, target, hyperparameters, context);
  if (predictor.kind !== "bayes") throw new Error("not a naive Bayes predictor");
  return predictor;
}

/** A numbers-only design, or one whose columns are all sparse and of the named sources. */
function designOfCase(rows: readonly (readonly number[])[], sources: readonly string[]): Design {
  const design = designOf(rows, sources.length === 0 ? 99 : 0);
  return sources.length === 0 ? design : { ...design, sparse: { ...design.sparse, sources } };
}

function probabilities(predictor: BayesPredictor, design: Design): Float64Array {
  const scores = rawScores(predictor, design);
  applyLink(predictor.link, scores, predictor.outputs);
  return scores;
}

describe("naiveBayesEstimator", () => {
  it.each(vectors.cases)("agrees with scikit-learn to 1e-8: $name", async (vector) => {
    const { smoothing, nLabels } = vector;
    const given = vector.sources.length === 0 ? { varianceSmoothing: smoothing } : { smoothing };
    const design = designOfCase(vector.rows, vector.sources);
    const predictor = await fitBayes(design, targetOf(vector.target, nLabels, vector.weights), given);
    const scores = rawScores(predictor, design);
    vector.scores.forEach((joint, row) => {
      const expected = nLabels === 2 ? [joint[1]! - joint[0]!] : joint;
      expected.forEach((score, k) => {
        const actual = scores[row * expected.length + k]!;
        expect(Math.abs(actual - score)).toBeLessThan(1e-8 * Math.max(1, Math.abs(score)));
      });
    });
  });

  it("is what the formulas say, written plainly, for numbers and levels together", async () => {
    const rng = createRng(3);
    const rows = Array.from({ length: 40 }, () => [rng.next() * 3, rng.next() - 5, 1 + rng.integer(3), rng.integer(2)]);
    const labels = rows.map((_, row) => row % 3);
    const design = { ...designOf(rows, 2) };
    const mixed = { ...design, sparse: { ...design.sparse, sources: ["a", "a"] } };
    const predictor = await fitBayes(mixed, targetOf(labels, 3));
    const scores = rawScores(predictor, mixed);
    const variance = (values: readonly number[]): number => {
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    };
    const widest = Math.max(...[0, 1].map((j) => variance(rows.map((row) => row[j]!))));
    for (const [r, row] of rows.entries())
      for (let k = 0; k < 3; ++k) {
        const own = rows.filter((_, i) => labels[i] === k);
        let expected = Math.log(own.length / rows.length);
        for (const j of [0, 1]) {
          const mean = own.reduce((sum, other) => sum + other[j]!, 0) / own.length;
          const spread = variance(own.map((other) => other[j]!)) + 1e-9 * widest;
          expected -= Math.log(2 * Math.PI * spread) / 2 + (row[j]! - mean) ** 2 / spread / 2;
        }
        const counts = [2, 3].map((j) => 1 + own.reduce((sum, other) => sum + other[j]!, 0));
        for (const j of [2, 3]) expected += row[j]! * Math.log(counts[j - 2]! / (counts[0]! + counts[1]!));
        expect(scores[r * 3 + k]).toBeCloseTo(expected, 9);
      }
  });

  it("finds planted means and spreads", async () => {
    const rng = createRng(5);
    const labels = Array.from({ length: 20_000 }, () => (rng.next() < 0.3 ? 1 : 0));
    const rows = labels.map((label) => {
      const normal = Array.from({ length: 12 }, () => rng.next()).reduce((a, b) => a + b, -6);
      return [label === 1 ? 4 + 2 * normal : 1 + normal];
    });
    const predictor = await fitBayes(designOf(rows, 99), targetOf(labels, 2));
    expect(predictor.means[0]).toBeCloseTo(1, 1);
    expect(predictor.means[1]).toBeCloseTo(4, 1);
    expect(predictor.precisions[0]).toBeCloseTo(1, 1);
    expect(predictor.precisions[1]).toBeCloseTo(0.25, 1);
  });

  it("takes a row weight as so many rows", async () => {
    const whole = fc.array(
      fc.tuple(
        fc.integer({ min: -9, max: 9 }),
        fc.integer({ min: 0, max: 4 }),
        fc.nat(1),
        fc.integer({ min: 1, max: 3 }),
      ),
      { minLength: 2, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(whole, async (cells) => {
        const repeated = cells.flatMap((cell) => Array.from({ length: cell[3] }, () => cell));
        const rowsOf = (of: typeof cells): number[][] => of.map(([number, count]) => [number, count]);
        const labelsOf = (of: typeof cells): number[] => of.map(([, , label]) => label);
        const weights = cells.map(([, , , weight]) => weight);
        const weighted = await fitBayes(designOf(rowsOf(cells), 1), targetOf(labelsOf(cells), 2, weights));
        const plain = await fitBayes(designOf(rowsOf(repeated), 1), targetOf(labelsOf(repeated), 2));
        for (const member of ["intercept", "means", "precisions", "coefficients"] as const)
          weighted[member].forEach((value, i) => {
            const size = Math.max(1, Math.abs(value));
            expect(Math.abs(value - plain[member][i]!) / size).toBeLessThan(1e-6);
          });
      }),
      { numRuns: 50 },
    );
  });

  it("answers for one row, one label, constant columns and a label without rows", async () => {
    const constant = designOf([[7.3, 2]], 1);
    for (const nLabels of [2, 3]) {
      const predictor = await fitBayes(constant, targetOf([0], nLabels));
      const [first, ...others] = probabilities(predictor, constant);
      expect(nLabels === 2 ? 1 - first! : first!).toBeGreaterThan(0.9999);
      expect([first, ...others].every((value) => Number.isFinite(value))).toBe(true);
    }
    const rows = [[0.1], [0.1], [0.1], [0.1]];
    const even = await fitBayes(designOf(rows, 1), targetOf([0, 0, 0, 1], 2));
    for (const share of probabilities(even, designOf([[0.1], [5]], 1))) expect(share).toBeCloseTo(0.25, 6);
  });

  it("gives rare labels the weight of common ones where they are balanced", async () => {
    const design = designOf([[1], [1], [1], [1]], 1);
    const predictor = await fitBayes(design, targetOf([0, 0, 0, 1], 2), { classWeights: "balanced" });
    expect(probabilities(predictor, design)[0]).toBeCloseTo(0.5, 9);
  });

  it("refuses missing and infinite numbers, entries below 0 and weights of nothing", async () => {
    const target = targetOf([0, 1], 2);
    for (const bad of [Number.NaN, Infinity])
      await expect(fitBayes(designOf([[1], [bad]], 1), target)).rejects.toThrow('the column "x0" must be complete');
    await expect(fitBayes(designOf([[1], [-1]], 0), target)).rejects.toThrow("must hold finite numbers of 0 or more");
    await expect(fitBayes(designOf([[1], [Infinity]], 0), target)).rejects.toThrow("must have no infinite values");
    await expect(fitBayes(designOf([[1], [2]], 1), targetOf([0, 1], 2, [0, 0]))).rejects.toThrow("the row weights");
  });
});
