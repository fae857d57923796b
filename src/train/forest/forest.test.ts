import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";

import { readVectors } from "../../../test/vectors/read.ts";
import { sha256 } from "../../core/digest.ts";
import { createRng } from "../../core/rng.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { FitContext, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { applyLink, rawScores } from "../../model/score.ts";
import { findEstimator, resolveHyperparameters } from "../implementations.ts";
import { dismissIdleWorkers } from "../../threads/crew.ts";
import { workerModule } from "../../threads/location.ts";
import { fitContext } from "../fit-context.fixtures.ts";

type Task = "regression" | "binary" | "multiclass";

function designOf(columns: readonly ArrayLike<number>[], cardinalities: readonly number[] = []): Design {
  const nRows = columns[0]!.length;
  const dense = columns.map((values, f) => ({
    name: `x${f}`,
    source: `x${f}`,
    values: Float64Array.from(values),
    cardinality: cardinalities[f] ?? 0,
  }));
  return { nRows, dense, sparse: emptySparseBlock(nRows) };
}

function targetOf(task: Task, values: ArrayLike<number>, weights: ArrayLike<number> | null = null): Target {
  const nLabels = { regression: 0, binary: 2, multiclass: 3 }[task];
  return { task, values: Float64Array.from(values), nLabels, weights: weights && Float64Array.from(weights) };
}

async function fit(
  name: string,
  design: Design,
  target: Target,
  given: HyperparameterValues = {},
  over: Partial<FitContext> = {},
): Promise<TreesPredictor> {
  const estimator = await findEstimator(name);
  const context = fitContext(over);
  const { predictor } = await estimator.fit(design, target, resolveHyperparameters(estimator, given), context);
  return predictor as TreesPredictor;
}

function answers(trees: TreesPredictor, design: Design): Float64Array {
  const scores = rawScores(trees, design);
  applyLink(trees.link, scores, trees.outputs);
  return scores;
}

/** Squared errors of the best split of all, by trying every cut of every column with missing rows on either side. */
function naiveStump(columns: readonly (readonly number[])[], y: readonly number[], w: readonly number[]): number {
  const errorOf = (rows: readonly number[]): number => {
    const weight = rows.reduce((sum, row) => sum + w[row]!, 0);
    const mean = rows.reduce((sum, row) => sum + w[row]! * y[row]!, 0) / weight;
    return rows.reduce((sum, row) => sum + w[row]! * (y[row]! - mean) ** 2, 0);
  };
  const rows = [...y.keys()];
  let best = errorOf(rows);
  for (const column of columns) {
    for (const cut of column.filter((value) => !Number.isNaN(value))) {
      for (const missingLeft of [false, true]) {
        const goesLeft = (row: number): boolean => (Number.isNaN(column[row]!) ? missingLeft : column[row]! <= cut);
        const left = rows.filter(goesLeft);
        const right = rows.filter((row) => !goesLeft(row));
        if (left.length > 0 && right.length > 0) best = Math.min(best, errorOf(left) + errorOf(right));
      }
    }
  }
  return best;
}

