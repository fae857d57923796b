import { describe, expect, it } from "vitest";

import { createRng } from "../../core/rng.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { FitContext, FitResult, HyperparameterValues, Target } from "../../model/estimator.ts";
import { addTreeContributions } from "../../model/explain-trees.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { rawScores } from "../../model/score.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { boostingEstimator } from "./estimator.ts";

const nRows = 1500;

/** Two numbers, one of them missing now and then, and a category; `targets` follow from all three. */
function planted(seed: number, n = nRows): { design: Design; signal: Float64Array } {
  const rng = createRng(seed);
  const draw = (value: () => number): Float64Array => Float64Array.from({ length: n }, value);
  const first = draw(() => rng.next() * 4);
  const second = draw(() => (rng.next() < 0.1 ? Number.NaN : rng.next()));
  const level = draw(() => rng.integer(6));
  const signal = first.map((x, row) => {
    const other = second[row]!;
    return Math.sqrt(x) * 3 + (other !== other ? 2 : other) + [0, 3, 1, 5, 2, 4][level[row]!]! + rng.next();
  });
  const dense = [first, second, level].map((values, f) => ({
    name: `x${f}`,
    source: `x${f}`,
    values,
    cardinality: f === 2 ? 6 : 0,
  }));
  return { design: { nRows: n, dense, sparse: emptySparseBlock(n) }, signal };
}

function targetOf(task: Target["task"], signal: Float64Array): Target {
  if (task === "regression") return { task, values: signal, nLabels: 0, weights: null };
  const nLabels = task === "binary" ? 2 : 3;
  const labels = signal.map((value) => Math.min(nLabels - 1, Math.floor((value / 13) * nLabels)));
  return { task, values: labels, nLabels, weights: null };
}

const context = (over: Partial<FitContext> = {}): FitContext => fitContext({ rng: createRng(7), ...over });

const { design, signal } = planted(1);

async function fit(
  task: Target["task"],
  given: HyperparameterValues,
  over: Partial<FitContext> = {},
): Promise<FitResult & { readonly trees: TreesPredictor }> {
  const result = await boostingEstimator.fit(design, targetOf(task, signal), given, context(over));
  return { ...result, trees: result.predictor as TreesPredictor };
}

