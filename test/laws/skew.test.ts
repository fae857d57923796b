import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openProject, type Project } from "../../src/app/project.ts";
import { runPipeline } from "../../src/app/run-pipeline.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { JsonObject, JsonValue } from "../../src/core/json.ts";
import { silent } from "../../src/core/progress.ts";
import { createRng, type Rng } from "../../src/core/rng.ts";
import { checkContract } from "../../src/frame/check.ts";
import {
  boolean,
  boosting,
  category,
  clip,
  csv,
  cyclic,
  impute,
  linear,
  number,
  oneHot,
  pipeline,
  standardize,
  targetEncode,
  text,
  tfidf,
  timestamp,
  type Estimator,
} from "../../src/index.ts";
import { rowsFromFrame } from "../../src/frame/rows.ts";
import { readDataset } from "../../src/ingest/dataset.ts";
import { ingestSource } from "../../src/ingest/ingest.ts";
import { decodeModel } from "../../src/model/file.ts";
import type { Model } from "../../src/model/model.ts";
import { predict } from "../../src/model/predict.ts";
import type { PredictionEntry } from "../../src/monitor/log-line.ts";
import { readPredictionLog } from "../../src/monitor/log-reader.ts";
import { openPredictionLogs, type PredictionLogs } from "../../src/monitor/prediction-logs.ts";
import { createServer, type Server } from "../../src/serve/server.ts";
import { fixedModels } from "../../src/serve/model-source.ts";

/*
 * Skew is what a model answers in production and would not have answered in training. The same rows go both ways: through a
 * file, its snapshot and the code that evaluates; and through JSON, HTTP and the server. Numbers at the edge of what a double
 * holds, levels never seen, missing values and texts of any script among them.
 */

const nRows = Number(process.env["MILLRACE_SKEW_ROWS"] ?? 10_000);
const places = ["north", "south", "west", "east", "__proto__", 'ünder, "der"'];
const words = ["bright", "quiet", "damp", "large", "near", "garden", "noisy", "new", "constructor", "😀", "née"];
const edges = [
  0,
  -0,
  5e-324,
  -5e-324,
  2 ** 53 - 1,
  -(2 ** 53) + 1,
  1.7976931348623157e308,
  0.1 + 0.2,
  1e21,
  1e-7,
  123456789012345.67,
];

function schemaOf() {
  return {
    area: number({ missing: 0.9 }),
    rooms: number({ missing: 0.9, privacy: { generalise: 2 } }),
    place: category({ missing: 0.9 }),
    note: text({ missing: 0.9 }),
    isNew: boolean({ missing: 0.9 }),
    at: timestamp({ missing: 0.9 }),
    price: number(),
  };
}

const pipelineOf = (model: Estimator<"regression">) =>
  pipeline({
    name: "skew",
    data: csv("train.csv"),
    schema: schemaOf(),
    target: "price",
    features: (c) => ({ hour: c.at.hour(), ratio: c.area.div(c.rooms), placeAgain: c.place, long: c.note.length() }),
    prepare: {
      area: [clip(), impute("median"), standardize()],
      place: oneHot({ minShare: 0.01 }),
      placeAgain: targetEncode(),
      note: tfidf({ maxWords: 20 }),
      at: cyclic("day"),
    },
    model,
  });

type Cell = number | string | boolean | null;

/** A row as it is sent; `isStrange` = with what training never saw. */
function rowOf(rng: Rng, isStrange: boolean): Record<string, Cell> {
  const some = (value: Cell): Cell => (rng.next() < 0.1 ? null : value);
  const pick = <T>(of: readonly T[]): T => of[rng.integer(of.length)]!;
  const strange = (): boolean => isStrange && rng.next() < 0.4;
  return {
    area: some(strange() ? pick(edges) : 20 + 100 * rng.next()),
    rooms: some(strange() ? pick(edges) : rng.integer(9)),
    place: some(strange() ? `place ${rng.integer(1e6)}\n\t"` : pick(places)),
    note: some(Array.from({ length: rng.integer(6) }, () => pick(words)).join(strange() ? "  " : " ") || "x"),
    isNew: some(rng.next() < 0.5),
    at: some(new Date(Date.UTC(1960, 0, 1) + Math.floor(3e12 * rng.next())).toISOString()),
  };
}

