import { describe, expect, it } from "vitest";
import { createRng } from "../../core/rng.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { FitContext, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { NetworkPredictor } from "../../model/predictor.ts";
import { applyLink, rawScores } from "../../model/score.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { mlpEstimator } from "./estimator.ts";
import { type NetworkShape, tablesOf } from "./layout.ts";
import { addLoss } from "./loss.ts";
import { backward, createNetwork, drawWeights, forward, type Network } from "./network.ts";
import { predictorOf } from "./predictor.ts";
import { addEmbeddingGradients, fillBatch, heldBlocks, packRows } from "./rows.ts";

/** Dense numbers, and for each row one lit column of each of two sources and a weighted term. */
function designOf(rows: readonly (readonly number[])[], lit: readonly (readonly number[])[] = []): Design {
  const dense = (rows[0] ?? []).map((_, j) => ({
    name: `x${j}`,
    source: `x${j}`,
    cardinality: 0,
    values: Float64Array.from(rows, (row) => row[j]!),
  }));
  if (lit.length === 0) return { nRows: rows.length, dense, sparse: emptySparseBlock(rows.length) };
  const sources = ["a", "a", "a", "b", "b", "b", "b", "b"];
  const offsets = Uint32Array.from({ length: rows.length + 1 }, (_, row) => row * 2);
  const sparse = {
    names: sources.map((source, i) => `${source}=${i}`),
    sources,
    offsets,
    indices: Uint32Array.from(lit.flat()),
    values: Float64Array.from(lit.flat(), (_, e) => (e % 2 === 0 ? 1 : 0.75)),
  };
  return { nRows: rows.length, dense, sparse };
}

function randomDesign(nRows: number, nDense: number, seed: number, hasSparse: boolean): Design {
  const rng = createRng(seed);
  const rows = Array.from({ length: nRows }, () => Array.from({ length: nDense }, () => rng.next() * 4 - 2));
  return designOf(rows, hasSparse ? rows.map(() => [rng.integer(3), 3 + rng.integer(5)]) : []);
}

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

const targetOf = (
  task: Target["task"],
  values: readonly number[],
  nLabels: number,
  weights?: readonly number[],
): Target => ({
  task,
  values: Float64Array.from(values),
  nLabels,
  weights: weights ? Float64Array.from(weights) : null,
});

/** Loss and gradient of a network over all rows of a design at once. */
async function evaluate(network: Network, design: Design, target: Parameters<typeof addLoss>[1]): Promise<number> {
  const rows = await packRows(heldBlocks(design), async () => {});
  const order = Uint32Array.from({ length: design.nRows }, (_, row) => row);
  fillBatch(network, rows, order, 0, design.nRows);
  forward(network, design.nRows, null);
  const total = addLoss(network, target, order, { start: 0, end: design.nRows, divisor: 1 });
  backward(network, design.nRows, 0);
  addEmbeddingGradients(network, rows, order, 0, design.nRows);
  return total;
}

/** The same loss in float64 from the predictor alone. */
function lossOf(predictor: NetworkPredictor, design: Design, target: Target): number {
  const scores = rawScores(predictor, design);
  const { outputs } = predictor;
  let total = 0;
  for (let row = 0; row < design.nRows; ++row) {
    const own = scores.subarray(row * outputs, (row + 1) * outputs);
    const value = target.values[row]!;
    const weight = target.weights?.[row] ?? 1;
    if (target.task === "regression") total += (weight * (own[0]! - value) ** 2) / 2;
    else if (target.task === "binary") total += weight * (Math.log(1 + Math.exp(own[0]!)) - value * own[0]!);
    else total += weight * (Math.log(own.reduce((sum, score) => sum + Math.exp(score), 0)) - own[value]!);
  }
  return total;
}

describe("the gradient of a network", () => {
  const cases = (["regression", "binary", "multiclass"] as const).flatMap((task) =>
    (["tanh", "relu"] as const).map((activation) => ({ task, activation })),
  );

  it.each(cases)("is the finite difference of the $task loss under $activation", async ({ task, activation }) => {
    const design = randomDesign(13, 3, 7, true);
    const rng = createRng(8);
    const outputs = task === "multiclass" ? 3 : 1;
    const values = Array.from({ length: 13 }, () =>
      task === "regression" ? rng.next() * 3 : rng.integer(outputs + (task === "binary" ? 1 : 0)),
    );
    const weights = values.map(() => 0.5 + rng.next());
    const target = targetOf(task, values, task === "regression" ? 0 : Math.max(2, outputs), weights);
    const shape: NetworkShape = {
      nDense: 3,
      ...tablesOf(design, 2),
      units: [5, 9, outputs],
      activation,
      batchRows: 13,
    };
    const network = createNetwork(shape, false);
    drawWeights(network, createRng(9));
    for (const { biases, units } of network.layout.layers)
      for (let u = 0; u < units; ++u) network.parameters[biases + u] = rng.next() - 0.5;
    const loss = await evaluate(network, design, { task, values: target.values, weights: target.weights });
    const plain = { mean: 0, deviation: 1 };
    expect(loss).toBeCloseTo(lossOf(predictorOf(network, target, plain), design, target), 3);
    const gradient = network.gradients.slice();
    // float32 numbers cannot be moved by little: the finite difference is taken of the predictor's float64 copies.
    const base = predictorOf(network, target, plain);
    const analytic = predictorOf({ ...network, parameters: gradient }, target, plain);
    for (const member of ["weights", "biases", "embeddings"] as const)
      base[member].forEach((_, i) => {
        const moved = (by: number): number => {
          const copy = base[member].slice();
          copy[i]! += by;
          return lossOf({ ...base, [member]: copy }, design, target);
        };
        const difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        expect(Math.abs(difference - analytic[member][i]!)).toBeLessThan(1e-4 * Math.max(1, Math.abs(difference)));
      });
  });

  it("has the same bits with the naive products", async () => {
    const design = randomDesign(11, 5, 3, true);
    const target = {
      task: "binary" as const,
      values: Float64Array.from({ length: 11 }, (_, i) => i % 2),
      weights: null,
    };
    const shape: NetworkShape = {
      nDense: 5,
      ...tablesOf(design, 3),
      units: [7, 3, 1],
      activation: "relu",
      batchRows: 11,
    };
    const evaluated = [false, true].map(async (isPlain) => {
      const network = createNetwork(shape, false, isPlain);
      drawWeights(network, createRng(4));
      return { loss: await evaluate(network, design, target), gradients: network.gradients };
    });
    const [fast, plain] = await Promise.all(evaluated);
    expect(fast).toEqual(plain);
  });
});

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
      remedy: expect.stringContaining("learningRate, say to 0.1"),
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
