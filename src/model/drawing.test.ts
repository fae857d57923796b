import { describe, expect, it } from "vitest";
import { randomModel } from "../../test/models/random-models.ts";
import { createRng } from "../core/rng.ts";
import { drawTree } from "./drawing.ts";
import type { Model } from "./model.ts";
import type { TreesPredictor } from "./predictor.ts";

/** area <= 5 (or missing)? then colour in red, blue? */
const shape: Omit<TreesPredictor, "value" | "link" | "outputs" | "base" | "treeOutput" | "treeOffsets"> = {
  kind: "trees",
  feature: Int32Array.of(0, 3, -1, -1, -1),
  threshold: Float64Array.of(5.25, Number.NaN, 0, 0, 0),
  missingLeft: Uint8Array.of(1, 0, 0, 0, 0),
  categoryOffset: Int32Array.of(-1, 0, -1, -1, -1),
  left: Int32Array.of(1, 2, -1, -1, -1),
  right: Int32Array.of(4, 3, -1, -1, -1),
  gain: new Float64Array(5),
  cover: Float64Array.of(40, 30, 10, 20, 10),
  categorySets: Uint32Array.of(0b0101),
};

function withTree(model: Model, more: Partial<TreesPredictor>): Model {
  const one = { outputs: 1, base: Float64Array.of(0), treeOutput: Uint32Array.of(0), treeOffsets: Uint32Array.of(0) };
  const predictor: TreesPredictor = { ...shape, ...one, link: "identity", value: new Float64Array(5), ...more };
  return { ...model, predictor };
}

describe("drawTree", () => {
  const model = randomModel(createRng(1), "regression", "trees");

  it("draws conditions, answers and rows, means at the splits", () => {
    const drawn = drawTree(withTree(model, { value: Float64Array.of(0, 0, 1, 4, -3), base: Float64Array.of(100) }));
    expect(drawn).toEqual([
      "101.5  (40 rows)",
      "├ area <= 5.25 or missing: 103  (30 rows)",
      "│ ├ colour in red, blue: 101  (10 rows)",
      "│ └ colour in green, constructor or missing: 104  (20 rows)",
      "└ area > 5.25: 97  (10 rows)",
    ]);
  });

  it("draws shares as the likeliest label", () => {
    const labels = { ...model, labels: ["no", "yes"] };
    const drawn = drawTree(withTree(labels, { link: "share", value: Float64Array.of(0, 0, 1, 0.25, 0) }));
    expect(drawn[0]).toBe("no 63 %  (40 rows)");
    expect(drawn[2]).toBe("│ ├ colour in red, blue: yes 100 %  (10 rows)");
  });

  it("draws any tree of many by what it adds, and refuses one there is not", () => {
    const many = randomModel(createRng(2), "binary", "trees");
    expect(drawTree(many, 5).length).toBe(11);
    expect(drawTree(many, 5).join("\n")).toMatch(/^-?[\d.e-]+ {2}\(/);
    for (const [one, tree] of [
      [many, 6],
      [randomModel(createRng(3), "binary", "linear"), 0],
    ] as const)
      expect(() => drawTree(one, tree)).toThrow(expect.objectContaining({ code: "DEFINITION_INVALID" }));
  });
});
