import { describe, expect, it } from "vitest";
import { createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { FitContext, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { NetworkPredictor } from "../../model/predictor.ts";
import { applyLink, rawScores } from "../../model/score.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { mlpEstimator } from "./estimator.ts";
import { designOf, randomDesign, targetOf } from "./mlp.fixtures.ts";

const contextOf = (seed: number, extra: Partial<FitContext> = {}): FitContext =>
  fitContext({ rng: createRng(seed), ...extra });

async function fitMlp(
  design: Design,
  target: Target,
  given: HyperparameterValues = {},
  context: FitContext = contextOf(1),
): Promise<{ predictor: NetworkPredictor; notes: Readonly<Record<string, number>> }> {
  const { predictor, notes } = await mlpEstimator.fit(
    design,
    target,
    resolveHyperparameters(mlpEstimator, given),
    context,
  );
  return { predictor: predictor as NetworkPredictor, notes };
}

describe("mlp", () => {
  it("learns what no linear model can: labels of rings and products", async () => {
    const design = randomDesign(1500, 2, 5, false);
    const [x, y] = design.dense.map(({ values }) => values);
    const ring = Array.from(x!, (value, row) => (value * value + y![row]! * y![row]! < 2 ? 1 : 0));
    const given = { epochs: 60, learningRate: 0.01 };
    const binary = await fitMlp(design, targetOf("binary", ring, 2), given);
    const scores = rawScores(binary.predictor, design);
    const right = ring.filter((label, row) => (scores[row]! > 0 ? 1 : 0) === label).length;
    expect(right / 1500).toBeGreaterThan(0.97);
    const products = Array.from(x!, (value, row) => 1000 + 50 * value * y![row]!);
    const numbers = await fitMlp(design, targetOf("regression", products, 0), { ...given, activation: "tanh" });
    const answers = rawScores(numbers.predictor, design);
    const residual = products.reduce((sum, value, row) => sum + (value - answers[row]!) ** 2, 0);
    const spread = products.reduce((sum, value) => sum + (value - 1000) ** 2, 0);
    expect(1 - residual / spread).toBeGreaterThan(0.97);
  });

  it("learns several labels from embeddings alone, and gives probabilities", async () => {
    const design = randomDesign(900, 1, 6, true);
    const labels = Array.from({ length: 900 }, (_, row) => {
      const [a, b] = [design.sparse.indices[row * 2]!, design.sparse.indices[row * 2 + 1]! - 3];
      return (a + b) % 3;
    });
    const { predictor } = await fitMlp(design, targetOf("multiclass", labels, 3), { epochs: 80, learningRate: 0.01 });
    expect(Array.from(predictor.tableWidths)).toEqual([2, 3]);
    const values = rawScores(predictor, design);
    applyLink(predictor.link, values, 3);
    const right = labels.filter((label, row) => values[row * 3 + label]! > 0.5).length;
    expect(right / 900).toBeGreaterThan(0.95);
  });

  it("gives the same bits for a seed and any number of threads, and others for another seed", async () => {
    const design = randomDesign(70, 3, 11, true);
    const target = targetOf(
      "binary",
      Array.from({ length: 70 }, (_, i) => (i * 7) % 2),
      2,
    );
    const given = { epochs: 3, dropout: 0.3, batchRows: 32 };
    const first = await fitMlp(design, target, given);
    expect(await fitMlp(design, target, given, contextOf(1, { threads: 4 }))).toEqual(first);
    expect((await fitMlp(design, target, given, contextOf(2))).predictor).not.toEqual(first.predictor);
  });

  it("stops early and keeps the epoch with the best validation loss", async () => {
    const noise = (seed: number): { design: Design; target: Target } => {
      const design = randomDesign(60, 4, seed, false);
      const rng = createRng(seed + 100);
      return {
        design,
        target: targetOf(
          "binary",
          Array.from({ length: 60 }, () => rng.integer(2)),
          2,
        ),
      };
    };
    const { design, target } = noise(1);
    const given = { epochs: 500, learningRate: 0.02, earlyStopping: 5 };
    const { notes, predictor } = await fitMlp(design, target, given, contextOf(1, { validation: noise(2) }));
    expect(notes["epochs"]).toBeLessThan(400);
    const scores = rawScores(predictor, noise(2).design);
    const loss = noise(2).target.values.reduce(
      (sum, y, row) => sum + Math.log(1 + Math.exp(scores[row]!)) - y * scores[row]!,
      0,
    );
    expect(loss / 60).toBeCloseTo(notes["validationLoss"]!, 4);
  });

  it("takes a row weight as so many rows in a step over all rows", async () => {
    const rows = [
      [1, 2],
      [0, -1],
      [2, 0.5],
      [-1, 1],
    ];
    const weights = [1, 3, 2, 1];
    const repeated = rows.flatMap((row, i) => Array.from({ length: weights[i]! }, () => row));
    const values = [0, 1, 1, 0];
    const repeatedValues = values.flatMap((value, i) => Array.from({ length: weights[i]! }, () => value));
    const given = { epochs: 20, layers: [4], activation: "tanh", batchRows: 64 };
    const weighted = await fitMlp(designOf(rows), targetOf("binary", values, 2, weights), given);
    const plain = await fitMlp(designOf(repeated), targetOf("binary", repeatedValues, 2), given);
    const [a, b] = [weighted, plain].map(({ predictor }) => rawScores(predictor, designOf(rows)));
    a!.forEach((score, i) => expect(score).toBeCloseTo(b![i]!, 4));
  });

  it("shrinks weights by l2 and is linear without hidden layers", async () => {
    const design = randomDesign(200, 2, 13, false);
    const values = Array.from(design.dense[0]!.values, (x, row) => 3 * x - 2 * design.dense[1]!.values[row]! + 5);
    const given = { layers: [], epochs: 300, learningRate: 0.01, l2: 0 };
    const { predictor } = await fitMlp(design, targetOf("regression", values, 0), given);
    expect(predictor.weights[0]).toBeCloseTo(3, 2);
    expect(predictor.weights[1]).toBeCloseTo(-2, 2);
    expect(predictor.biases[0]).toBeCloseTo(5, 2);
    const shrunk = await fitMlp(design, targetOf("regression", values, 0), { ...given, l2: 1 });
    expect(Math.abs(shrunk.predictor.weights[0]!)).toBeLessThan(2);
  });

  it("answers for one row, one label, constant columns, and no columns", async () => {
    for (const design of [designOf([[7]]), designOf([[]])]) {
      for (const [task, nLabels] of [
        ["regression", 0],
        ["binary", 2],
        ["multiclass", 3],
      ] as const) {
        const { predictor } = await fitMlp(design, targetOf(task, [1], nLabels), { epochs: 5 });
        for (const score of rawScores(predictor, design)) expect(Number.isFinite(score)).toBe(true);
      }
    }
  });

  it("refuses to give a network whose weights have run away, and says what to lower", async () => {
    const design = designOf(Array.from({ length: 64 }, (_, row) => [1e6 * Math.sin(row), 1e6 * Math.cos(row * row)]));
    const target = targetOf(
      "regression",
      Array.from(design.dense[0]!.values, (x, row) => x + row),
      0,
    );
    const wild = { layers: Array.from({ length: 16 }, () => 48), learningRate: 1, batchRows: 8, epochs: 2 };
    await expect(fitMlp(design, target, wild)).rejects.toMatchObject({
      code: "TRAINING_DIVERGED",
      remedy: expect.stringContaining("Lower learningRate"),
    });
    const { predictor } = await fitMlp(design, target, { ...wild, learningRate: 0.1 });
    expect(rawScores(predictor, design).every(Number.isFinite)).toBe(true);
  });

  it("refuses missing and infinite numbers, and networks beyond its memory", async () => {
    const target = targetOf("regression", [0, 1], 0);
    for (const bad of [Number.NaN, Infinity])
      await expect(fitMlp(designOf([[1], [bad]]), target)).rejects.toThrow(
        'the column "x0" must be complete for mlp()',
      );
    const layers = Array.from({ length: 16 }, () => 4096);
    const many = designOf(Array.from({ length: 65_536 }, () => [1]));
    const values = Array.from({ length: 65_536 }, () => 1);
    await expect(fitMlp(many, targetOf("regression", values, 0), { layers, batchRows: 65_536 })).rejects.toMatchObject({
      code: "HYPERPARAMETER_INVALID",
    });
  });
});
