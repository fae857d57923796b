/**
 * Writes format-6.json: small model files with networks, which format 6 brought, with rows and what they were predicted.
 * It was run once, when format 6 was made, and must never be run again: the point of the file is that it stays.
 *
 * Run: npx jiti test/compat/make-format-6.ts
 */
import { writeFileSync } from "node:fs";
import { createRng } from "../../src/core/rng.ts";
import { encodeModel } from "../../src/model/file.ts";
import type { Model, Task } from "../../src/model/model.ts";
import { parityOf } from "../../src/model/parity.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import { randomModel, randomRow } from "../models/random-models.ts";

const tasks: readonly Task[] = ["regression", "binary", "multiclass"];

const models = tasks.map((task, i) => {
  const rng = createRng(600 + i);
  const rows = Array.from({ length: 12 }, () => randomRow(rng));
  const bare: Model = { ...randomModel(rng, task, "network"), parity: null };
  const model = { ...bare, parity: parityOf(bare, rows.slice(0, 4)) };
  const { predictions } = predictRows(model, rows);
  return {
    title: `${task} by a network`,
    file: Buffer.from(encodeModel(model)).toString("base64"),
    rows,
    values: Buffer.from(predictions.values.buffer).toString("hex"),
    answers: answersOf(model, predictions),
  };
});
writeFileSync(new URL("format-6.json", import.meta.url), `${JSON.stringify({ format: 6, models }, null, 1)}\n`, {
  flag: "wx",
});
