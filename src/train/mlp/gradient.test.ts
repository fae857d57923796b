import { describe, expect, it } from "vitest";
import { createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import type { NetworkPredictor } from "../../model/predictor.ts";
import { rawScores } from "../../model/score.ts";
import { type NetworkShape, tablesOf } from "./layout.ts";
import { addLoss } from "./loss.ts";
import { randomDesign, targetOf } from "./mlp.fixtures.ts";
import { backward, createNetwork, drawWeights, forward, type Network } from "./network.ts";
import { predictorOf } from "./predictor.ts";
import { heldBlocks } from "../row-blocks.ts";
import { addEmbeddingGradients, fillBatch, packRows } from "./rows.ts";

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
