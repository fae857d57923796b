/**
 * Writes format-3.json: small model files with naive Bayes, which format 3 brought, with rows and what they were
 * predicted. It was run once, when format 3 was made, and must never be run again: the point of the file is that it stays.
 *
 * Run: npx jiti test/compat/make-format-3.ts
 */
import { writeFileSync } from "node:fs";
import { createRng } from "../../src/core/rng.ts";
import { encodeModel } from "../../src/model/file.ts";
import type { Model, Task } from "../../src/model/model.ts";
import { parityOf } from "../../src/model/parity.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import { randomModel, randomRow } from "../models/random-models.ts";

const tasks: readonly Task[] = ["binary", "multiclass"];

const models = tasks.map((task, i) => {
  const rng = createRng(300 + i);
  const rows = Array.from({ length: 12 }, () => randomRow(rng));
  const bare: Model = { ...randomModel(rng, task, "bayes"), parity: null };
  const model = { ...bare, parity: parityOf(bare, rows.slice(0, 4)) };
  const { predictions } = predictRows(model, rows);
  return {
    title: `${task} by naive Bayes`,
    file: Buffer.from(encodeModel(model)).toString("base64"),
    rows,
    values: Buffer.from(predictions.values.buffer).toString("hex"),
    answers: answersOf(model, predictions),
  };
});
writeFileSync(new URL("format-3.json", import.meta.url), `${JSON.stringify({ format: 3, models }, null, 1)}\n`, {
  flag: "wx",
});
