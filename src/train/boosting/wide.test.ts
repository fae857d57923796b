import { describe, expect, it } from "vitest";

import { createRng } from "../../core/rng.ts";
import { type DenseColumn, type Design, emptySparseBlock, takeRows } from "../../model/design.ts";
import type { FitContext, FitResult, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { rawScores } from "../../model/score.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { boostingEstimator } from "./estimator.ts";

const rng = createRng(17);

function designOf(...columns: readonly (readonly [values: Float64Array, cardinality: number])[]): Design {
  const nRows = columns[0]![0].length;
  const dense = columns.map(([values, cardinality], f): DenseColumn => ({
    name: `x${f}`,
    source: `x${f}`,
    values,
    cardinality,
  }));
  return { nRows, dense, sparse: emptySparseBlock(nRows) };
}

const numbers = (nRows: number, value: (row: number) => number): Float64Array =>
  Float64Array.from({ length: nRows }, (_, row) => value(row));

function targetOf(task: Target["task"], values: Float64Array): Target {
  return { task, values, nLabels: { binary: 2, multiclass: 3 }[task as string] ?? 0, weights: null };
}

async function fit(
  design: Design,
  target: Target,
  given: HyperparameterValues,
  over: Partial<FitContext> = {},
): Promise<FitResult & { readonly trees: TreesPredictor }> {
  const context = fitContext({ rng: createRng(7), ...over });
  const result = await boostingEstimator.fit(design, target, given, context);
  return { ...result, trees: result.predictor as TreesPredictor };
}

/** The least sum of squares that one cut can leave, wherever the missing values go: every cut of every column is tried. */
function bestCut({ dense, nRows }: Design, target: Float64Array, minRows: number): number {
  let best = Infinity;
  for (const { values } of dense) {
    const order = Array.from(values.keys()).filter((row) => !Number.isNaN(values[row]!));
    order.sort((a, b) => values[a]! - values[b]!);
    const missing = Array.from(values.keys()).filter((row) => Number.isNaN(values[row]!));
    for (const onLeft of missing.length > 0 ? [[], missing] : [[]]) {
      let [n, sum] = [onLeft.length, onLeft.reduce((total, row) => total + target[row]!, 0)];
      const total = target.reduce((all, y) => all + y, 0);
      const squares = target.reduce((all, y) => all + y * y, 0);
      order.forEach((row, i) => {
        n += 1;
        sum += target[row]!;
        const isCut = i + 1 < order.length ? values[order[i + 1]!]! > values[row]! : n < nRows;
        if (!isCut || n < minRows || nRows - n < minRows) return;
        best = Math.min(best, squares - (sum * sum) / n - (total - sum) ** 2 / (nRows - n));
      });
    }
  }
  return best;
}

const nRows = 6000;
const level = numbers(nRows, () => rng.integer(40));
const some = numbers(nRows, () => (rng.next() < 0.1 ? Number.NaN : Math.floor(rng.next() * 200)));
const fine = numbers(nRows, () => rng.next());
const signal = numbers(
  nRows,
  (row) => ((level[row]! * 7) % 11) / 5 + (Number.isNaN(some[row]!) ? 1 : some[row]! / 80) + rng.next(),
);
/** More than 255 values, and so few rows that no leaf can be made of them: it widens the cells and changes nothing else. */
const idle = numbers(nRows, (row) => (row % 20 === 0 ? row : Number.NaN));
const shared = { trees: 8, leaves: 12, minRows: 310, learningRate: 0.3 };

describe("boosting with more than 255 bins", () => {
  it.each([
    ["regression", {}],
    ["regression", { loss: "absolute", l1: 2 }],
    ["regression", { increasing: ["x1"] }],
    ["regression", { rowShare: 0.7, growth: "levelwise" }],
    ["binary", {}],
    ["multiclass", {}],
  ] as const)("learns from wide cells what it learns from narrow ones, bit for bit (%s %j)", async (task, given) => {
    const labels = { regression: signal, binary: signal.map((y) => Number(y > 3)) } as const;
    const values = task === "multiclass" ? signal.map((y) => Math.min(2, Math.floor(y / 2))) : labels[task];
    const target = targetOf(task, values);
    const narrow = designOf([level, 40], [some, 0]);
    const wide = designOf([level, 40], [some, 0], [idle, 0]);
    const watch = (design: Design): Partial<FitContext> => ({ validation: { design, target } });
    const one = await fit(narrow, target, { ...shared, ...given }, watch(narrow));
    const other = await fit(wide, target, { ...shared, ...given, bins: 65_535 }, watch(wide));
    expect(other.trees).toStrictEqual(one.trees);
    expect(other.notes).toStrictEqual(one.notes);
    expect(one.trees.feature.some((feature) => feature >= 0)).toBe(true);
  });

  it.each([300, 1000, 65_535])("finds the best of all cuts, each value a bin of its own (at most %i)", async (bins) => {
    const n = Math.min(bins, 3000);
    const order = Uint32Array.from({ length: n }, (_, row) => (row * 7919) % n);
    const values = numbers(n, (row) => (order[row]! % 23 === 5 ? Number.NaN : order[row]! + 0.25));
    const y = numbers(n, (row) => (order[row]! > n * 0.6181 ? 4 : 1) + rng.next() * 3);
    const design = designOf([values, 0], [numbers(n, () => rng.next()), 0]);
    const settings = { trees: 1, leaves: 2, learningRate: 1, l2: 0, minRows: 5, bins, minChildWeight: 0 };
    const { trees } = await fit(design, targetOf("regression", y), settings);
    const left = rawScores(trees, design).reduce((sum, score, row) => sum + (score - y[row]!) ** 2, 0);
    expect(left / bestCut(design, y, 5)).toBeCloseTo(1, 6);
    expect(trees.feature[0]).toBe(0);
  });

  it("tells levels beyond 255 apart, which fewer bins throw together", async () => {
    const n = 12_000;
    const codes = numbers(n, (row) => row % 1500);
    const y = codes.map((code) => ((code * 733) % 1500) / 100 + rng.next() / 10);
    const withMissing = codes.map((code, row) => (row % 50 === 49 ? Number.NaN : code));
    const design = designOf([withMissing, 1501]);
    const settings = { trees: 20, leaves: 31, minRows: 3, learningRate: 0.5 };
    const coarse = await fit(design, targetOf("regression", y), settings);
    const wide = await fit(design, targetOf("regression", y), { ...settings, bins: 2000 });
    expect(wide.notes["trainLoss"]!).toBeLessThan(coarse.notes["trainLoss"]! / 3);
    const missing = designOf([Float64Array.of(Number.NaN, 1500), 1501]);
    const [absent, unseen] = rawScores(wide.predictor, missing);
    expect(absent).toBe(unseen);
  });

  it("answers a row as it answers it among others, and as its own thresholds say", async () => {
    const design = designOf([fine, 0], [level, 40], [some, 0]);
    const target = targetOf(
      "regression",
      fine.map((x, row) => Math.sqrt(x) * 9 + signal[row]!),
    );
    const { trees, notes } = await fit(design, target, { trees: 30, bins: 4000 });
    const scores = rawScores(trees, design);
    const loss = scores.reduce((sum, score, row) => sum + (score - target.values[row]!) ** 2, 0) / nRows;
    expect(notes["trainLoss"]).toBeCloseTo(loss, 8);
    for (const row of [0, 1, 999, nRows - 1]) {
      expect(rawScores(trees, takeRows(design, Uint32Array.of(row)))[0]).toBe(scores[row]);
    }
  });

  it.each([
    [255, 255],
    [256, 255],
    [256, 256],
    [257, 256],
    [65_535, 65_535],
    [65_536, 65_535],
  ])("answers as it learned where %i values, or levels, and missing ones fill at most %i bins", async (most, bins) => {
    const n = most + 2000;
    const values = numbers(n, (row) => (row < most ? row : Number.NaN));
    const y = values.map((x) => (Number.isNaN(x) ? -3 : (Math.imul(x, 2654435761) >>> 28) + (x === most - 1 ? 50 : 0)));
    for (const cardinality of [0, most]) {
      const design = designOf([values, cardinality]);
      const settings = { trees: 3, leaves: 12, minRows: 1, minChildWeight: 0, bins };
      const { trees, notes } = await fit(design, targetOf("regression", y), settings);
      const scores = rawScores(trees, design);
      const loss = scores.reduce((sum, score, row) => sum + (score - y[row]!) ** 2, 0) / n;
      expect(notes["trainLoss"]).toBeCloseTo(loss, 8);
      expect(scores[n - 1]).not.toBe(scores[most - 1]);
    }
  });

  it("says so where the histograms of so many bins do not fit", async () => {
    const n = 70_000;
    const columns = Array.from({ length: 5 }, () => [numbers(n, () => rng.next()), 0] as const);
    const target = targetOf(
      "regression",
      numbers(n, (row) => row),
    );
    const fitting = fit(designOf(...columns), target, { trees: 1, leaves: 1024, bins: 65_535 });
    await expect(fitting).rejects.toMatchObject({ code: "TRAINING_TOO_LARGE" });
  });
});
