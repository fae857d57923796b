import { describe, expect, it } from "vitest";
import type { Design } from "../../model/design.ts";
import type { Target } from "../../model/estimator.ts";
import { rawScores } from "../../model/score.ts";
import { designOf, fit, targetOf } from "./estimator.fixtures.ts";

describe("boosting on degenerate data", () => {
  const cases: readonly [string, Design, Target][] = [
    ["one row", designOf([[1]]), targetOf("regression", [4])],
    [
      "no columns",
      designOf([], [], 30),
      targetOf(
        "binary",
        Array.from({ length: 30 }, (_, row) => row % 2),
      ),
    ],
    [
      "all missing",
      designOf([Array.from({ length: 50 }, () => NaN)]),
      targetOf(
        "regression",
        Array.from({ length: 50 }, (_, i) => i),
      ),
    ],
    [
      "constant columns",
      designOf([Array.from({ length: 50 }, () => 3)]),
      targetOf(
        "binary",
        Array.from({ length: 50 }, (_, i) => i % 2),
      ),
    ],
    [
      "one label",
      designOf([Array.from({ length: 90 }, (_, i) => i)]),
      targetOf(
        "binary",
        Array.from({ length: 90 }, () => 0),
      ),
    ],
    [
      "one value",
      designOf([Array.from({ length: 90 }, (_, i) => i)]),
      targetOf(
        "regression",
        Array.from({ length: 90 }, () => 2),
      ),
    ],
    [
      "a label of three without rows",
      designOf([Array.from({ length: 90 }, (_, i) => i)]),
      {
        ...targetOf(
          "multiclass",
          Array.from({ length: 90 }, (_, i) => i % 2),
        ),
        nLabels: 3,
      },
    ],
  ];
  for (const [name, design, target] of cases) {
    it(`gives finite predictions for ${name}`, async () => {
      const { trees } = await fit(design, target, { minRows: 1 });
      const scores = rawScores(trees, design);
      expect(scores).toHaveLength(design.nRows * trees.outputs);
      expect(scores.every((score) => Number.isFinite(score))).toBe(true);
    });
  }

  it("predicts a constant where nothing can be split", async () => {
    const { trees } = await fit(designOf([[1]]), targetOf("regression", [4]));
    expect(Array.from(rawScores(trees, designOf([[9]])))).toEqual([4]);
  });
});
