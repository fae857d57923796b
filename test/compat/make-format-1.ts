/**
 * Writes format-1.json: one small model file of each kind in format 1 (base64) with rows and what they were predicted.
 * It was run once, when format 1 was made, and must never be run again: the point of the file is that it stays.
 *
 * Run: npx jiti test/compat/make-format-1.ts
 */
import { writeFileSync } from "node:fs";
import { createRng } from "../../src/core/rng.ts";
import { encodeModel } from "../../src/model/file.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import { modelKinds, randomModel, randomRow } from "../models/random-models.ts";

const models = modelKinds.map(([task, kind], i) => {
  const rng = createRng(100 + i);
  const model = randomModel(rng, task, kind);
  const rows = Array.from({ length: 12 }, () => randomRow(rng));
  const { predictions } = predictRows(model, rows);
  return {
    title: `${task} by ${model.predictor.kind}`,
    file: Buffer.from(encodeModel(model)).toString("base64"),
    rows,
    values: Buffer.from(predictions.values.buffer).toString("hex"),
    answers: answersOf(model, predictions),
  };
});
writeFileSync(new URL("format-1.json", import.meta.url), `${JSON.stringify({ format: 1, models }, null, 1)}\n`, {
  flag: "wx",
});
