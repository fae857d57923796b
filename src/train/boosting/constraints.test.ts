import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createRng } from "../../core/rng.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { HyperparameterValues, Target } from "../../model/estimator.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { rawScores } from "../../model/score.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { emptyCandidate, type Totals } from "./candidate.ts";
import { boostingEstimator } from "./estimator.ts";
import { boundedScore, boundedStep, searchNumberBounded, type StepBounds, unbounded } from "./search-bounded.ts";
import { searchNumber } from "./search.ts";

const countShift = 44;
const rules = {
  l1: 40,
  l2: 3,
  minRows: 2,
  minHessian: 1,
  category: { smoothing: 50, l2: 30, minLevelRows: 2, minGroup: 3, maxLevels: 64, oneVersusRest: 4 },
};
const bin = fc
  .record({ g: fc.integer({ min: -500, max: 500 }), n: fc.integer({ min: 0, max: 5 }) })
  .map(({ g, n }) => ({ g: n === 0 ? 0 : g, h: n * 10, n }));
type Bin = Readonly<{ g: number; h: number; n: number }>;

function histogramOf(bins: readonly Bin[]): { words: Int32Array; countShift: number } {
  const lanes = new BigInt64Array(bins.length * 2);
  bins.forEach(({ g, h, n }, at) => {
    lanes[at * 2] = BigInt(g);
    lanes[at * 2 + 1] = BigInt(h) + (BigInt(n) << BigInt(countShift));
  });
  return { words: new Int32Array(lanes.buffer), countShift };
}

const sumOf = (bins: readonly Bin[]): Totals => ({
  gradient: bins.reduce((sum, { g }) => sum + g, 0),
  hessian: bins.reduce((sum, { h }) => sum + h, 0),
  count: bins.reduce((sum, { n }) => sum + n, 0),
});

describe("searchNumberBounded", () => {
  it("finds what trying every cut finds, under bounds and in either direction", () => {
    const bounds = fc.constantFrom<StepBounds>(unbounded, { low: -5, high: 2 }, { low: 0.5, high: Infinity });
    fc.assert(
      fc.property(
        fc.array(bin, { minLength: 3, maxLength: 9 }),
        fc.constantFrom(-1, 0, 1),
        bounds,
        (bins, direction, limits) => {
          const totals = sumOf(bins);
          const best = emptyCandidate(256);
          best.score = 0;
          searchNumberBounded(histogramOf(bins), 0, 0, bins.length - 1, totals, rules, best, direction, limits);
          let expected = 0;
          for (let cut = 0; cut < bins.length - 1; ++cut) {
            // An empty bin repeats the cut before it, and is not tried.
            if (bins[cut]!.n === 0) continue;
            for (const withMissing of [false, true]) {
              const left = sumOf([...bins.slice(0, cut + 1), ...(withMissing ? bins.slice(-1) : [])]);
              const right = { gradient: totals.gradient - left.gradient, hessian: totals.hessian - left.hessian };
              if (left.count < rules.minRows || totals.count - left.count < rules.minRows) continue;
              const steps = [left, right].map((one) => boundedStep(one.gradient, one.hessian, rules, limits));
              if (cut < bins.length - 2 && (steps[1]! - steps[0]!) * direction < 0) continue;
              // A step s takes -(2 G s + (H + l2) s^2 + 2 l1 |s|) off the penalised loss, twice over.
              const taken = [left, right].map(
                (one, side) =>
                  -(2 * one.gradient * steps[side]! + (one.hessian + rules.l2) * steps[side]! ** 2) -
                  2 * rules.l1 * Math.abs(steps[side]!),
              );
              expected = Math.max(expected, taken[0]! + taken[1]!);
            }
          }
          expect(best.score).toBeCloseTo(expected, 8);
        },
      ),
    );
  });

  it("finds what searchNumber finds where nothing is constrained", () => {
    fc.assert(
      fc.property(fc.array(bin, { minLength: 2, maxLength: 9 }), (bins) => {
        const [free, own] = [emptyCandidate(256), emptyCandidate(256)];
        searchNumber(histogramOf(bins), 0, 0, bins.length - 1, sumOf(bins), rules, free);
        searchNumberBounded(histogramOf(bins), 0, 0, bins.length - 1, sumOf(bins), rules, own, 0, unbounded);
        expect(own.score).toBeCloseTo(free.score, 8);
        expect(boundedScore(6, 3, { l1: 0, l2: 0 }, unbounded)).toBeCloseTo(12, 12);
      }),
    );
  });
});

const nRows = 1500;

