/**
 * Writes format-4.json: small model files with columns of which less is kept than comes, and with numbers held within fences,
 * which format 4 brought, with rows and what they were predicted. It was run once, when format 4 was made, and must never
 * be run again: the point of the file is that it stays.
 *
 * Run: npx jiti test/compat/make-format-4.ts
 */
import { writeFileSync } from "node:fs";
import { createRng } from "../../src/core/rng.ts";
import type { Privacy } from "../../src/frame/privacy.ts";
import { encodeModel } from "../../src/model/file.ts";
import type { Model, Task } from "../../src/model/model.ts";
import { parityOf } from "../../src/model/parity.ts";
import { answersOf, predictRows } from "../../src/model/predict.ts";
import { randomModel, randomRow } from "../models/random-models.ts";

const privacies: Readonly<Record<string, Privacy>> = {
  area: { generalise: 2 },
  colour: { generalise: 3 },
  when: { generalise: "month" },
  note: { generalise: 8 },
};
const coarse = (model: Model): Model => {
  const columns = model.contract.columns.map((column) => {
    const privacy = privacies[column.name];
    return privacy === undefined ? column : { ...column, privacy };
  });
  return { ...model, contract: { columns } };
};
const clipped = (model: Model): Model => {
  const features = model.features.map(({ feature, steps }) =>
    feature === "area" ? { feature, steps: [{ kind: "clip", low: -1, high: 2.5 } as const, ...steps] } : { feature, steps },
  );
  return { ...model, features };
};
const cases: readonly (readonly [string, Task, "trees" | "linear", (model: Model) => Model])[] = [
  ["coarse columns of trees", "binary", "trees", coarse],
  ["clipped numbers of a linear model", "regression", "linear", clipped],
  ["both", "multiclass", "trees", (model) => clipped(coarse(model))],
];

const models = cases.map(([title, task, kind, change], i) => {
  const rng = createRng(400 + i);
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
writeFileSync(new URL("format-4.json", import.meta.url), `${JSON.stringify({ format: 4, models }, null, 1)}\n`, {
  flag: "wx",
});
