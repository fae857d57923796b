import { assert, constantFrom, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { modelKinds, randomModel, randomRow } from "../../test/models/random-models.ts";
import { createRng } from "../core/rng.ts";
import { frameFromRows } from "../frame/rows.ts";
import type { Model } from "./model.ts";
import { answersOf, predict, predictionsOf, predictRows } from "./predict.ts";

describe("predict", () => {
  it("gives a row the same bits alone and in a batch, whatever the model and whatever is missing", () => {
    assert(
      property(integer(), constantFrom(...modelKinds), integer({ min: 1, max: 80 }), (seed, [task, kind], nRows) => {
        const rng = createRng(seed);
        const model = randomModel(rng, task, kind);
        const rows = Array.from({ length: nRows }, () => randomRow(rng));
        const batch = predictRows(model, rows).predictions;
        expect(batch.nRows).toBe(nRows);
        const single = rows.flatMap((row) => [...predictRows(model, [row]).predictions.values]);
        expect(Float64Array.from(single)).toEqual(batch.values);
        const labels = rows.flatMap((row) => [...(predictRows(model, [row]).predictions.labelIndex ?? [])]);
        expect(labels).toEqual([...(batch.labelIndex ?? [])]);
      }),
      { numRuns: 60 },
    );
  });

  it("gives a frame and its rows the same bits", () => {
    const rng = createRng(3);
    const model = randomModel(rng, "multiclass", "linear");
    const rows = Array.from({ length: 30 }, () => randomRow(rng));
    const { frame } = frameFromRows(rows, model.contract, model.inputs);
    expect(predict(model, frame)).toEqual(predictRows(model, rows).predictions);
  });

  it("predicts no rows", () => {
    for (const [task, kind] of modelKinds)
      expect(
        answersOf(
          randomModel(createRng(1), task, kind),
          predictRows(randomModel(createRng(1), task, kind), []).predictions,
        ),
      ).toEqual([]);
  });

  it("reports what breaks the contract and predicts with it missing", () => {
    const model = randomModel(createRng(5), "regression", "trees");
    const whole = randomRow(createRng(6));
    const { issues, nIssues, predictions } = predictRows(model, [{ ...whole, area: "large" }]);
    expect(nIssues).toBe(1);
    expect(issues[0]).toMatchObject({ code: "kind", column: "area", row: 0 });
    expect(predictions).toEqual(predictRows(model, [{ ...whole, area: null }]).predictions);
  });
});

const binary = { task: "binary", predictor: { link: "sigmoid", outputs: 1 } } as unknown as Model;

describe("predictionsOf", () => {
  it("answers labels[1] from the threshold on", () => {
    const { values, labelIndex, width } = predictionsOf({ ...binary, threshold: 0.5 }, Float64Array.of(0.5, 0.49, 0.9));
    expect(width).toBe(2);
    expect([...labelIndex!]).toEqual([1, 0, 1]);
    expect(values[0]! + values[1]!).toBe(1);
  });

  it("answers the lowest of equally probable labels", () => {
    const model = {
      task: "multiclass",
      threshold: null,
      predictor: { link: "softmax", outputs: 3 },
    } as unknown as Model;
    expect([...predictionsOf(model, Float64Array.of(0.3, 0.3, 0.3, 0.2, 0.4, 0.4)).labelIndex!]).toEqual([0, 1]);
  });
});

describe("answersOf", () => {
  it("keeps a label called __proto__ a label", () => {
    const model = randomModel(createRng(2), "multiclass", "trees");
    const [answer] = answersOf(model, predictRows(model, [{}]).predictions);
    expect(JSON.parse(JSON.stringify(answer)).probabilities).toHaveProperty("__proto__");
    expect(Object.keys((answer as { probabilities: object }).probabilities)).toEqual(["a", "__proto__", "c"]);
  });

  it("gives booleans as booleans and numbers as numbers", () => {
    const model = randomModel(createRng(2), "binary", "trees");
    expect(answersOf(model, predictRows(model, [{}]).predictions)[0]).toMatchObject({ label: expect.any(Boolean) });
    const regression = randomModel(createRng(2), "regression", "trees");
    expect(answersOf(regression, predictRows(regression, [{}]).predictions)).toEqual([expect.any(Number)]);
  });
});
