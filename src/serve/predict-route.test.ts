import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { churnModel, hostileModel, housesModel } from "../../test/serve/served-models.ts";
import { systemClock } from "../core/clock.ts";
import { readPredictionLog } from "../monitor/log-reader.ts";
import { openPredictionLogs } from "../monitor/prediction-logs.ts";
import { listSegments, segmentFolder } from "../monitor/segments.ts";
import { fixedModels } from "./model-source.ts";
import { houses, problemIn, startServer } from "../../test/serve/listening-server.ts";

const churnRow = churnModel().model.parity!.rows[0]!;

describe("predict", () => {
  it("answers one prediction a row, in order, with an id each", async () => {
    const { post } = await startServer();
    const response = await post(houses, { rows: [{ rooms: 2 }, { rooms: 3.5 }] });
    expect([response.status, await response.json()]).toEqual([
      200,
      { model: "houses", version: 1, predictions: [1002, 1003.5], predictionIds: ["id-1", "id-2"] },
    ]);
  });

  it("answers labels with their probabilities", async () => {
    const { post } = await startServer();
    const response = await post("/v1/models/customer-churn/predict", { rows: [churnRow] });
    const { predictions } = (await response.json()) as { predictions: unknown[] };
    expect(predictions).toEqual([
      { label: "leaves", probabilities: { stays: expect.closeTo(0.3658, 3), leaves: expect.closeTo(0.6341, 3) } },
    ]);
  });

  it("explains each row where asked: base and contributions make the score", async () => {
    const { post } = await startServer();
    const response = await post(houses, { rows: [{ rooms: 2 }, { rooms: 3.5 }], explain: true });
    expect(await response.json()).toMatchObject({
      predictions: [1002, 1003.5],
      explanations: [
        { label: null, base: 1000, score: 1002, contributions: { rooms: 2 } },
        { label: null, base: 1000, score: 1003.5, contributions: { rooms: 3.5 } },
      ],
    });
    const churn = await post("/v1/models/customer-churn/predict", { rows: [churnRow], explain: true });
    const { explanations } = (await churn.json()) as { explanations: { label: unknown }[] };
    expect(explanations).toHaveLength(1);
    expect(explanations[0]!.label).not.toBeNull();
  });

  it("predicts nothing where one row breaks the contract, and lists every issue", async () => {
    const { post } = await startServer();
    const response = await post(houses, { rows: [{ rooms: 1 }, { rooms: -1 }, { rooms: "2" }, { romos: 2 }, null] });
    const problem = await problemIn(response);
    expect([response.status, problem.code]).toEqual([422, "REQUEST_INVALID"]);
    expect(new Set(problem.issues!.map((issue) => `${issue.row} ${issue.code}`))).toEqual(
      new Set(["1 min", "2 kind", "3 missing", "3 unknownColumn", "4 kind"]),
    );
  });

  it("answers what breaks a rule of a column that only warns, says so, and counts it", async () => {
    const served = housesModel(1);
    const columns = served.model.contract.columns.map((one) => ({ ...one, onViolation: "warn" }) as const);
    const models = fixedModels([{ ...served, model: { ...served.model, contract: { columns } } }]);
    const { post, url } = await startServer({ models });
    const answered = await post(houses, { rows: [{ rooms: 1 }, { rooms: -1 }, { rooms: 101 }] });
    expect([answered.status, await answered.json()]).toEqual([
      200,
      {
        model: "houses",
        version: 1,
        predictions: [1001, 999, 1101],
        predictionIds: ["id-1", "id-2", "id-3"],
        warnings: [
          { code: "min", column: "rooms", row: 1, expected: "at least 0", actual: "-1" },
          { code: "max", column: "rooms", row: 2, expected: "at most 100", actual: "101" },
        ],
      },
    ]);
    expect((await post(houses, { rows: [{ rooms: "-1" }] })).status).toBe(422);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('millrace_warned_values_total{model="houses",version="1"} 2');
  });

  it("lists at most 100 issues and counts them all", async () => {
    const { post } = await startServer();
    const problem = await problemIn(await post(houses, { rows: Array.from({ length: 700 }, () => ({ rooms: "x" })) }));
    expect(problem.issues).toHaveLength(100);
    expect(problem.detail).toContain("700 places");
  });

  it("treats __proto__ and constructor as columns like any other", async () => {
    const { post } = await startServer();
    const strange = await post(houses, '{"rows":[{"rooms":1,"__proto__":{"a":1},"constructor":2}]}');
    const problem = await problemIn(strange);
    expect(problem.issues!.map((issue) => issue.column)).toEqual(["__proto__", "constructor"]);
    const { model } = hostileModel();
    const row = `{"__proto__":41,${JSON.stringify(model.inputs[0])}:${JSON.stringify(model.inputs[0])}}`;
    const known = await post(`/v1/models/${encodeURIComponent(model.name)}/predict`, `{"rows":[${row}]}`);
    expect(await known.json()).toMatchObject({ predictions: [41] });
    expect("a" in {}).toBe(false);
  });

  it("records what it answered and what it refused", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "millrace-serve-"));
    const log = openPredictionLogs(folder, { clock: systemClock });
    const { server, post } = await startServer({ log });
    await post(houses, { rows: [{ rooms: 2 }, { rooms: 3 }] });
    await post(houses, { rows: [{ rooms: -2 }, { rooms: 3 }, {}] });
    await server.close();
    await log.close();
    const read = await readPredictionLog(folder, "houses", { sinceMs: -Infinity, untilMs: Infinity });
    expect(read.entries).toMatchObject([
      { id: "id-1", version: 1, inputs: { rooms: 2 }, output: 1002 },
      { id: "id-2", version: 1, inputs: { rooms: 3 }, output: 1003 },
    ]);
    expect(read.rejected).toEqual({
      count: 2,
      codes: new Map([
        ["min", 1],
        ["missing", 1],
      ]),
    });
    await rm(folder, { recursive: true });
  });

  it("records one row as the request holds it, and as what it was read where its text is none of the log's", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "millrace-serve-"));
    const log = openPredictionLogs(folder, { clock: systemClock });
    const { server, post } = await startServer({ log });
    const bodies = ['{"rows":[{"rooms": 2.50}]}', '{"rows":[{"rooms":1,"rooms":3}]}', '{"rows":[{"rooms":\n4}]}'];
    for (const body of bodies) expect((await post(houses, body)).status).toBe(200);
    await server.close();
    await log.close();
    const [segment] = await listSegments(segmentFolder(folder, "houses"));
    const lines = (await readFile(segment!.path, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => /"inputs":(.*),"output"/.exec(line)![1])).toEqual([
      '{"rooms": 2.50}',
      '{"rooms":3}',
      '{"rooms":4}',
    ]);
    await rm(folder, { recursive: true });
  });

  it("records what was cleaned or made coarser as training keeps it, and nothing of the rest", async () => {
    const served = housesModel(1);
    const columns = served.model.contract.columns.map((column) =>
      column.name === "rooms" ? { ...column, privacy: { generalise: 10 } } : column,
    );
    const folder = await mkdtemp(path.join(tmpdir(), "millrace-serve-"));
    const log = openPredictionLogs(folder, { clock: systemClock });
    const { server, post } = await startServer({
      log,
      models: fixedModels([{ ...served, model: { ...served.model, contract: { columns } } }]),
    });
    expect(await (await post(houses, { rows: [{ rooms: 27 }], explain: true })).json()).toMatchObject({
      predictions: [1020],
    });
    await post(houses, { rows: [{ rooms: 31 }] });
    await server.close();
    await log.close();
    const { entries } = await readPredictionLog(folder, "houses", { sinceMs: -Infinity, untilMs: Infinity });
    expect(entries.map(({ inputs }) => inputs)).toEqual([{ rooms: 20 }, { rooms: 30 }]);
    await rm(folder, { recursive: true });
  });
});
