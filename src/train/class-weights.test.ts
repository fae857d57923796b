import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import { fixedClock } from "../core/clock.ts";
import { silent } from "../core/progress.ts";
import { emptySparseBlock, type Design } from "../model/design.ts";
import type { Target } from "../model/estimator.ts";
import { classFactors, withFactors } from "./class-weights.ts";
import { findEstimator, resolveHyperparameters } from "./implementations.ts";

const binary = (values: readonly number[], weights: readonly number[] | null = null): Target => ({
  task: "binary",
  values: Float64Array.from(values),
  nLabels: 2,
  weights: weights && Float64Array.from(weights),
});

describe("class weights", () => {
  it("give every label the same weight and keep the sum", () => {
    const target = binary([0, 0, 0, 1], [1, 2, 1, 2]);
    const factors = classFactors(target, "balanced");
    const { weights } = withFactors(target, factors);
    expect(Array.from(weights!)).toEqual([0.75, 1.5, 0.75, 3]);
    expect(classFactors(target, "none")).toBeNull();
    expect(withFactors(target, null)).toBe(target);
    expect(Array.from(classFactors({ ...target, nLabels: 3 }, "balanced")!)).toEqual([0.75, 1.5, 1]);
  });

  it.each(["boosting", "linear"])("learn what rows weighted by hand would: %s", async (name) => {
    const rng = createRng(3);
    const n = 300;
    const x = Float64Array.from({ length: n }, () => rng.next());
    const labels = Array.from(x, (value) => Number(value + rng.next() > 1.6));
    const design: Design = {
      nRows: n,
      dense: [{ name: "x", source: "x", values: x, cardinality: 0 }],
      sparse: emptySparseBlock(n),
    };
    const estimator = await findEstimator(name);
    const context = { rng: createRng(1), clock: fixedClock(), progress: silent, threads: 1 };
    const fit = async (target: Target, classWeights: string): Promise<unknown> => {
      const given = resolveHyperparameters(estimator, { classWeights, ...(name === "boosting" && { trees: 15 }) });
      return estimator.fit(design, target, given, { ...context, validation: { design, target } });
    };
    const target = binary(labels);
    const byHand = withFactors(target, classFactors(target, "balanced"));
    expect(await fit(target, "balanced")).toEqual(await fit(byHand, "none"));
    expect(await fit(target, "balanced")).not.toEqual(await fit(target, "none"));
    const numbers: Target = { task: "regression", values: x, nLabels: 0, weights: null };
    await expect(fit(numbers, "balanced")).rejects.toMatchObject({ code: "HYPERPARAMETER_INVALID" });
  });
});