describe("a training that goes on from an earlier one", () => {
  it.each([
    ["regression", {}],
    ["regression", { loss: "absolute" }],
    ["regression", { loss: "poisson" }],
    ["regression", { rowShare: 0.5, columnShare: 0.7 }],
    ["binary", {}],
    ["binary", { rowShare: 0.4, topShare: 0.2 }],
    ["multiclass", {}],
  ] as const)(
    "learns the bits of one training of all rounds, of the same data and seed (%s %j)",
    async (task, extra) => {
      const earlier = await fit(task, { trees: 12, ...extra });
      const more = await fit(task, { trees: 9, ...extra }, { start: earlier.predictor });
      const whole = await fit(task, { trees: 21, ...extra });
      expect(more.predictor).toStrictEqual(whole.predictor);
      expect(more.notes).toStrictEqual(whole.notes);
      expect(more.notes["trainLoss"]).toBeLessThan(earlier.notes["trainLoss"]!);
    },
  );

  it("draws on where the earlier training stopped, where sums are packed and gradients rounded by chance, too", async () => {
    const many = planted(4, 66_000);
    const target = targetOf("binary", many.signal);
    const learn = (trees: number, over: Partial<FitContext> = {}): Promise<FitResult> =>
      boostingEstimator.fit(many.design, target, { trees, leaves: 5 }, context(over));
    const more = await learn(2, { start: (await learn(3)).predictor });
    expect(more.predictor).toStrictEqual((await learn(5)).predictor);
  });

  it("keeps the earlier trees as they are on other rows, and learns what those still lack", async () => {
    const earlier = await fit("regression", { trees: 10 });
    const other = planted(2, 800);
    const target = targetOf("regression", other.signal);
    const start = earlier.predictor;
    const more = await boostingEstimator.fit(other.design, target, { trees: 10 }, context({ start }));
    const trees = more.predictor as TreesPredictor;
    const nEarlier = earlier.trees.feature.length;
    expect(trees.base).toStrictEqual(earlier.trees.base);
    expect(trees.treeOffsets.subarray(0, 10)).toStrictEqual(earlier.trees.treeOffsets);
    expect(trees.value.subarray(0, nEarlier)).toStrictEqual(earlier.trees.value);
    const lossOf = (predictor: TreesPredictor): number =>
      rawScores(predictor, other.design).reduce((sum, score, row) => sum + (score - other.signal[row]!) ** 2, 0) / 800;
    expect(lossOf(trees)).toBeLessThan(lossOf(earlier.trees));
    expect(more.notes["trainLoss"]).toBeCloseTo(lossOf(trees), 10);
    expect(more.notes["rounds"]).toBe(20);
  });

  it("answers as before, bit for bit, where no round can be added", async () => {
    const earlier = await fit("multiclass", { trees: 8 });
    const more = await fit("multiclass", { trees: 8, minRows: nRows }, { start: earlier.predictor });
    expect(more.predictor).toStrictEqual(earlier.predictor);
    expect(rawScores(more.predictor, design)).toStrictEqual(rawScores(earlier.predictor, design));
    expect(more.notes["rounds"]).toBe(8);
  });

  it("adds no tree that makes the answers to the watched rows worse", async () => {
    const watched = planted(3, 500);
    const contrary = targetOf(
      "regression",
      watched.signal.map((value) => -value),
    );
    const earlier = await fit("regression", { trees: 8 });
    const validation = { design: watched.design, target: contrary };
    const more = await fit("regression", { trees: 40, earlyStopping: 5 }, { start: earlier.predictor, validation });
    expect(more.predictor).toStrictEqual(earlier.predictor);
    expect(more.notes["rounds"]).toBe(8);
    const scores = rawScores(earlier.predictor, watched.design);
    const loss = scores.reduce((sum, score, row) => sum + (score - contrary.values[row]!) ** 2, 0) / 500;
    expect(more.notes["validationLoss"]).toBeCloseTo(loss, 8);
  });

  it("ends with the best round where early stopping finds it, as one training would", async () => {
    const watched = planted(3, 500);
    const validation = { design: watched.design, target: targetOf("regression", watched.signal) };
    const fast = { learningRate: 0.5, earlyStopping: 4 };
    const earlier = await fit("regression", { ...fast, trees: 3 }, { validation });
    const more = await fit("regression", { ...fast, trees: 300 }, { start: earlier.predictor, validation });
    const whole = await fit("regression", { ...fast, trees: 303 }, { validation });
    expect(more.predictor).toStrictEqual(whole.predictor);
    expect(more.notes["rounds"]).toBeGreaterThan(3);
    expect(more.notes["rounds"]).toBeLessThan(303);
  });

  it("explains what it answers: contributions and base add up to the score", async () => {
    const earlier = await fit("regression", { trees: 10 });
    const more = await fit("regression", { trees: 10, learningRate: 0.3 }, { start: earlier.predictor });
    const own = { base: more.trees.base.slice(), values: new Float64Array(3 * nRows) };
    addTreeContributions(more.trees, design, { ...own, groupOf: Int32Array.of(0, 1, 2), nGroups: 3 });
    const scores = rawScores(more.predictor, design);
    for (const row of [0, 7, nRows - 1]) {
      const parts = own.values.subarray(row * 3, row * 3 + 3);
      expect(parts.reduce((sum, part) => sum + part, own.base[0]!)).toBeCloseTo(scores[row]!, 8);
    }
  });

  it("refuses what was learned for another loss, other outputs or other columns", async () => {
    const numbers = (await fit("regression", { trees: 3 })).trees;
    const refused = { code: "WARM_START_REFUSED" };
    await expect(fit("binary", { trees: 3 }, { start: numbers })).rejects.toMatchObject(refused);
    await expect(fit("regression", { trees: 3, loss: "poisson" }, { start: numbers })).rejects.toMatchObject(refused);
    const threeLabels = (await fit("multiclass", { trees: 3 })).trees;
    await expect(fit("multiclass", { trees: 3 }, { start: { ...threeLabels, outputs: 4 } })).rejects.toMatchObject(
      refused,
    );
    const narrow = { ...design, dense: design.dense.slice(0, 2) };
    const target = targetOf("regression", signal);
    await expect(
      boostingEstimator.fit(narrow, target, { trees: 3 }, context({ start: numbers })),
    ).rejects.toMatchObject(refused);
    const turned = { ...design, dense: design.dense.toReversed() };
    await expect(
      boostingEstimator.fit(turned, target, { trees: 3 }, context({ start: numbers })),
    ).rejects.toMatchObject(refused);
    const linear = { kind: "linear", link: "identity", outputs: 1, nDense: 3, nSparse: 0 } as const;
    const start = { ...linear, coefficients: new Float64Array(3), intercept: new Float64Array(1) };
    await expect(fit("regression", { trees: 3 }, { start })).rejects.toMatchObject(refused);
  });
});
