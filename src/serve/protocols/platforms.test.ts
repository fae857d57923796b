// Held to what the platforms document: SageMaker "Use Your Own Inference Code with Hosting Services", Vertex AI "Custom
// container requirements for prediction", the Azure ML inference HTTP server, and MLflow "Local Inference Server Specification".
import { afterEach, describe, expect, it } from "vitest";
import { churnModel, housesModel } from "../../../test/serve/served-models.ts";
import { systemClock } from "../../core/clock.ts";
import { fixedModels } from "../model-source.ts";
import type { ServedModel } from "../model-source.ts";
import { createServer } from "../server.ts";
import type { Server, ServerOptions } from "../server.ts";
import { parseCsv } from "./csv-rows.ts";

let server: Server;
let url: string;
afterEach(() => server?.close());

async function start(
  models: readonly ServedModel[] = [housesModel(1)],
  vertex: ServerOptions["vertex"] = null,
): Promise<void> {
  server = await createServer({ models: fixedModels(models), clock: systemClock, version: "1.2.3", port: 0, vertex });
  ({ url } = await server.listen());
}

async function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<readonly [number, unknown]> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return [response.status, response.headers.get("content-type")!.includes("json") ? JSON.parse(text) : text];
}

const csv = { "content-type": "text/csv" };
const both = [200, { predictions: [1002, 1003.5] }];

describe("SageMaker", () => {
  it("finds 200 at /ping once a model is live", async () => {
    await start();
    expect((await fetch(`${url}/ping`)).status).toBe(200);
    await server.close();
    await start([]);
    expect((await fetch(`${url}/ping`)).status).toBe(503);
  });

  it("sends CSV without a header in the contract's order, or with one in any order", async () => {
    await start();
    expect(await post("/invocations", "2\n3.5\n", csv)).toEqual(both);
    expect(await post("/invocations", "rooms\r\n2\r\n3.5", { "content-type": "text/csv; charset=utf-8" })).toEqual(
      both,
    );
    expect(await post("/invocations", "2\n3.5\n", { ...csv, accept: "text/csv" })).toEqual([200, "1002\n1003.5\n"]);
  });

  it("gets the same from CSV as from JSON, for every kind of column", async () => {
    await start([churnModel()]);
    const row = churnModel().model.parity!.rows[0]!;
    const record = Object.values(row).map((value) => `"${value as string | number | boolean}"`);
    const [status, answer] = await post("/invocations", `${record.join(",")}\n`, csv);
    expect(status).toBe(200);
    expect(answer).toEqual((await post("/invocations", { instances: [row] }))[1]);
    expect(answer).toEqual((await post("/invocations", { instances: [Object.values(row)] }))[1]);
    const names = Object.keys(row).toReversed().join(",");
    expect((await post("/invocations", `${names}\n${record.toReversed().join(",")}`, csv))[1]).toEqual(answer);
  });

  it("gets a label and the probabilities in the order of the labels", async () => {
    const churn = churnModel();
    await start([{ ...churn, model: { ...churn.model, labels: ["10, or more", "2"] } }]);
    const body = { instances: churn.model.parity!.rows };
    const [, text] = await post("/invocations", body, { accept: "text/csv" });
    const [record] = parseCsv(text as string);
    expect(record!.slice(0, 1)).toEqual(["2"]);
    expect(record!.slice(1).map(Number)).toEqual(Array.from(churn.model.parity!.outputs, (p) => expect.closeTo(p, 12)));
  });

  it.each<[string, number, string]>([
    ["another number of values", 400, "1,2\n"],
    ["an open quote", 400, '"1\n'],
    ["text after a quote", 400, '"1"2\n'],
    ["nothing", 400, ""],
    ["a word for a number", 422, "many\n"],
    ["hexadecimal digits", 422, "0x10\n"],
  ])("is told of CSV with %s", async (_, status, body) => {
    await start();
    expect((await post("/invocations", body, csv))[0]).toBe(status);
  });

  it("sends CSV to no other route", async () => {
    await start();
    for (const path of ["/score", "/v1/models/houses/predict", "/v2/models/houses/infer"])
      expect([path, (await post(path, "1\n", csv))[0]]).toEqual([path, 415]);
  });
});

describe("MLflow", () => {
  it.each<[string, unknown]>([
    ["dataframe_split", { columns: ["rooms"], index: [0, 1], data: [[2], [3.5]] }],
    ["dataframe_records", [{ rooms: 2 }, { rooms: 3.5 }]],
    ["instances", [[2], [3.5]]],
    ["inputs", { rooms: [2, 3.5] }],
    ["inputs", [[2], [3.5]]],
  ])("sends %s to /invocations", async (member, value) => {
    await start();
    expect(await post("/invocations", { [member]: value, params: {} })).toEqual(both);
  });

  it("is refused two forms at once, an unknown one, ragged columns and parameters that would be ignored", async () => {
    await start();
    const bodies = [
      { instances: [[1]], inputs: [[1]] },
      { rows: [[1]] },
      { inputs: { rooms: [1, 2], doors: [1] } },
      { dataframe_split: { columns: ["rooms", "rooms"], data: [[1, 2]] } },
      { dataframe_split: { columns: ["rooms"], data: [[1, 2]] } },
      { instances: [[1]], params: { temperature: 1 } },
    ];
    for (const body of bodies) expect([body, (await post("/invocations", body))[0]]).toEqual([body, 400]);
  });

  it("asks for /health and /version", async () => {
    await start();
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(await (await fetch(`${url}/version`)).text()).toBe("1.2.3");
  });
});

describe("Vertex AI", () => {
  const place = "/v1/endpoints/123/deployedModels/456";

  it("chooses the paths, colons included", async () => {
    await start([housesModel(1)], { health: place, predict: `${place}:predict` });
    expect((await fetch(url + place)).status).toBe(200);
    const body = { instances: [{ rooms: 2 }, { rooms: 3.5 }], parameters: {} };
    expect(await post(`${place}:predict`, body)).toEqual(both);
    expect((await post(`${place}/predict`, body))[0]).toBe(404);
    expect((await post(`${place}:predict`, { instances: [{ rooms: -1 }] }))[0]).toBe(422);
  });

  it("may choose paths that are there and mean the same, and no others", async () => {
    await start([housesModel(1)], { health: "/ping", predict: "/invocations" });
    expect(await post("/invocations", { instances: [[2], [3.5]] })).toEqual(both);
    await expect(start([], { health: "/", predict: "/p" })).rejects.toMatchObject({ code: "USAGE" });
    await expect(start([], { health: "/h", predict: "/*" })).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("Azure ML", () => {
  it("sends input_data or data to /score and gets a list", async () => {
    await start();
    const split = { input_data: { columns: ["rooms"], index: [0, 1], data: [[2], [3.5]] } };
    expect(await post("/score", split)).toEqual([200, [1002, 1003.5]]);
    expect(await post("/score", { data: [{ rooms: 2 }, [3.5]] })).toEqual([200, [1002, 1003.5]]);
    expect((await post("/score", { rows: [] }))[0]).toBe(400);
  });
});

it("a path without a model's name needs one live model", async () => {
  await start([housesModel(1), churnModel()]);
  expect(await post("/score", { data: [[1]] })).toMatchObject([400, { code: "MODEL_UNNAMED" }]);
});

it("CSV keeps quotes, commas and line ends inside quotes", () => {
  expect(parseCsv('a,"b ""c"", d",\r\n"x\ny",,z')).toEqual([
    ["a", 'b "c", d', ""],
    ["x\ny", "", "z"],
  ]);
  expect(parseCsv("a,")).toEqual([["a", ""]]);
});
