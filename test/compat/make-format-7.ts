/**
 * Writes format-7.json: small model files with trees summed in float32, which format 7 brought, with rows and what they were
 * predicted. It was run once, when format 7 was made, and must never be run again: the point of the file is that it stays.
 *
 * Run: npx jiti test/compat/make-format-7.ts
 */
import { writeFileSync } from "node:fs";
import { createRng } from "../../src/core/rng.ts";
import { encodeModel } from "../../src/model/file.ts";
import type { Model, Task } from "../../src/model/model.ts";
import { parityOf } from "../../src/model/parity.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import type { Predictor } from "../../src/model/predictor.ts";
import { randomModel, randomRow } from "../models/random-models.ts";

const tasks: readonly Task[] = ["regression", "binary", "multiclass"];

function inFloat32(predictor: Predictor): Predictor {
  if (predictor.kind !== "trees") return predictor;
  return { ...predictor, sums: "float32", base: predictor.base.map(Math.fround), value: predictor.value.map(Math.fround) };
}

const models = tasks.map((task, i) => {
  const rng = createRng(700 + i);
  const rows = Array.from({ length: 12 }, () => randomRow(rng));
  const random = randomModel(rng, task, "trees");
  const bare: Model = { ...random, predictor: inFloat32(random.predictor), parity: null };
  const model = { ...bare, parity: parityOf(bare, rows.slice(0, 4)) };
  const { predictions } = predictRows(model, rows);
  return {
    title: `${task} by trees summed in float32`,
    file: Buffer.from(encodeModel(model)).toString("base64"),
    rows,
    values: Buffer.from(predictions.values.buffer).toString("hex"),
    answers: answersOf(model, predictions),
  };
});
writeFileSync(new URL("format-7.json", import.meta.url), `${JSON.stringify({ format: 7, models }, null, 1)}\n`, {
  flag: "wx",
});
