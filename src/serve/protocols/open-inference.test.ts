// Held to the REST specification of the Open Inference Protocol v2 (github.com/kserve/open-inference-protocol).
import { afterEach, describe, expect, it } from "vitest";
import { churnModel, housesModel } from "../../../test/serve/served-models.ts";
import { systemClock } from "../../core/clock.ts";
import { fixedModels } from "../model-source.ts";
import type { ServedModel } from "../model-source.ts";
import { createServer } from "../server.ts";
import type { Server } from "../server.ts";

let server: Server;
let url: string;
afterEach(() => server.close());

async function start(models: readonly ServedModel[] = [housesModel(1), churnModel()]): Promise<void> {
  let ids = 0;
  server = await createServer({
    models: fixedModels(models),
    clock: systemClock,
    version: "1.2.3",
    port: 0,
    createId: () => `id-${++ids}`,
  });
  ({ url } = await server.listen());
}

async function get(path: string): Promise<readonly [number, unknown]> {
  const response = await fetch(url + path);
  return [response.status, await response.json()];
}

async function infer(body: unknown, path = "/v2/models/houses/infer"): Promise<readonly [number, unknown]> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return [response.status, await response.json()];
}

const rooms = { name: "rooms", shape: [2], datatype: "FP64", data: [2, 3.5] };

describe("Open Inference Protocol v2", () => {
  it("tells that the server and a model live and are ready, and what the server is", async () => {
    await start();
    expect(await get("/v2/health/live")).toEqual([200, { live: true }]);
    expect(await get("/v2/health/ready")).toEqual([200, { ready: true }]);
    expect(await get("/v2/models/houses/ready")).toEqual([200, { name: "houses", ready: true }]);
    expect(await get("/v2")).toEqual([200, { name: "millrace", version: "1.2.3", extensions: [] }]);
  });

  it("says with a status of the 400s that no model is there", async () => {
    await start([]);
    expect(await get("/v2/health/live")).toEqual([200, { live: true }]);
    expect(await get("/v2/health/ready")).toEqual([400, { ready: false }]);
    expect(await get("/v2/models/houses")).toMatchObject([404, { error: expect.any(String) }]);
  });

  it("describes tensors by name, datatype and shape", async () => {
    await start();
    const [, churn] = await get("/v2/models/customer-churn/versions/3");
    expect(churn).toMatchObject({
      name: "customer-churn",
      versions: ["3"],
      platform: "millrace",
      inputs: expect.arrayContaining([
        { name: "calls", datatype: "INT64", shape: [-1] },
        { name: "monthly_charge", datatype: "FP64", shape: [-1] },
        { name: "paperless", datatype: "BOOL", shape: [-1] },
        { name: "plan", datatype: "BYTES", shape: [-1] },
      ]),
      outputs: [
        { name: "label", datatype: "BYTES", shape: [-1] },
        { name: "probabilities", datatype: "FP64", shape: [-1, 2] },
        { name: "prediction_id", datatype: "BYTES", shape: [-1] },
      ],
    });
  });

  it("infers from a tensor a column, and gives the request's id back", async () => {
    await start();
    const prediction = { name: "prediction", datatype: "FP64", shape: [2], data: [1002, 1003.5] };
    const answer = {
      model_name: "houses",
      model_version: "1",
      id: "q7",
      outputs: [prediction, { name: "prediction_id", datatype: "BYTES", shape: [2], data: ["id-1", "id-2"] }],
    };
    expect(await infer({ id: "q7", inputs: [rooms] })).toEqual([200, answer]);
    const column = { ...rooms, shape: [2, 1], data: [[2], [3.5]] };
    const body = { inputs: [column], outputs: [{ name: "prediction" }] };
    expect(await infer(body, "/v2/models/houses/versions/1/infer")).toEqual([
      200,
      { model_name: "houses", model_version: "1", outputs: [prediction] },
    ]);
    const matrix = { name: "input-0", shape: [2, 1], datatype: "FP32", data: [2, 3.5] };
    expect(await infer({ inputs: [matrix], outputs: [{ name: "prediction" }] })).toMatchObject([
      200,
      { outputs: [prediction] },
    ]);
  });

  it("answers labels and probabilities, row-major, the same as our own route", async () => {
    await start();
    const row = churnModel().model.parity!.rows[0]!;
    const datatype = (value: unknown): string =>
      typeof value === "boolean" ? "BOOL" : typeof value === "number" ? "FP64" : "BYTES";
    const inputs = Object.entries(row).map(([name, value]) => ({
      name,
      shape: [2],
      datatype: datatype(value),
      data: [value, value],
    }));
    const [status, answer] = await infer({ inputs }, "/v2/models/customer-churn/infer");
    const [, own] = await infer({ rows: [row] }, "/v1/models/customer-churn/predict");
    const { label, probabilities } = (own as { predictions: { label: string; probabilities: object }[] })
      .predictions[0]!;
    const values = Object.values(probabilities) as number[];
    expect(status).toBe(200);
    expect((answer as { outputs: { data: unknown }[] }).outputs.map(({ data }) => data)).toEqual([
      [label, label],
      [...values, ...values],
      ["id-1", "id-2"],
    ]);
  });

  it.each<[string, number, unknown]>([
    ["no inputs", 400, { inputs: [] }],
    ["a shape that does not fit", 400, { inputs: [{ ...rooms, shape: [3] }] }],
    ["an unknown datatype", 400, { inputs: [{ ...rooms, datatype: "FP8" }] }],
    ["a value of another type", 400, { inputs: [{ ...rooms, datatype: "INT64" }] }],
    ["two tensors of one name", 400, { inputs: [rooms, rooms] }],
    ["parameters that would be ignored", 400, { inputs: [rooms], parameters: { threshold: 0.9 } }],
    ["an unknown output", 400, { inputs: [rooms], outputs: [{ name: "nope" }] }],
    ["a value outside the contract", 422, { inputs: [{ ...rooms, data: [1, -1] }] }],
    ["an unknown column", 422, { inputs: [rooms, { ...rooms, name: "doors" }] }],
    ["too many rows", 413, { inputs: [{ ...rooms, shape: [1001], data: Array.from({ length: 1001 }, () => 1) }] }],
  ])("says what is wrong with %s in an error object", async (_, status, body) => {
    await start();
    expect(await infer(body)).toMatchObject([status, { error: expect.stringMatching(/./) }]);
  });

  it("knows only the version that is live", async () => {
    await start();
    expect(await infer({ inputs: [rooms] }, "/v2/models/houses/versions/2/infer")).toMatchObject([
      404,
      { code: "MODEL_NOT_FOUND" },
    ]);
  });
});