describe("tree", () => {
  it("finds the split that trying all of them finds, with weights and missing values", async () => {
    const value = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 6 }) }, fc.constant(Number.NaN));
    const row = fc.tuple(value, value, fc.integer({ min: -9, max: 9 }), fc.integer({ min: 1, max: 3 }));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 2, maxLength: 14 }), async (rows) => {
        const [a, b, y, w] = [0, 1, 2, 3].map((i) => rows.map((one) => one[i]!));
        const stump = await fit("tree", designOf([a!, b!]), targetOf("regression", y!, w), { depth: 1, minRows: 1 });
        const scores = rawScores(stump, designOf([a!, b!]));
        const error = scores.reduce((sum, score, i) => sum + w![i]! * (score - y![i]!) ** 2, 0);
        expect(error).toBeCloseTo(naiveStump([a!, b!], y!, w!), 6);
      }),
      { numRuns: 60 },
    );
  });

  it("recovers a planted tree, with a split of levels in it", async () => {
    const rng = createRng(2);
    const x = Array.from({ length: 1000 }, () => rng.integer(100));
    const c = Array.from({ length: 1000 }, () => rng.integer(9));
    const y = x.map((value, row) => (value <= 40 ? 20 : [1, 4, 7].includes(c[row]!) ? 5 : -8));
    const design = designOf([x, c], [0, 9]);
    const planted = await fit("tree", design, targetOf("regression", y), { depth: 0 });
    expect(Array.from(planted.feature)).toEqual([0, -1, 1, -1, -1]);
    expect(planted.threshold[0]).toBe(40.5);
    rawScores(planted, design).forEach((score, row) => expect(score).toBeCloseTo(y[row]!, 9));
  });

  it("takes whole weights as so many rows", async () => {
    const rng = createRng(3);
    const rows = Array.from({ length: 200 }, () => ({ x: rng.integer(30), y: rng.integer(3), w: 1 + rng.integer(3) }));
    const repeated = rows.flatMap((row) => Array.from({ length: row.w }, () => row));
    const of = (from: typeof rows, weighted: boolean): Promise<TreesPredictor> =>
      fit(
        "tree",
        designOf([from.map((row) => row.x)]),
        targetOf(
          "multiclass",
          from.map((row) => row.y),
          weighted ? from.map((row) => row.w) : null,
        ),
        { depth: 0, minRows: 1 },
      );
    const [one, other] = [await of(rows, true), await of(repeated, false)];
    expect(one.feature).toEqual(other.feature);
    expect(one.threshold).toEqual(other.threshold);
    one.value.forEach((value, node) => expect(value).toBeCloseTo(other.value[node]!, 12));
    expect(one.cover).toEqual(other.cover);
  });
});

