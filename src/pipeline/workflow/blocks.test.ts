import { describe, expect, it } from "vitest";
import { boosting, boolean, category, csv, number, pipeline } from "../../index.ts";
import { createFrame, type Frame } from "../../frame/frame.ts";
import { buildDesign } from "../../model/apply.ts";
import { predict } from "../../model/predict.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { featureFrame } from "./features.ts";
import { applyDesign, bareModel, fitDesign } from "./fitting.ts";
import { inputFrame, predictionsAt } from "./input-frame.ts";
import { blockRows, blocksOf } from "./blocks.ts";

const nRows = 2 * blockRows + 11;

const { spec } = pipeline({
  name: "blocks",
  data: csv("none.csv"),
  schema: { length: number({ missing: 1 }), colour: category(["red", "green"], { missing: 1 }), sold: boolean() },
  target: "sold",
  features: (c) => ({ half: c.length.div(2) }),
  model: boosting(),
});

const dataset: Frame = createFrame(nRows, [
  [
    "length",
    { kind: "number", values: Float64Array.from({ length: nRows }, (_, i) => (i % 7 === 0 ? NaN : i % 1000)) },
  ],
  [
    "colour",
    { kind: "category", levels: ["green", "red"], codes: Int32Array.from({ length: nRows }, (_, i) => (i % 3) - 1) },
  ],
  ["sold", { kind: "boolean", values: Uint8Array.from({ length: nRows }, (_, i) => i % 2) }],
]);

const material = { spec, dataset, labels: [false, true] };
/** Every row but a few, backwards, so that positions and rows differ. */
const rows = Uint32Array.from({ length: nRows - 5 }, (_, i) => nRows - 1 - i);

/** One split at 500 of the number, missing to the left. */
const stump: TreesPredictor = {
  kind: "trees",
  link: "sigmoid",
  outputs: 1,
  base: Float64Array.of(0.25),
  treeOffsets: Uint32Array.of(0),
  treeOutput: Uint32Array.of(0),
  feature: Int32Array.of(0, -1, -1),
  threshold: Float64Array.of(500, 0, 0),
  missingLeft: Uint8Array.of(1, 0, 0),
  categoryOffset: Int32Array.of(-1, -1, -1),
  categorySets: new Uint32Array(0),
  left: Int32Array.of(1, 0, 0),
  right: Int32Array.of(2, 0, 0),
  value: Float64Array.of(0, -1, 1),
  gain: Float64Array.of(1, 0, 0),
  cover: Float64Array.of(2, 1, 1),
};

describe("rows taken a block at a time", () => {
  it("are all the rows in order", () => {
    const blocks = [...blocksOf(rows)];
    expect(blocks.map(({ from }) => from)).toEqual([0, blockRows, 2 * blockRows]);
    expect(blocks.flatMap(({ block }) => [...block])).toEqual([...rows]);
    expect([...blocksOf(new Uint32Array(0))]).toEqual([]);
  });

  it("give the design that all of them at once give", () => {
    const { features } = fitDesign(material, rows.subarray(0, 1000), "trees");
    const whole = buildDesign(featureFrame(spec, dataset, rows), features);
    const { design } = applyDesign(material, rows, features);
    expect(design.nRows).toBe(whole.nRows);
    expect(design.dense.map(({ values: _, ...column }) => column)).toEqual(
      whole.dense.map(({ values: _, ...column }) => column),
    );
    for (const [j, column] of whole.dense.entries()) expect(design.dense[j]!.values).toEqual(column.values);
  });

  it("get the predictions that all of them at once get", async () => {
    const { features } = fitDesign(material, rows.subarray(0, 1000), "trees");
    const model = bareModel(material, features, stump);
    expect(await predictionsAt(model, dataset, rows, 1)).toEqual(predict(model, inputFrame(model, dataset, rows)));
  });

  it("leave no failure to itself where one block cannot be scored and the next not be made ready", async () => {
    const { features } = fitDesign(material, rows.subarray(0, 1000), "trees");
    const unscorable = { ...stump, treeOffsets: null } as unknown as TreesPredictor;
    let asked = 0;
    const unready: Frame = {
      ...dataset,
      get names() {
        if (++asked > spec.inputs.length) throw new Error("no memory left");
        return dataset.names;
      },
    };
    const predicting = predictionsAt(bareModel(material, features, unscorable), unready, rows, 1);
    await expect(predicting).rejects.toThrow(TypeError);
    expect(asked).toBeGreaterThan(spec.inputs.length);
  });
});
