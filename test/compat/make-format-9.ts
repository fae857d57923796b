/**
 * Writes format-9.json: a small model file with a ranking, which format 9 brought, with rows and what they were
 * predicted. It was run once, when format 9 was made, and must never be run again: the point of the file is that it stays.
 *
 * Run: npx jiti test/compat/make-format-9.ts
 */
import { writeFileSync } from "node:fs";
import { createRng } from "../../src/core/rng.ts";
import { encodeModel } from "../../src/model/file.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import { randomModel, randomRow } from "../models/random-models.ts";

const rng = createRng(900);
const rows = Array.from({ length: 12 }, () => randomRow(rng));
const model = randomModel(rng, "ranking", "trees");
const { predictions } = predictRows(model, rows);
const models = [
  {
    title: "scores to rank by, of trees",
    file: Buffer.from(encodeModel(model)).toString("base64"),
    rows,
    values: Buffer.from(predictions.values.buffer).toString("hex"),
    answers: answersOf(model, predictions),
  },
];
writeFileSync(new URL("format-9.json", import.meta.url), `${JSON.stringify({ format: 9, models }, null, 1)}\n`, {
  flag: "wx",
});
