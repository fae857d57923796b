/**
 * Writes format-5.json: small model files with columns that are cleaned, which format 5 brought, with rows and what they were
 * predicted. It was run once, when format 5 was made, and must never
 * be run again: the point of the file is that it stays.
 *
 * Run: npx jiti test/compat/make-format-5.ts
 */
import { writeFileSync } from "node:fs";
import { createRng } from "../../src/core/rng.ts";
import type { Cleaning } from "../../src/frame/cleaning.ts";
import { encodeModel } from "../../src/model/file.ts";
import type { Model, Task } from "../../src/model/model.ts";
import { parityOf } from "../../src/model/parity.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import { randomModel, randomRow } from "../models/random-models.ts";

const cleanings: Readonly<Record<string, Cleaning>> = {
  area: { trim: false, case: null, missing: ["-1"], units: { kg: 1, g: 0.001 }, dates: null },
  colour: { trim: true, case: "upper", missing: ["?"], units: null, dates: null },
  when: { trim: false, case: null, missing: [], units: null, dates: ["DD.MM.YYYY", "ISO"] },
  note: { trim: true, case: "lower", missing: [], units: null, dates: null },
};
const cleaned = (model: Model): Model => {
  const columns = model.contract.columns.map((column) => {
    const clean = Object.hasOwn(cleanings, column.name) ? cleanings[column.name] : undefined;
    return clean === undefined ? column : { ...column, clean };
  });
  return { ...model, contract: { columns } };
};
const cases: readonly (readonly [string, Task, "trees" | "linear", (model: Model) => Model])[] = [
  ["cleaned columns of trees", "binary", "trees", cleaned],
  ["cleaned columns of a linear model", "regression", "linear", cleaned],
];

const models = cases.map(([title, task, kind, change], i) => {
  const rng = createRng(500 + i);
  const rows = Array.from({ length: 12 }, () => randomRow(rng));
  const bare: Model = { ...change(randomModel(rng, task, kind)), parity: null };
  const model = { ...bare, parity: parityOf(bare, rows.slice(0, 4)) };
  const { predictions } = predictRows(model, rows);
  return {
    title,
    file: Buffer.from(encodeModel(model)).toString("base64"),
    rows,
    values: Buffer.from(predictions.values.buffer).toString("hex"),
    answers: answersOf(model, predictions),
  };
});
writeFileSync(new URL("format-5.json", import.meta.url), `${JSON.stringify({ format: 5, models }, null, 1)}\n`, {
  flag: "wx",
});