/** y rises with a on the whole, with dips; b falls; c is a category; d is noise. Some of a is missing. */
function data(): { design: Design; y: Float64Array } {
  const rng = createRng(5);
  const column = (make: () => number): Float64Array => Float64Array.from({ length: nRows }, make);
  const a = column(() => (rng.next() < 0.1 ? Number.NaN : rng.next()));
  const b = column(() => rng.next());
  const c = column(() => rng.integer(8));
  const d = column(() => rng.next());
  const y = a.map(
    (value, row) =>
      (Number.isNaN(value) ? 1 : 3 * value + Math.sin(20 * value)) -
      b[row]! ** 2 +
      (c[row]! % 3) +
      d[row]! * rng.next(),
  );
  const dense = [a, b, c, d].map((values, f) => ({
    name: `x${f}`,
    source: ["a", "b", "c", "d"][f]!,
    values,
    cardinality: f === 2 ? 8 : 0,
  }));
  return { design: { nRows, dense, sparse: emptySparseBlock(nRows) }, y };
}

const { design, y } = data();
const regression: Target = { task: "regression", values: y, nLabels: 0, weights: null };
const binary: Target = { task: "binary", values: y.map((value) => Number(value > 2)), nLabels: 2, weights: null };

async function fit(target: Target, given: HyperparameterValues): Promise<TreesPredictor> {
  const context = fitContext();
  return (await boostingEstimator.fit(design, target, { trees: 40, ...given }, context)).predictor as TreesPredictor;
}

/** How often the score falls where column `f` rises, over a grid of it for many rows. */
function falls(trees: TreesPredictor, f: number): number {
  const steps = Array.from({ length: 21 }, (_, i) => i / 20);
  let count = 0;
  let before: Float64Array = new Float64Array(0);
  for (const value of steps) {
    const dense = design.dense.map((column, i) =>
      i === f ? { ...column, values: new Float64Array(nRows).fill(value) } : column,
    );
    const scores = rawScores(trees, { ...design, dense });
    if (before.length > 0) scores.forEach((score, row) => (count += Number(score < before[row]! - 1e-12)));
    before = scores;
  }
  return count;
}

describe("monotone constraints", () => {
  it.each([
    ["regression", regression],
    ["binary", binary],
  ] as const)("hold everywhere, where without them they do not: %s", async (_, target) => {
    const free = await fit(target, {});
    expect(falls(free, 0)).toBeGreaterThan(0);
    const bound = await fit(target, { increasing: ["a"], decreasing: ["b"] });
    expect(falls(bound, 0)).toBe(0);
    const down = await fit(target, { increasing: ["b"], decreasing: ["a"] });
    expect(falls(down, 1)).toBe(0);
    const rises = falls({ ...down, value: down.value.map((value) => -value), base: down.base.map((one) => -one) }, 0);
    expect(rises).toBe(0);
  });

  it("cost little where they are true", async () => {
    const error = (trees: TreesPredictor): number =>
      rawScores(trees, design).reduce((sum, score, row) => sum + (score - y[row]!) ** 2, 0) / nRows;
    const [free, bound] = [await fit(regression, {}), await fit(regression, { decreasing: ["b"] })];
    expect(error(bound)).toBeLessThan(error(free) * 1.15);
  });

  it.each([
    [{ increasing: ["z"] }, /names of columns the model reads/],
    [{ increasing: ["c"] }, /one number each/],
    [{ increasing: ["a"], decreasing: ["a"] }, /not increasing, too/],
    [{ increasing: ["a"], loss: "absolute" }, /left out for the loss "absolute"/],
    [{ interactions: [["a", "aa"]] }, /did you mean "a"/],
  ] as const)("are refused where they cannot be kept: %j", async (given, message) => {
    await expect(fit(regression, given)).rejects.toThrow(message);
  });
});

describe("interaction constraints", () => {
  /** The sets of features on the paths of all trees. */
  function paths(trees: TreesPredictor): Set<string> {
    const found = new Set<string>();
    const walk = (node: number, asked: readonly number[]): void => {
      const f = trees.feature[node]!;
      if (f < 0) found.add([...new Set(asked)].sort((a, b) => a - b).join(""));
      else for (const child of [trees.left[node]!, trees.right[node]!]) walk(child, [...asked, f]);
    };
    trees.treeOffsets.forEach((root) => walk(root, []));
    return found;
  }

  it("keep every path within one group, and what is in none to itself", async () => {
    const all = paths(await fit(regression, {}));
    expect([...all].some((path) => path.length > 2)).toBe(true);
    const kept = paths(
      await fit(regression, {
        interactions: [
          ["a", "b"],
          ["b", "c"],
        ],
      }),
    );
    for (const path of kept) expect(["", "0", "1", "2", "3", "01", "12"]).toContain(path);
    expect([...kept].some((path) => path.length === 2)).toBe(true);
  });
});
