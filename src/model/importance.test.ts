import { describe, expect, it } from "vitest";
import { modelKinds, randomModel } from "../../test/models/random-models.ts";
import { createRng } from "../core/rng.ts";
import { importanceOf } from "./importance.ts";
import type { Model } from "./model.ts";

describe("importanceOf", () => {
  it("shares all importance between the features, the most important first", () => {
    for (const [task, kind] of modelKinds) {
      const model = randomModel(createRng(4), task, kind);
      const shares = importanceOf(model);
      expect(shares.map(({ feature }) => feature).sort()).toEqual(
        [...new Set(model.features.map(({ feature }) => feature))].sort(),
      );
      const numbers = shares.map(({ importance }) => importance);
      expect(numbers.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
      expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
    }
  });

  it("is the share of the gain for trees", () => {
    const model = randomModel(createRng(4), "regression", "trees");
    const trees = model.predictor as Extract<Model["predictor"], { kind: "trees" }>;
    const gain = trees.gain.map((_, node) => (trees.feature[node] === 0 ? 3 : trees.feature[node]! < 0 ? 0 : 1));
    const nSplits = trees.feature.filter((feature) => feature >= 0).length;
    const nFirst = trees.feature.filter((feature) => feature === 0).length;
    const shares = new Map(
      importanceOf({ ...model, predictor: { ...trees, gain } }).map(({ feature, importance }) => [feature, importance]),
    );
    expect(shares.get("area")).toBeCloseTo((3 * nFirst) / (nSplits + 2 * nFirst), 12);
  });

  it("is coefficient times spread for linear models", () => {
    const model: Model = {
      ...randomModel(createRng(4), "regression", "linear"),
      features: [
        { feature: "area", steps: [{ kind: "standardize", mean: 0, scale: 1 }] },
        { feature: "colour", steps: [{ kind: "oneHot", levels: ["red"], other: false }] },
      ],
      predictor: {
        kind: "linear",
        link: "identity",
        outputs: 1,
        nDense: 1,
        nSparse: 1,
        coefficients: Float64Array.of(-2, 4),
        intercept: Float64Array.of(0),
      },
      reference: null,
    };
    const share = {
      form: "levels",
      column: "colour",
      missing: 0,
      levels: ["red"],
      shares: [0.5],
      other: 0.5,
      known: [],
    } as const;
    const reference = { nRows: 4, columns: [share], prediction: share };
    expect(importanceOf({ ...model, reference })).toEqual([
      { feature: "area", importance: 0.5 },
      { feature: "colour", importance: 0.5 },
    ]);
  });
});
