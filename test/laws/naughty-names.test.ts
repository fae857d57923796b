import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPredictionFile } from "../../src/app/prediction-writer.ts";
import { openProject, type Project } from "../../src/app/project.ts";
import { runPipeline } from "../../src/app/run-pipeline.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { createRng } from "../../src/core/rng.ts";
import { columnNameFault } from "../../src/frame/column-name.ts";
import { frameFromRows } from "../../src/frame/rows.ts";
import { boosting, category, csv, number, pipeline } from "../../src/index.ts";
import { explain } from "../../src/model/explain.ts";
import { decodeModel } from "../../src/model/file.ts";
import type { Model } from "../../src/model/model.ts";
import { predict } from "../../src/model/predict.ts";
import { fixedModels } from "../../src/serve/model-source.ts";
import { parseCsv } from "../../src/serve/protocols/csv-rows.ts";
import { createServer, type Server } from "../../src/serve/server.ts";
import { naughtyStrings } from "../support/naughty-strings.ts";

/*
 * One pipeline whose columns, levels and labels are all called by naughty strings goes the whole way: from a file to a
 * snapshot, through checks, audit, training and evaluation, to a server and to a file of answers.
 */

const names = naughtyStrings.filter((text) => columnNameFault(text) === undefined);
const labels = ["__proto__", "=1+1", "<script>alert(1)</script>"];
const level = "a level";
const target = "the label";

const quoted = (cells: readonly string[]): string =>
  `${cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")}\n`;

/** Of each column a digit, of the levels each one twice; the label follows from two of the digits. */
function rowsOf(nRows: number): readonly (readonly string[])[] {
  const rng = createRng(5);
  return Array.from({ length: nRows }, (_, row) => {
    const digits = names.map(() => rng.integer(10));
    return [...digits.map(String), names[row % names.length]!, labels[(digits[0]! + digits[1]!) % labels.length]!];
  });
}

describe(`${names.length} naughty strings as columns, levels and labels of one pipeline`, () => {
  const columns = [...names, level, target];
  const schema = Object.fromEntries(
    columns.map((name) => [name, name === level ? category() : name === target ? category(labels) : number()]),
  );
  /** Names that are whole numbers come first in every object. */
  const ordered = Object.keys(schema);
  const rows = rowsOf(2 * names.length);
  const prototype = Reflect.ownKeys(Object.prototype);
  let project: Project;
  let model: Model;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    project = await openProject(fs.mkdtempSync(path.join(os.tmpdir(), "millrace-names-")), { clock: systemClock });
    fs.writeFileSync(path.join(project.root, "naughty.csv"), [columns, ...rows].map(quoted).join(""));
    const definition = pipeline({
      name: "naughty",
      data: csv("naughty.csv"),
      schema,
      target,
      model: boosting({ trees: 2 }),
    });
    const { result } = await runPipeline(project, definition.spec, { inline: true });
    if (result.status !== "succeeded") throw result.error ?? new Error(result.status);
    const digest = result.steps.find(({ step }) => step === "train")!.outputs.get("model")!;
    model = decodeModel(await project.store.artifacts.readBytes(digest));
    const models = fixedModels([{ version: 1, digest, model, metrics: {} }]);
    server = await createServer({ models, clock: systemClock, version: "1", port: 0 });
    ({ url } = await server.listen());
  });
  afterAll(async () => {
    await server?.close();
    await project.close();
    fs.rmSync(project.root, { recursive: true });
  });

  const inputs = (row: readonly string[]): JsonObject =>
    Object.fromEntries([...names.map((name, i) => [name, Number(row[i])] as const), [level, row[names.length]!]]);

  it("are columns and labels of the model, in their order, and change no prototype", () => {
    expect(new Set(ordered)).toEqual(new Set(columns));
    expect(model.inputs).toEqual(ordered.filter((name) => name !== target));
    expect(model.contract.columns.map(({ name }) => name)).toEqual(ordered);
    expect(new Set(model.labels)).toEqual(new Set(labels));
    expect(Reflect.ownKeys(Object.prototype)).toEqual(prototype);
  });

  it("are answered over HTTP as they are from columns", async () => {
    const asked = rows.slice(0, 20).map(inputs);
    const answer = await fetch(`${url}/v1/models/naughty/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rows: asked, explain: true }),
    });
    expect(answer.status).toBe(200);
    const { predictions } = (await answer.json()) as {
      readonly predictions: readonly { readonly probabilities: Readonly<Record<string, number>> }[];
    };
    const { frame } = frameFromRows(asked, model.contract, model.inputs);
    const { values } = predict(model, frame);
    const told = predictions.flatMap(({ probabilities }) => model.labels.map((label) => probabilities[String(label)]));
    expect(told).toEqual([...values]);
  });

  it("stand in a file of explained answers, each in its cell", async () => {
    const { frame } = frameFromRows(rows.slice(0, 5).map(inputs), model.contract, model.inputs);
    const file = path.join(project.root, "answers.csv");
    const writer = await openPredictionFile(file, model, true);
    const explained = explain(model, frame);
    await writer.add({ predictions: predict(model, frame), explained, firstRow: 0 });
    await writer.finish();
    const [head, ...cells] = parseCsv(fs.readFileSync(file, "utf8"));
    const contributions = head!.slice(head!.indexOf("score") + 1);
    expect(contributions).toEqual(model.inputs.map((name) => `contribution ${name}`));
    expect(cells.map((row) => row.length)).toEqual(Array.from({ length: 5 }, () => head!.length));
    for (const row of cells) expect(labels.flatMap((label) => [label, `'${label}`])).toContain(row[0]);
  });
});
