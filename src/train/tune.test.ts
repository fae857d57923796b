import { describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { createRng } from "../core/rng.ts";
import type { HyperparameterTable, HyperparameterValues, TuningPlan } from "../model/estimator.ts";
import { linear } from "./choice.ts";
import { between, tune } from "./tuning-choice.ts";
import { checkSpace } from "./space.ts";
import { tuneHyperparameters } from "./tune.ts";

const table: HyperparameterTable = {
  rate: { type: "real", min: 0, openMin: true, max: 10, scale: "log", default: 1, search: [0.01, 1], doc: "" },
  size: { type: "integer", min: 1, max: 50, scale: "linear", default: 9, search: [2, 5], doc: "" },
  shape: { type: "choice", choices: ["a", "b", "c"], default: "a", search: ["a", "b"], doc: "" },
  flag: { type: "boolean", default: false, doc: "" },
};
const plan: TuningPlan = { strategy: "random", trials: 30, folds: 3, budgetMs: null, space: {} };

function search(
  given: Partial<TuningPlan>,
  score: (values: HyperparameterValues, fold: number) => number = () => 0,
  more: {
    fixed?: HyperparameterValues;
    clock?: ReturnType<typeof fixedClock>;
    signal?: AbortSignal;
    report?: (done: number, total: number, unit: string) => void;
  } = {},
): ReturnType<typeof tuneHyperparameters> {
  return tuneHyperparameters({
    plan: { ...plan, ...given },
    table,
    fixed: more.fixed ?? {},
    rng: createRng(4),
    clock: more.clock ?? fixedClock(),
    progress: { report: more.report ?? (() => {}) },
    ...(more.signal ? { signal: more.signal } : {}),
    score: async (values, fold) => score(values, fold),
  });
}

describe("tuneHyperparameters", () => {
  it("tries the defaults, moved into the space, first", async () => {
    const { trials } = await search({});
    expect(trials[0]!.hyperparameters).toEqual({ rate: 1, size: 5, shape: "a", flag: false });
  });

  it("draws from the declared ranges and leaves alone what the definition fixed", async () => {
    const { trials } = await search({ trials: 200 }, undefined, { fixed: { shape: "c" } });
    const sizes = new Set<unknown>();
    for (const { hyperparameters } of trials) {
      expect(hyperparameters["rate"]).toBeGreaterThanOrEqual(0.01);
      expect(hyperparameters["rate"]).toBeLessThanOrEqual(1);
      expect(hyperparameters["shape"]).toBe("c");
      sizes.add(hyperparameters["size"]);
    }
    expect(sizes).toEqual(new Set([2, 3, 4, 5]));
    const rates = trials.map((trial) => Number(trial.hyperparameters["rate"])).sort((a, b) => a - b);
    expect(rates[100]).toBeGreaterThan(0.07);
    expect(rates[100]).toBeLessThan(0.14);
  });

  it("searches only what the space names where there is one, even if fixed", async () => {
    const space = { size: { low: 10, high: 20, scale: "linear" }, shape: ["c"] } as const;
    const { trials } = await search({ space, trials: 100 }, undefined, { fixed: { size: 3 } });
    expect(trials.every(({ hyperparameters: h }) => h["rate"] === 1 && h["shape"] === "c")).toBe(true);
    expect(new Set(trials.map(({ hyperparameters: h }) => h["size"])).size).toBe(11);
  });

  it("walks every point of a grid once", async () => {
    const { trials } = await search({
      strategy: "grid",
      trials: 200,
      space: { size: [1, 2, 30], flag: [true, false] },
    });
    const points = trials.map(({ hyperparameters: h }) => `${String(h["size"])} ${String(h["flag"])}`);
    expect(points.sort()).toEqual(["1 false", "1 true", "2 false", "2 true", "30 false", "30 true"]);
  });

  it("keeps the setting with the best mean and reports progress in trials", async () => {
    const seen: string[] = [];
    const report = (done: number, total: number, unit: string): number => seen.push(`${done}/${total} ${unit}`);
    const { best, trials } = await search({}, (h, fold) => -Math.abs(Number(h["rate"]) - 0.2) + fold, { report });
    const distance = (h: HyperparameterValues): number => Math.abs(Number(h["rate"]) - 0.2);
    expect(distance(best)).toBe(Math.min(...trials.map((trial) => distance(trial.hyperparameters))));
    expect(seen.at(-1)).toBe("30/30 trials");
  });

  it("abandons a trial that trails the best by more than the spread between folds, and never lets it win", async () => {
    const score = (h: HyperparameterValues, fold: number): number =>
      (h["shape"] === "a" ? 1 : fold === 0 ? 0 : 100) + fold / 10;
    const { best, trials } = await search({ space: { shape: ["a", "b"] } }, score);
    expect(trials.map((trial) => [trial.scores.length, trial.isAbandoned])).toEqual([
      [3, false],
      [1, true],
    ]);
    expect(best["shape"]).toBe("a");
  });

  it("counts a score of NaN as the worst", async () => {
    const { best } = await search({ space: { shape: ["a", "b"] } }, (h) => (h["shape"] === "a" ? Number.NaN : -5));
    expect(best["shape"]).toBe("b");
  });

  it("starts no trial after the budget, but always finishes the first", async () => {
    const clock = fixedClock();
    const score = (): number => {
      clock.advance(10);
      return 1;
    };
    expect((await search({ budgetMs: 1 }, score, { clock })).trials.length).toBe(1);
    expect((await search({ budgetMs: 61 }, score, { clock })).trials.length).toBe(3);
  });

  it("gives the same report for the same seed", async () => {
    const score = (h: HyperparameterValues): number => Number(h["size"]);
    expect(await search({}, score)).toEqual(await search({}, score));
  });

  it("hands every trial the same randomness for the same fold", async () => {
    const drawn: number[][] = [[], [], []];
    await tuneHyperparameters({
      plan,
      table,
      fixed: {},
      rng: createRng(1),
      clock: fixedClock(),
      progress: { report: () => {} },
      score: async (_, fold, rng) => drawn[fold]!.push(rng.next()),
    });
    expect(drawn.map((values) => new Set(values).size)).toEqual([1, 1, 1]);
  });

  it("stops where it is cancelled", async () => {
    await expect(search({}, undefined, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

describe("checkSpace", () => {
  const check = (given: Partial<TuningPlan>) => () =>
    checkSpace({ name: "demo", hyperparameters: table }, { ...plan, ...given });
  it("names the hyperparameter, the rule and the value", () => {
    expect(check({ space: { sizes: [1] } })).toThrow(
      'demo.sizes must be left out (there is no such hyperparameter; did you mean "size"?)',
    );
    expect(check({ space: { rate: { low: 0, high: 1, scale: "linear" } } })).toThrow(
      "demo.rate must be a number in (0, 10], got 0",
    );
    expect(check({ space: { size: [1, 2.5] } })).toThrow("demo.size must be a whole number in [1, 50], got 2.5");
    expect(check({ space: { shape: ["d"] } })).toThrow('demo.shape must be one of "a", "b", "c", got "d"');
    expect(check({ space: { shape: [] } })).toThrow("demo.shape must be searched over at least one value, got []");
    expect(check({ space: { shape: { low: 0, high: 1, scale: "linear" } } })).toThrow(
      "demo.shape must be searched over a list",
    );
    expect(check({ space: { rate: { low: 0.1, high: 1, scale: "log" } } })).not.toThrow();
  });

  it("wants lists for a grid, and no more points than trials", () => {
    expect(check({ strategy: "grid" })).toThrow("needs a list of values");
    expect(check({ strategy: "grid", space: { rate: { low: 1, high: 2, scale: "linear" } } })).toThrow(
      "a range for rate",
    );
    expect(check({ strategy: "grid", trials: 3, space: { size: [1, 2], flag: [true, false] } })).toThrow(
      "(3) points, got 4",
    );
  });
});

describe("tune", () => {
  it("is plain frozen data", () => {
    const choice = tune(linear({ l2: 3 }), { trials: 5, budget: "2m", space: { l2: between(0.1, 10, "log") } });
    expect(JSON.parse(JSON.stringify(choice))).toEqual({
      estimator: "linear",
      tasks: { regression: true, binary: true, multiclass: true },
      hyperparameters: { l2: 3 },
      tuning: {
        strategy: "random",
        trials: 5,
        folds: 3,
        budgetMs: 120_000,
        space: { l2: { low: 0.1, high: 10, scale: "log" } },
      },
    });
    expect(Object.isFrozen(choice) && Object.isFrozen(choice.tuning) && Object.isFrozen(choice.hyperparameters)).toBe(
      true,
    );
  });

  it("refuses what cannot be searched", () => {
    expect(() => tune(tune(linear()))).toThrow("tune() takes an estimator that is not tuned already");
    expect(() => tune(linear(), { trials: 0 })).toThrow("tune().trials must be a whole number from 1 to 100000, got 0");
    expect(() => tune(linear(), { folds: 1 })).toThrow("tune().folds");
    expect(() => tune(linear(), { budget: "soon" as "2m" })).toThrow(
      'tune().budget must be a duration such as "90s" or "2m", got "soon"',
    );
    expect(() => between(2, 2)).toThrow("between() takes two finite numbers");
    expect(() => between(0, 2, "log")).toThrow("above 0");
  });
});