const cell = (value: Cell | undefined): string => {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  return `"${String(value).replaceAll('"', '""')}"`;
};
const csvOf = (rows: readonly Record<string, Cell>[], names: readonly string[]): string =>
  [names.join(","), ...rows.map((row) => names.map((name) => cell(row[name])).join(",")), ""].join("\n");

describe.each([
  ["linear", linear()],
  ["boosting", boosting({ trees: 30, minRows: 5 })],
])("%s", (_name, estimator) => {
  let project: Project;
  let model: Model;
  let server: Server;
  let log: PredictionLogs;
  let url: string;
  const rng = createRng(77);

  beforeAll(async () => {
    project = await openProject(fs.mkdtempSync(path.join(os.tmpdir(), "millrace-skew-")), { clock: systemClock });
    const rows = Array.from({ length: 800 }, () => {
      const row = rowOf(rng, false);
      return { ...row, price: Number(row["area"] ?? 50) * 3 + (row["place"] === "north" ? 90 : 0) + 9 * rng.next() };
    });
    fs.writeFileSync(path.join(project.root, "train.csv"), csvOf(rows, Object.keys(schemaOf())));
    const { result } = await runPipeline(project, pipelineOf(estimator).spec, { inline: true });
    if (result.status !== "succeeded") throw result.error;
    const digest = result.steps.find(({ step }) => step === "train")!.outputs.get("model")!;
    model = decodeModel(await project.store.artifacts.readBytes(digest));
    log = openPredictionLogs(path.join(project.root, "predictions"), { clock: systemClock });
    server = await createServer({
      models: fixedModels([{ version: 1, digest, model, metrics: {} }]),
      clock: systemClock,
      version: "1",
      port: 0,
      log,
    });
    ({ url } = await server.listen());
  });
  afterAll(async () => {
    await server?.close();
    await log?.close();
    await project.close();
    fs.rmSync(project.root, { recursive: true });
  });

  /** As evaluation does: a file, its snapshot, the columns of it. */
  async function offline(rows: readonly Record<string, Cell>[]): Promise<readonly number[]> {
    fs.writeFileSync(path.join(project.root, "rows.csv"), csvOf(rows, model.inputs));
    const contract = { columns: model.contract.columns.filter(({ name }) => model.inputs.includes(name)) };
    const output = path.join(project.root, "rows.parquet");
    const source = csv("rows.csv");
    const { issues } = await ingestSource({ source, contract, root: project.root, output, progress: silent });
    const frame = await readDataset(output, contract);
    fs.rmSync(output);
    expect([issues, checkContract(frame, contract).issues.filter(({ row }) => row >= 0)]).toEqual([[], []]);
    return [...predict(model, frame).values];
  }

  async function online(rows: readonly JsonObject[]): Promise<Response> {
    const headers = { "content-type": "application/json" };
    // JSON has a negative zero, which JSON.stringify does not write.
    const body = JSON.stringify({ rows }, (_, value: unknown) => (Object.is(value, -0) ? "negative zero" : value));
    const sent = body.replaceAll('"negative zero"', "-0");
    return fetch(`${url}/v1/models/skew/predict`, { method: "POST", headers, body: sent });
  }

  /** What the log holds of the first `count` answers. */
  async function logged(count: number): Promise<readonly PredictionEntry[]> {
    await log.flush();
    const window = { sinceMs: -Infinity, untilMs: Infinity };
    return (await readPredictionLog(path.join(project.root, "predictions"), "skew", window)).entries.slice(0, count);
  }

  it(`answers ${nRows} rows over HTTP with the very bits that training gives, and logs them so`, async () => {
    const rows = Array.from({ length: nRows }, () => rowOf(rng, true));
    const expected = await offline(rows);
    // What no double can hold is refused by name, and never answered with null.
    const isDefined = (row: number): boolean => Number.isFinite(expected[row]!);
    const asked = rows.flatMap((row, i) => (isDefined(i) ? [{ row, value: expected[i]! }] : []));
    expect(asked.length).toBeGreaterThan(0.8 * nRows);
    for (let start = 0; start < asked.length; start += 500) {
      const some = asked.slice(start, start + 500);
      const answer = await online(some.map(({ row }) => row as JsonObject));
      expect(answer.status).toBe(200);
      const { predictions } = (await answer.json()) as { readonly predictions: readonly number[] };
      expect(predictions.length).toBe(some.length);
      expect(predictions.filter((value, i) => !Object.is(value, some[i]!.value))).toEqual([]);
    }
    const entries = await logged(asked.length);
    const changed = entries.filter(({ inputs, output }, i) => {
      const { row, value } = asked[i]!;
      return !Object.is(inputs["area"], row["area"]) || !Object.is(output, value);
    });
    expect([entries.length, changed]).toEqual([asked.length, []]);
    for (const row of rows.filter((_, i) => !isDefined(i)).slice(0, 50)) {
      const answer = await online([row as JsonObject]);
      expect([answer.status, await answer.text()]).toEqual([
        422,
        expect.stringContaining("PREDICTION_UNDEFINED") as string,
      ]);
    }
  });

  it.each<[string, string, JsonValue]>([
    ["an integer that a double would round", "area", "9007199254740993"],
    ["a number as a text", "area", "12"],
    ["an infinite number", "area", "Infinity"],
    ["a text where a truth is asked for", "isNew", "maybe"],
    ["a time that is none", "at", "2024-02-30"],
    ["a number where a name is asked for", "place", 7],
  ])("refuses %s", async (_what, column, value) => {
    const answer = await online([{ [column]: value }]);
    expect(answer.status).toBe(422);
    expect(JSON.stringify(await answer.json())).toContain(`"column":"${column}"`);
  });

  it("refuses a number that a double would round, as a file with it is refused", async () => {
    const ask = async (digits: string): Promise<number> => {
      const body = `{"rows":[{"area":${digits}}]}`;
      const headers = { "content-type": "application/json" };
      return (await fetch(`${url}/v1/models/skew/predict`, { method: "POST", headers, body })).status;
    };
    fs.writeFileSync(
      path.join(project.root, "long.csv"),
      "area\n9007199254740993\n9007199254740994\n123456789012345678\n",
    );
    const contract = { columns: model.contract.columns.filter(({ name }) => name === "area") };
    const output = path.join(project.root, "long.parquet");
    const { issues } = await ingestSource({
      source: csv("long.csv"),
      contract,
      root: project.root,
      output,
      progress: silent,
    });
    expect(issues.map(({ row }) => row)).toEqual([0, 2]);
    expect(await Promise.all(["9007199254740993", "9007199254740994", "123456789012345678"].map(ask))).toEqual([
      400, 200, 400,
    ]);
    // Infinite: refused by the contract, which names row and column.
    expect(await ask("9".repeat(100_000))).toBe(422);
    expect(await ask("-9007199254740991")).toBe(200);
  });

  it("reads CSV sent to the server as it reads a file: numbers, truths, and what is neither", async () => {
    const names = ["area", "isNew"];
    const cells = ["9007199254740994,true", "1e3,yes", " 7 ,F", ".5,0.0"];
    const invoke = async (line: string): Promise<Response> =>
      fetch(`${url}/invocations`, {
        method: "POST",
        headers: { "content-type": "text/csv" },
        body: `${names.join(",")}\n${line}\n`,
      });
    fs.writeFileSync(path.join(project.root, "cells.csv"), [names.join(","), ...cells, ""].join("\n"));
    const contract = { columns: model.contract.columns.filter(({ name }) => names.includes(name)) };
    const output = path.join(project.root, "cells.parquet");
    const source = csv("cells.csv");
    await ingestSource({ source, contract, root: project.root, output, progress: silent });
    const rows = rowsFromFrame(await readDataset(output, contract));
    for (const [i, line] of cells.entries()) {
      const asked = (await (await online([rows[i]!])).json()) as object;
      expect(await (await invoke(line)).json()).toMatchObject({
        predictions: (asked as { predictions: number[] }).predictions,
      });
    }
    for (const line of ["9007199254740993,true", "1,maybe", "0x10,true", "Infinity,true"])
      expect((await invoke(line)).status).toBe(422);
  });

  it("takes a column that is left out as missing, and refuses one it does not know", async () => {
    const [row] = [rowOf(rng, false)];
    const { note: _note, ...rest } = row!;
    const [without] = await offline([{ ...rest, note: null }]);
    const answer = (await (await online([rest as JsonObject])).json()) as { predictions: number[] };
    expect(answer.predictions[0]).toBe(without);
    const unknown = await online([{ ...rest, notes: "x" } as JsonObject]);
    expect([unknown.status, JSON.stringify(await unknown.json())]).toEqual([
      422,
      expect.stringContaining("unknownColumn") as string,
    ]);
  });
});
