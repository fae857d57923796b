import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { readVectors } from "../../../test/vectors/read.ts";
import { createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { FitContext, Target } from "../../model/estimator.ts";
import type { NeighborsPredictor } from "../../model/predictor.ts";
import { applyLink, rawScores } from "../../model/score.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { neighborsEstimator } from "./estimator.ts";
import { orderRows } from "./order.ts";

interface Case {
  readonly name: string;
  readonly neighbors: number;
  readonly weighting: string;
  readonly nLabels: number;
  readonly rows: number[][];
  readonly target: number[];
  readonly asked: number[][];
  readonly answers: (number | number[])[];
}

const vectors = readVectors<{ readonly cases: readonly Case[] }>("neighbors");
const context: FitContext = fitContext();

function targetOf(values: readonly number[], nLabels = 0, weights: readonly number[] | null = null): Target {
  const task = nLabels === 0 ? "regression" : nLabels === 2 ? "binary" : "multiclass";
  return { task, nLabels, values: Float64Array.from(values), weights: weights && Float64Array.from(weights) };
}

async function fitNeighbors(
  design: Design,
  target: Target,
  given: Record<string, number | string> = {},
): Promise<NeighborsPredictor> {
  const hyperparameters = resolveHyperparameters(neighborsEstimator, given);
  const { predictor } = await neighborsEstimator.fit(design, target, hyperparameters, context);
  if (predictor.kind !== "neighbors") throw new Error("not a neighbors predictor");
  return predictor;
}

function answers(predictor: NeighborsPredictor, design: Design): number[] {
  const scores = rawScores(predictor, design);
  applyLink(predictor.link, scores, predictor.outputs);
  return Array.from(scores);
}

/** All distances, sorted: what the search must find. */
function naiveAnswers(rows: number[][], values: number[], weights: number[], asked: number[][], k: number): number[] {
  return asked.map((point) => {
    const found = rows
      .map((row, r) => ({ r, distance: row.reduce((sum, x, j) => sum + (point[j]! - x) ** 2, 0) }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, k);
    const total = found.reduce((sum, { r }) => sum + weights[r]!, 0);
    return found.reduce((sum, { r }) => sum + weights[r]! * values[r]!, 0) / total;
  });
}

const normalRows = (rng: ReturnType<typeof createRng>, nRows: number, nColumns: number): number[][] =>
  Array.from({ length: nRows }, () => Array.from({ length: nColumns }, () => rng.next() * 2 - 1));

describe("neighborsEstimator", () => {
  it.each(vectors.cases)("agrees with scikit-learn to 1e-8: $name", async (vector) => {
    const { neighbors, weighting, nLabels } = vector;
    const target = targetOf(vector.target, nLabels);
    const predictor = await fitNeighbors(designOf(vector.rows, 99), target, { neighbors, weighting });
    const expected = nLabels === 2 ? vector.answers.map((shares) => (shares as number[])[1]!) : vector.answers.flat();
    answers(predictor, designOf(vector.asked, 99)).forEach((answer, i) =>
      expect(Math.abs(answer - expected[i]!)).toBeLessThan(1e-8),
    );
  });

  for (const firstSparse of [4, 2, 0])
    for (const nRows of [1, 15, 16, 17, 33, 700])
      it(`finds what looking at every row finds: ${nRows} rows, ${firstSparse} dense columns of 4`, async () => {
        const rng = createRng(nRows);
        const rows = normalRows(rng, nRows, 4).map((row) => row.map((x, j) => (j > 1 && rng.next() < 0.5 ? 0 : x)));
        const asked = normalRows(rng, 50, 4);
        const values = rows.map(() => rng.next());
        const weights = rows.map(() => 0.5 + rng.next());
        const target = targetOf(values, 0, weights);
        for (const k of [1, 7, 40]) {
          const predictor = await fitNeighbors(designOf(rows, firstSparse), target, { neighbors: k });
          const expected = naiveAnswers(rows, values, weights, asked, k);
          answers(predictor, designOf(asked, firstSparse)).forEach((answer, i) =>
            expect(answer).toBeCloseTo(expected[i]!, 10),
          );
        }
      });

  it("does not depend on the order of rows whose distances differ", async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.double({ noNaN: true, min: 0, max: 1 })), async (stream) => {
        const rng = createRng(Math.floor(stream.next().value * 1e6));
        const rows = normalRows(rng, 60, 3);
        const values = rows.map((row) => row[0]! * 3);
        const asked = designOf(normalRows(rng, 10, 3), 3);
        const reversed = await fitNeighbors(designOf(rows.toReversed(), 3), targetOf(values.toReversed()));
        expect(answers(reversed, asked)).toEqual(
          answers(await fitNeighbors(designOf(rows, 3), targetOf(values)), asked),
        );
      }),
      { numRuns: 20 },
    );
  });

  it("lets a row of weight 2 vote twice, and rows of weight 0 not at all", async () => {
    const design = designOf([[0], [1], [2], [9]], 1);
    const asked = designOf([[0.4]], 1);
    const weighted = await fitNeighbors(design, targetOf([0, 3, 6, 9], 0, [2, 1, 0, 1]), { neighbors: 3 });
    expect(weighted.values.length).toBe(3);
    expect(answers(weighted, asked)).toEqual([(3 + 9) / 4]);
  });

  it("lets rows at the very place answer alone where votes go by distance", async () => {
    const design = designOf(
      [
        [0, 1],
        [0, 1],
        [0, 2],
        [5, 5],
      ],
      1,
    );
    const predictor = await fitNeighbors(design, targetOf([1, 0, 0, 0], 2), { neighbors: 4, weighting: "distance" });
    expect(answers(predictor, designOf([[0, 1]], 1))).toEqual([0.5]);
  });

  it("answers for one row, one label, constant and duplicate columns", async () => {
    const one = await fitNeighbors(designOf([[3, 3]], 1), targetOf([7]));
    expect(answers(one, designOf([[100, -4]], 1))).toEqual([7]);
    const constant = await fitNeighbors(
      designOf(
        Array.from({ length: 50 }, () => [1, 1]),
        2,
      ),
      targetOf(Array(50).fill(1), 3),
    );
    expect(answers(constant, designOf([[1, 1]], 2))).toEqual([0, 1, 0]);
  });

  it("gives no number where a value is missing, as every predictor of complete columns", async () => {
    const predictor = await fitNeighbors(designOf([[1], [2]], 1), targetOf([1, 2]));
    expect(answers(predictor, designOf([[Number.NaN]], 1))).toEqual([Number.NaN]);
  });

  it("refuses missing and infinite numbers and weights of nothing", async () => {
    for (const bad of [Number.NaN, Infinity])
      await expect(fitNeighbors(designOf([[1], [bad]], 1), targetOf([1, 2]))).rejects.toThrow('"x0" must be complete');
    await expect(fitNeighbors(designOf([[1], [2]], 1), targetOf([1, 2], 0, [0, 0]))).rejects.toThrow("the row weights");
  });
});

describe("orderRows", () => {
  it("keeps every row once and parts ranges at the median of their widest column", () => {
    const rng = createRng(4);
    const rows = normalRows(rng, 1000, 2).map(([a, b]) => [10 * a!, b!]);
    const order = orderRows(designOf(rows, 2));
    expect(Array.from(order).sort((a, b) => a - b)).toEqual(rows.map((_, row) => row));
    const first = Array.from(order.subarray(0, 500), (row) => rows[row]![0]!);
    const second = Array.from(order.subarray(500), (row) => rows[row]![0]!);
    expect(Math.max(...first)).toBeLessThanOrEqual(Math.min(...second));
  });
});