describe.each(["forest", "extraTrees", "tree"])("%s", (name) => {
  const rng = createRng(4);
  const n = 400;
  const a = Array.from({ length: n }, () => (rng.next() < 0.2 ? Number.NaN : rng.next()));
  const c = Array.from({ length: n }, () => (rng.next() < 0.1 ? Number.NaN : rng.integer(5)));
  const flat = Array.from({ length: n }, () => 7);
  const none = Array.from({ length: n }, () => Number.NaN);
  const design = designOf([a, c, flat, none], [0, 6, 0, 0]);
  const signal = a.map((value, row) => (Number.isNaN(value) ? 0.2 : value) + (c[row] === 2 ? 1 : 0));
  const targets = {
    regression: targetOf("regression", signal),
    binary: targetOf(
      "binary",
      signal.map((value) => Number(value > 0.8)),
    ),
    multiclass: targetOf(
      "multiclass",
      signal.map((value) => Math.min(2, Math.floor(2 * value))),
    ),
  };
  const few: HyperparameterValues = name === "tree" ? {} : { trees: 12 };

  it.each(["regression", "binary", "multiclass"] as const)(
    "learns with missing values and categories: %s",
    async (task) => {
      const target = targets[task];
      const trees = await fit(name, design, target, few);
      const own = answers(trees, design);
      if (task === "regression") {
        const error = own.reduce((sum, value, row) => sum + (value - signal[row]!) ** 2, 0) / n;
        expect(error).toBeLessThan(0.03);
      } else {
        const k = trees.outputs;
        const shareOf = (row: number, label: number): number =>
          k === 1 ? (label === 1 ? own[row]! : 1 - own[row]!) : own[row * k + label]!;
        let right = 0;
        for (let row = 0; row < n; ++row) {
          const shares = Array.from({ length: Math.max(2, k) }, (_, label) => shareOf(row, label));
          expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
          expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
          right += Number(shares.indexOf(Math.max(...shares)) === target.values[row]);
        }
        expect(right / n).toBeGreaterThan(0.9);
      }
      expect([...new Set(trees.feature)].every((f) => f < 2)).toBe(true);
    },
  );

  it("answers the constant where there is nothing to split: one row, one value, one label", async () => {
    const one = designOf([[1], [2]]);
    expect(Array.from(answers(await fit(name, one, targetOf("regression", [5]), few), one))).toEqual([5]);
    expect(Array.from(answers(await fit(name, one, targetOf("binary", [1]), few), one))[0]).toBeCloseTo(1, 12);
    const same = await fit(name, design, targetOf("regression", flat), few);
    expect(answers(same, design)[3]).toBe(7);
  });

  it("gives the same model twice, and another one for another seed", async () => {
    const first = await fit(name, design, targets.multiclass, few);
    expect(await fit(name, design, targets.multiclass, few)).toEqual(first);
    const other = await fit(name, design, targets.multiclass, few, { rng: createRng(2) });
    if (name === "tree") expect(other).toEqual(first);
    else expect(other).not.toEqual(first);
  });

  it("ends with CANCELLED when asked to", async () => {
    const running = fit(name, design, targets.binary, few, { signal: AbortSignal.abort() });
    await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

describe("forest", () => {
  it("averages its trees: the first trees of a larger forest are those of a smaller one", async () => {
    const rng = createRng(6);
    const design = designOf([0, 1, 2].map(() => Array.from({ length: 150 }, () => rng.next())));
    const y = Array.from(design.dense[0]!.values, (x) => 3 * x + rng.next());
    const [small, large] = [
      await fit("forest", design, targetOf("regression", y), { trees: 4 }),
      await fit("forest", design, targetOf("regression", y), { trees: 8 }),
    ];
    const nodes = large.treeOffsets[4]!;
    expect(large.feature.slice(0, nodes)).toEqual(small.feature);
    expect(large.value.slice(0, nodes).map((value) => 2 * value)).toEqual(small.value);
  });
});

interface Vectors {
  readonly losses: Readonly<Record<"forest" | "extraTrees", Readonly<Record<Task, number>>>>;
}

/** The generator of test/vectors/make_boosting.py, integer for integer, missing values as -1. */
function generate(nRows: number): { columns: number[][]; signal: number[] } {
  let state = 2024;
  const draw = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const columns: number[][] = [[], [], [], [], []];
  const signal: number[] = [];
  for (let row = 0; row < nRows; ++row) {
    const [a, b, c] = [draw(), draw(), draw()];
    const level = Math.floor(draw() * 12);
    const d = draw() < 0.8 ? draw() : Number.NaN;
    const noise = draw() + draw() + draw() + draw() - 2;
    [a, b, c, level, Number.isNaN(d) ? -1 : d].forEach((value, f) => columns[f]!.push(value));
    signal.push(4 * a * b + (c > 0.6 ? 1.5 : 0) - (Number.isNaN(d) ? 1.7 : 2 * d) + ((level * 5) % 12) / 6 + noise);
  }
  return { columns, signal };
}

describe("beside scikit-learn", () => {
  const { losses } = readVectors<Vectors>("forest");
  const nHalf = 3000;
  const { columns, signal } = generate(2 * nHalf);
  const part = (from: number, to: number): Design => designOf(columns.map((column) => column.slice(from, to)));
  const cases = (["forest", "extraTrees"] as const).flatMap((name) =>
    (["regression", "binary", "multiclass"] as const).map((task) => [name, task] as const),
  );

  it.each(cases)("%s has its squared error or Brier score, within 4 %%: %s", async (name, task) => {
    const label = {
      regression: (s: number) => s,
      binary: (s: number) => Number(s > 2),
      multiclass: (s: number) => Number(s >= 1.2) + Number(s >= 2.4),
    }[task];
    const y = signal.map(label);
    const trees = await fit(name, part(0, nHalf), targetOf(task, y.slice(0, nHalf)), { trees: 60 });
    const own = answers(trees, part(nHalf, 2 * nHalf));
    let total = 0;
    for (let row = 0; row < nHalf; ++row) {
      const truth = y[nHalf + row]!;
      if (task === "regression") total += (own[row]! - truth) ** 2;
      else if (task === "binary") total += 2 * (own[row]! - truth) ** 2;
      else for (let k = 0; k < 3; ++k) total += (own[row * 3 + k]! - Number(k === truth)) ** 2;
    }
    expect(total / nHalf).toBeLessThan(losses[name][task] * 1.04);
  });
});

describe.skipIf(workerModule("member", import.meta.url) === null)(
  "forest on several threads (skipped without dist/)",
  () => {
    afterAll(dismissIdleWorkers);
    it.each(["regression", "multiclass"] as const)("gives the same model on 1, 2 and 3 threads: %s", async (task) => {
      const { columns, signal } = generate(5000);
      const target = targetOf(
        task,
        task === "regression" ? signal : signal.map((s) => Number(s >= 1.2) + Number(s >= 2.4)),
      );
      const digestWith = async (threads: number): Promise<string> => {
        const trees = await fit("forest", designOf(columns), target, { trees: 41, depth: 6 }, { threads });
        const arrays = Object.values(trees).filter((value) => ArrayBuffer.isView(value));
        return arrays.map((view) => sha256(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))).join("\n");
      };
      const one = await digestWith(1);
      expect([await digestWith(2), await digestWith(3)]).toEqual([one, one]);
    });
  },
);
