import { describe, expect, it } from "vitest";

import { systemClock } from "../../core/clock.ts";
import { type Rng, createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import { rawScores } from "../../model/score.ts";
import { designOf, fit, targetOf } from "./estimator.fixtures.ts";

/** Mean loss of raw scores, by the formula of the textbook. */
function lossOf(target: Target, scores: Float64Array, outputs: number): number {
  let total = 0;
  let weightSum = 0;
  target.values.forEach((y, row) => {
    const own = scores.subarray(row * outputs, row * outputs + outputs);
    const weight = target.weights?.[row] ?? 1;
    weightSum += weight;
    if (target.task === "regression") total += weight * (own[0]! - y) ** 2;
    else if (target.task === "binary") total += weight * Math.log(1 + Math.exp(y === 1 ? -own[0]! : own[0]!));
    else total += weight * (Math.log(own.reduce((sum, score) => sum + Math.exp(score), 0)) - own[y]!);
  });
  return total / weightSum;
}

/** Numbers with ties and gaps, a spiky column, and a category with a rare level; some missing in each. */
function mixedData(nRows: number, rng: Rng): { columns: number[][]; cardinalities: number[]; signal: number[] } {
  const draw = (make: () => number): number[] =>
    Array.from({ length: nRows }, () => (rng.next() < 0.1 ? Number.NaN : make()));
  const a = draw(() => rng.next() * 10 - 5);
  const b = draw(() => (rng.next() < 0.6 ? 0 : Math.round(rng.next() * 1e6) / 7));
  const c = draw(() => Math.min(11, Math.floor(rng.next() * rng.next() * 14)));
  const signal = a.map((x, row) => {
    const level = c[row]!;
    const ofA = Number.isNaN(x) ? 2 : x > 1 ? 1.5 : -x / 5;
    const ofC = Number.isNaN(level) ? -1 : [1, -2, 0.5][level % 3]!;
    return ofA + ofC + (b[row] === 0 ? 0.7 : 0) + (rng.next() - 0.5);
  });
  return { columns: [a, b, c], cardinalities: [0, 0, 13], signal };
}

describe("boosting", () => {
  it("recovers a planted tree of three leaves", async () => {
    const rng = createRng(1);
    const x = Array.from({ length: 2000 }, () => rng.integer(100));
    const z = Array.from({ length: 2000 }, () => rng.integer(100));
    const y = x.map((value, row) => (value <= 40 ? 20 : z[row]! <= 70 ? 5 : -8));
    const one = { trees: 1, leaves: 3, learningRate: 1, l2: 0 };
    const { trees } = await fit(designOf([x, z]), targetOf("regression", y), one);
    expect(Array.from(trees.feature)).toEqual([0, -1, 1, -1, -1]);
    expect([trees.threshold[0], trees.threshold[2]]).toEqual([40.5, 70.5]);
    const scores = rawScores(trees, designOf([x, z]));
    y.forEach((value, row) => expect(scores[row]).toBeCloseTo(value, 5));
    expect(trees.cover[0]).toBeCloseTo(2000, 9);
    const before = y.reduce((sum, value) => sum + 0.5 * (value - trees.base[0]!) ** 2, 0);
    const after = y.reduce((sum, value, row) => sum + 0.5 * (value - scores[row]!) ** 2, 0);
    expect(trees.gain.reduce((sum, gain) => sum + gain, 0) / (before - after)).toBeCloseTo(1, 6);
  });

  it("grows no leaf of less hessian than minChildWeight", async () => {
    const rng = createRng(21);
    const x = Array.from({ length: 1500 }, () => rng.next());
    const label = x.map((value) => (value > 0.97 || rng.next() < 0.01 ? 1 : 0));
    const one = { trees: 1, leaves: 31, minRows: 1 };
    const leafCovers = async (minChildWeight: number): Promise<number[]> => {
      const { trees } = await fit(designOf([x]), targetOf("binary", label), { ...one, minChildWeight });
      return Array.from(trees.cover).filter((_, node) => trees.feature[node] === -1);
    };
    const least = Math.min(...(await leafCovers(0.001)));
    const covers = await leafCovers(3);
    expect(least).toBeLessThan(2.5);
    expect(covers.length).toBeGreaterThan(1);
    expect(Math.min(...covers)).toBeGreaterThanOrEqual(3 * (1 - 1e-9));
  });

  it("splits on missing values and on sets of levels where those carry the signal", async () => {
    const rng = createRng(3);
    const x = Array.from({ length: 900 }, () => (rng.next() < 0.3 ? Number.NaN : rng.next()));
    const missing = await fit(
      designOf([x]),
      targetOf(
        "binary",
        x.map((v) => (Number.isNaN(v) ? 1 : 0)),
      ),
    );
    expect(missing.trees.feature[0]).toBe(0);
    expect(missing.notes["trainLoss"]).toBeLessThan(0.15);
    const level = Array.from({ length: 900 }, () => rng.integer(40));
    const odd = await fit(
      designOf([level], [40]),
      targetOf(
        "binary",
        level.map((v) => v % 2),
      ),
      { minRows: 5 },
    );
    expect(odd.trees.categoryOffset[0]).toBeGreaterThanOrEqual(0);
    expect(odd.notes["trainLoss"]).toBeLessThan(0.15);
  });

  it("predicts training rows to the bit as it scored them, for every task and setting", async () => {
    const { columns, cardinalities, signal } = mixedData(1500, createRng(4));
    const design = designOf(columns, cardinalities);
    const weights = signal.map((value) => (value > 0 ? 2.5 : 0.5));
    const targets = [
      targetOf(
        "regression",
        signal.map((value) => value * 1e5),
      ),
      targetOf(
        "binary",
        signal.map((value) => (value > 0.5 ? 1 : 0)),
        weights,
      ),
      targetOf(
        "multiclass",
        signal.map((value) => (value > 1 ? 2 : value > -0.5 ? 1 : 0)),
      ),
    ];
    const settings = [
      {},
      { rowShare: 0.5, columnShare: 0.7 },
      { rowShare: 0.2, topShare: 0.3 },
      { growth: "levelwise", depth: 3, bins: 16 },
    ];
    for (const target of targets) {
      for (const given of settings) {
        const { trees, notes } = await fit(design, target, { ...given, earlyStopping: 0 });
        const expected = lossOf(target, rawScores(trees, design), trees.outputs);
        expect(notes["trainLoss"]! / expected).toBeCloseTo(1, 12);
        // The validation rows are scored by walking bins; the same rows must give the same loss.
        const watched = await fit(design, target, { ...given, earlyStopping: 0 }, { validation: { design, target } });
        expect(watched.notes["validationLoss"]).toBe(notes["trainLoss"]);
      }
    }
  });

  it("learns the same from weight 2 as from the row twice", async () => {
    const { columns, signal } = mixedData(400, createRng(5));
    const labels = signal.map((value) => (value > 0.5 ? 1 : 0));
    const isTwice = labels.map((_, row) => row % 3 === 0);
    const twice = <T>(values: readonly T[]): T[] => [...values, ...values.filter((_, row) => isTwice[row])];
    const given = { minRows: 1, leaves: 8 };
    const weights = isTwice.map((yes) => (yes ? 2 : 1));
    // Few distinct values: with more, repeated rows would move the bounds of the bins.
    const numbers = [columns[0]!.map((value) => Math.round(value * 5)), columns[2]!];
    const weighted = await fit(designOf(numbers), targetOf("binary", labels, weights), given);
    const repeated = await fit(designOf(numbers.map(twice)), targetOf("binary", twice(labels)), given);
    const design = designOf(numbers);
    const [a, b] = [rawScores(weighted.trees, design), rawScores(repeated.trees, design)];
    a.forEach((score, row) => expect(score).toBeCloseTo(b[row]!, 5));
    expect(weighted.trees.cover[0]).toBeCloseTo(repeated.trees.cover[0]!, 6);
  });

  it("respects minRows, leaves and depth", async () => {
    const { columns, cardinalities, signal } = mixedData(600, createRng(6));
    const target = targetOf("regression", signal);
    const design = designOf(columns, cardinalities);
    const { trees } = await fit(design, target, { minRows: 50, leaves: 6 });
    trees.treeOffsets.forEach((from, t) => {
      const to = trees.treeOffsets[t + 1] ?? trees.feature.length;
      const leaves = Array.from({ length: to - from }, (_, i) => from + i).filter((node) => trees.feature[node]! < 0);
      expect(leaves.length).toBeLessThanOrEqual(6);
      for (const leaf of leaves) expect(trees.cover[leaf]).toBeGreaterThanOrEqual(50 - 1e-6);
    });
    const stumps = await fit(design, target, { depth: 1 });
    expect(stumps.trees.feature.length).toBe(3 * stumps.trees.treeOffsets.length);
  });

  it("stops early and keeps the best round", async () => {
    const rng = createRng(8);
    const noise = (n: number): { design: Design; target: Target } => ({
      design: designOf([Array.from({ length: n }, () => rng.next()), Array.from({ length: n }, () => rng.next())]),
      target: targetOf(
        "binary",
        Array.from({ length: n }, () => rng.integer(2)),
      ),
    });
    const train = noise(500);
    const validation = noise(300);
    const given = { trees: 200, earlyStopping: 10 };
    const { notes, trees } = await fit(train.design, train.target, given, { validation });
    expect(notes["rounds"]).toBeLessThan(50);
    expect(trees.treeOffsets.length).toBe(notes["rounds"]);
    const loss = lossOf(validation.target, rawScores(trees, validation.design), 1);
    expect(notes["validationLoss"]! / loss).toBeCloseTo(1, 12);
  });

  it("turns sparse columns dense", async () => {
    const nRows = 200;
    const rows = Array.from({ length: nRows }, (_, row) => row);
    const design: Design = {
      nRows,
      dense: [],
      sparse: {
        names: ["a", "b"],
        sources: ["t", "t"],
        offsets: Uint32Array.from({ length: nRows + 1 }, (_, row) => Math.ceil(row / 2)),
        indices: new Uint32Array(100).fill(1),
        values: new Float64Array(100).fill(3),
      },
    };
    const { trees } = await fit(
      design,
      targetOf(
        "binary",
        rows.map((row) => (row + 1) % 2),
      ),
    );
    expect([trees.feature[0], trees.threshold[0]]).toEqual([1, 1.5]);
    const scores = rawScores(trees, design);
    expect(rows.every((row) => scores[row]! > 0 === (row % 2 === 0))).toBe(true);
  });
});

describe("a running training", () => {
  it("reports rounds and ends with CANCELLED when asked to", async () => {
    const { columns, cardinalities, signal } = mixedData(500, createRng(9));
    const abort = new AbortController();
    const seen: number[] = [];
    const progress = {
      report: (done: number) => {
        seen.push(done);
        if (done === 5) abort.abort();
      },
    };
    const running = fit(
      designOf(columns, cardinalities),
      targetOf("regression", signal),
      { trees: 500 },
      { progress, signal: abort.signal, clock: systemClock },
    );
    await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });
});
