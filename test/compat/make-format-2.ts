/**
 * Writes format-2.json: small model files with the links that format 2 brought (log, share), with rows and what they were
 * predicted. It was run once, when format 2 was made, and must never be run again: the point of the file is that it stays.
 *
 * Run: npx jiti test/compat/make-format-2.ts
 */
import { writeFileSync } from "node:fs";
import { createRng } from "../../src/core/rng.ts";
import { encodeModel } from "../../src/model/file.ts";
import type { Model, Task } from "../../src/model/model.ts";
import { parityOf } from "../../src/model/parity.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import type { Predictor } from "../../src/model/predictor.ts";
import { randomModel, randomRow } from "../models/random-models.ts";

const kinds: readonly (readonly [Task, "log" | "share"])[] = [
  ["regression", "log"],
  ["binary", "share"],
  ["multiclass", "share"],
];

const models = kinds.map(([task, link], i) => {
  const rng = createRng(200 + i);
  const rows = Array.from({ length: 12 }, () => randomRow(rng));
  const made = randomModel(rng, task, "trees");
  const bare: Model = { ...made, predictor: { ...made.predictor, link } as Predictor, parity: null };
  const model = { ...bare, parity: parityOf(bare, rows.slice(0, 4)) };
  const { predictions } = predictRows(model, rows);
  return {
    title: `${task} by trees, ${link}`,
    file: Buffer.from(encodeModel(model)).toString("base64"),
    rows,
    values: Buffer.from(predictions.values.buffer).toString("hex"),
    answers: answersOf(model, predictions),
  };
});
writeFileSync(new URL("format-2.json", import.meta.url), `${JSON.stringify({ format: 2, models }, null, 1)}\n`, {
  flag: "wx",
});
