/**
 * Writes format-7-members.json: small model files with neighbors and ensembles, which format 7 brought beside what format-7.json
 * holds, with rows and what they were predicted. It was run once, before format 7 was released, and must never be run again: the point of the file is that it stays.
 *
 * Run: npx jiti test/compat/make-format-7-members.ts
 */
import { writeFileSync } from "node:fs";
import { createRng, type Rng } from "../../src/core/rng.ts";
import { encodeModel } from "../../src/model/file.ts";
import type { Model, Task } from "../../src/model/model.ts";
import { parityOf } from "../../src/model/parity.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import { randomModel, randomRow, type RandomKind } from "../models/random-models.ts";

const tasks: readonly Task[] = ["regression", "binary", "multiclass"];

const kinds: readonly RandomKind[] = ["neighbors", "ensemble"];

const models = kinds.flatMap((kind, k) => tasks.map((task, i) => modelOf(kind, task, createRng(710 + 10 * k + i))));

function modelOf(kind: RandomKind, task: Task, rng: Rng): object {
  const rows = Array.from({ length: 12 }, () => randomRow(rng));
  const bare: Model = { ...randomModel(rng, task, kind), parity: null };
  const model = { ...bare, parity: parityOf(bare, rows.slice(0, 4)) };
  const { predictions } = predictRows(model, rows);
  return {
    title: `${task} by ${kind}`,
    file: Buffer.from(encodeModel(model)).toString("base64"),
    rows,
    values: Buffer.from(predictions.values.buffer).toString("hex"),
    answers: answersOf(model, predictions),
  };
}
writeFileSync(new URL("format-7-members.json", import.meta.url), `${JSON.stringify({ format: 7, models }, null, 1)}\n`, {
  flag: "wx",
});
