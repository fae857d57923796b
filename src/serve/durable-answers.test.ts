import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { housesModel } from "../../test/serve/served-models.ts";
import { systemClock } from "../core/clock.ts";
import { fullDisk } from "../monitor/full-disk.fixtures.ts";
import { readPredictionLog } from "../monitor/log-reader.ts";
import { openPredictionLogs } from "../monitor/prediction-logs.ts";
import type { LogMode, PredictionLogs } from "../monitor/prediction-logs.ts";
import { fixedModels } from "./model-source.ts";
import { createServer } from "./server.ts";
import type { Server } from "./server.ts";

let folder: string;
let server: Server;
let log: PredictionLogs;
let url: string;
let isFull = false;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "millrace-durable-"));
  isFull = false;
});
afterEach(async () => {
  await server.close();
  await log.close();
  await rm(folder, { recursive: true, force: true });
});

const create = fullDisk(() => isFull);

async function start(mode: LogMode, flushMs?: number): Promise<void> {
  const more = flushMs === undefined ? {} : { flushMs };
  log = openPredictionLogs(folder, { clock: systemClock, mode, log: { create, ...more } });
  const models = fixedModels([housesModel(1)]);
  server = await createServer({ models, clock: systemClock, version: "1", port: 0, log });
  ({ url } = await server.listen());
}

function ask(target = "/v1/models/houses/predict", rooms = 1): Promise<Response> {
  const body = target.startsWith("/v2")
    ? { inputs: [{ name: "rooms", shape: [1], datatype: "FP64", data: [rooms] }] }
    : { [target === "/invocations" ? "instances" : "rows"]: [{ rooms }] };
  const headers = { "content-type": "application/json" };
  return fetch(url + target, { method: "POST", headers, body: JSON.stringify(body) });
}

const healthOf = async (): Promise<unknown> =>
  ((await (await fetch(`${url}/healthz`)).json()) as { predictionLog: unknown }).predictionLog;

async function logged(): Promise<readonly string[]> {
  const { entries } = await readPredictionLog(folder, "houses", { sinceMs: -Infinity, untilMs: Infinity });
  return entries.map(({ id }) => id);
}

describe("an answer in sync mode", () => {
  it("is on disk before it arrives, under every protocol, whatever else is asked", async () => {
    await start("sync");
    const asked = Array.from({ length: 60 }, async (_, i) => {
      const answer = (await (await ask(undefined, i)).json()) as { predictionIds: readonly string[] };
      expect(await logged()).toContain(answer.predictionIds[0]);
    });
    await Promise.all(asked);
    for (const target of ["/invocations", "/v2/models/houses/infer"]) {
      const before = (await logged()).length;
      expect((await ask(target)).status).toBe(200);
      expect(await logged()).toHaveLength(before + 1);
    }
  });

  it("is refused while the disk is full, and given again once it is not", async () => {
    await start("sync");
    isFull = true;
    for (const target of ["/v1/models/houses/predict", "/invocations", "/v2/models/houses/infer"]) {
      const refused = await ask(target);
      expect([target, refused.status, refused.headers.get("retry-after")]).toEqual([target, 503, "1"]);
      expect(await refused.text()).toContain("LOG_UNWRITABLE");
    }
    expect(await healthOf()).toEqual({
      state: "failing",
      code: "LOG_UNWRITABLE",
      reason: "ENOSPC",
      mode: "sync",
      written: 0,
      dropped: 3,
    });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("millrace_prediction_log_failing 1");
    expect((await fetch(`${url}/v1/models`)).status).toBe(200);
    isFull = false;
    expect((await ask()).status).toBe(200);
    expect(await healthOf()).toMatchObject({ state: "writing", written: 1, dropped: 3 });
    expect(await logged()).toHaveLength(1);
  });

  it("that is a refusal of the contract waits for no disk", async () => {
    await start("sync");
    isFull = true;
    expect((await ask(undefined, -5)).status).toBe(422);
  });
});

describe("an answer in async mode", () => {
  it("is given while the disk is full, and what could not be kept is counted", async () => {
    await start("async", 5);
    isFull = true;
    expect((await ask()).status).toBe(200);
    await expect.poll(healthOf).toMatchObject({ state: "failing", reason: "ENOSPC", mode: "async", dropped: 1 });
    expect((await ask()).status).toBe(200);
    await expect.poll(healthOf).toMatchObject({ dropped: 2 });
    isFull = false;
    expect((await ask()).status).toBe(200);
    await expect.poll(healthOf).toMatchObject({ state: "writing", written: 1, dropped: 2 });
  });
});
