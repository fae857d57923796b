import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../core/clock.ts";
import { silent } from "../core/progress.ts";
import { createRng } from "../core/rng.ts";
import type { ColumnData } from "../frame/column.ts";
import { columnOf } from "../frame/frame.ts";
import { category, csv, linear, number, parquet, pipeline } from "../index.ts";
import { readDataset } from "../ingest/dataset.ts";

import { type FilePredictions, predictFile } from "./predict.ts";
import { openProject, type Project } from "./project.ts";
import { runPipeline } from "./run-pipeline.ts";

/** More than two stretches of what is in memory at a time. */
const nRows = 260_000;
const half = 129_000;
const nSizes = 7;

describe("predicting a file larger than what is in memory at a time", () => {
  let root: string;
  let project: Project;
  beforeAll(async () => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-predict-"));
    project = await openProject(root, { clock: systemClock });
    const rng = createRng(3);
    const lines = Array.from(
      { length: 300 },
      (_, i) =>
        `${i % nSizes},${i % 3 === 0 ? "" : "red"},${i % nSizes > 3 ? "big" : rng.next() < 0.9 ? "small" : "big"}`,
    );
    fs.writeFileSync(path.join(root, "items.csv"), ["size,colour,class", ...lines, ""].join("\n"));
    const spec = pipeline({
      name: "items",
      data: csv("items.csv"),
      schema: { size: number({ max: 100 }), colour: category({ missing: 0.5 }), class: category(["small", "big"]) },
      target: "class",
      model: linear(),
    }).spec;
    await runPipeline(project, spec, { inline: true });
    // The share of missing colours keeps the contract in the whole file, and in no half of it.
    const row = (i: number, size: number): string => `${size},${i < half ? "" : "red"}`;
    const file = (name: string, sizeOf: (i: number) => number): void =>
      fs.writeFileSync(
        path.join(root, name),
        ["size,colour", ...Array.from({ length: nRows }, (_, i) => row(i, sizeOf(i))), ""].join("\n"),
      );
    file("new.csv", (i) => i % nSizes);
    file("broken.csv", (i) => (i === 200_000 || i === 250_000 ? 101 : 1));
  });
  afterAll(async () => {
    await project.close();
    fs.rmSync(root, { recursive: true, force: true });
  });

  const predictTo = (file: string, out: string | undefined): Promise<FilePredictions> =>
    predictFile(project, "items", path.join(root, file), {
      version: undefined,
      out: out && path.join(root, out),
      signal: new AbortController().signal,
      explain: false,
      reading: silent,
      predicting: silent,
    });

  it("writes the same to every kind of file, as many as there are rows, each with its row's bits", async () => {
    for (const out of ["out.parquet", "out.jsonl", "out.csv"])
      expect((await predictTo("new.csv", out)).nRows).toBe(nRows);
    const { contract } = pipeline({
      name: "answers",
      data: parquet("out.parquet"),
      schema: { label: category(), "probability small": number(), "probability big": number() },
      target: "label",
      model: linear(),
    }).spec;
    const table = await readDataset(path.join(root, "out.parquet"), contract);
    expect(table.nRows).toBe(nRows);
    const big = (columnOf(table, "probability big") as Extract<ColumnData, { readonly kind: "number" }>).values;
    const json = fs.readFileSync(path.join(root, "out.jsonl"), "utf8").trimEnd().split("\n");
    const text = fs.readFileSync(path.join(root, "out.csv"), "utf8").trimEnd().split("\n").slice(1);
    expect([json.length, text.length]).toEqual([nRows, nRows]);
    for (const i of [0, 122_879, 122_880, half - 1, half, 245_760, nRows - 1]) {
      const answer = JSON.parse(json[i]!) as { probabilities: { big: number } };
      expect([answer.probabilities.big, Number(text[i]!.split(",")[2])]).toEqual([big[i], big[i]]);
    }
    // Equal rows get equal bits wherever they stand: seven sizes with and without a colour.
    expect(new Set(big).size).toBe(2 * nSizes);
  });

  it("writes nothing where a late row breaks the contract, and counts all that do", async () => {
    const before = fs.readdirSync(root).sort();
    const predicted = predictTo("broken.csv", "none.parquet");
    await expect(predicted).rejects.toMatchObject({ code: "CONTRACT_VIOLATED" });
    await expect(predicted).rejects.toThrow(/2 .*row 200001/s);
    expect(fs.readdirSync(root).sort()).toEqual(before);
  });

  it("answers what breaks a rule of a column that only warns, as such rows were learned from, and counts it", async () => {
    const schema = {
      size: number({ max: 5, onViolation: "warn" }),
      colour: category({ missing: 0.5 }),
      class: category(["small", "big"]),
    };
    const { spec } = pipeline({ name: "lenient", data: csv("items.csv"), schema, target: "class", model: linear() });
    await runPipeline(project, spec, { inline: true });
    fs.writeFileSync(path.join(root, "far.csv"), "size,colour\n1,red\n6,red\n101,red\n");
    const done = await predictFile(project, "lenient", path.join(root, "far.csv"), {
      version: undefined,
      out: undefined,
      signal: new AbortController().signal,
      explain: false,
      reading: silent,
      predicting: silent,
    });
    expect(done).toMatchObject({ nRows: 3, nWarnings: 2 });
    expect(done.predictions).toMatchObject([{ label: "small" }, { label: "big" }, { label: "big" }]);
  });

  it("says where it cannot write, and leaves nothing", async () => {
    await expect(predictTo("new.csv", "no/such/folder.csv")).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
  });
});
