import { once } from "node:events";
import fs from "node:fs";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { churnModel, housesModel } from "../../../test/serve/served-models.ts";
import { systemClock } from "../../core/clock.ts";
import { openPredictionLogs, type PredictionLogs } from "../../monitor/prediction-logs.ts";
import { fixedModels } from "../model-source.ts";
import { createServer, type Server } from "../server.ts";
import { openOtlpExporter } from "./otlp-exporter.ts";
import { parseTraceparent } from "./trace-context.ts";
import { createTracing, type SpanSink } from "./tracing.ts";

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, string> }[];
  readonly status: { readonly code?: number };
}

/** A collector on a loopback address, which takes what comes or, once told to, refuses it. */
let collector: HttpServer;
let status = 200;
let received: { headers: Record<string, unknown>; resource: unknown; spans: SentSpan[] }[] = [];
let exporter: SpanSink;
let server: Server;
let url: string;
let faults: string[];
let folder: string;

beforeEach(async () => {
  [status, received, faults] = [200, [], []];
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-tracing-"));
  collector = createHttpServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { resourceSpans } = JSON.parse(Buffer.concat(parts).toString()) as {
        resourceSpans: [{ resource: unknown; scopeSpans: [{ spans: SentSpan[] }] }];
      };
      const [{ resource, scopeSpans }] = resourceSpans;
      if (status === 200) received.push({ headers: request.headers, resource, spans: scopeSpans[0].spans });
      response.writeHead(status, { "content-type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  exporter = openOtlpExporter({
    url: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`,
    headers: { "x-key": "k" },
    service: "shop",
    version: "1",
    everyMs: 20,
    onFault: (reason) => faults.push(reason),
  });
});
afterEach(async () => {
  await server.close();
  await exporter.close();
  collector.close();
  fs.rmSync(folder, { recursive: true });
});

async function start(share = 1, log: PredictionLogs | null = null): Promise<void> {
  const tracing = createTracing(exporter, systemClock, share);
  const models = fixedModels([housesModel(1), churnModel()]);
  server = await createServer({ models, clock: systemClock, version: "1", port: 0, tracing, log });
  ({ url } = await server.listen());
}

const ask = (headers: Record<string, string> = {}, name = "houses"): Promise<Response> =>
  fetch(`${url}/v1/models/${name}/predict`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: '{"rows":[{"rooms":1},{"rooms":2}]}',
  });

const all = (): SentSpan[] => received.flatMap((one) => one.spans);
const spans = (): SentSpan[] => all().filter(({ kind }) => kind === 2);
const partsOf = ({ spanId }: SentSpan): SentSpan[] => all().filter((one) => one.parentSpanId === spanId);
const attributes = (span: SentSpan): unknown =>
  Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

it("continues the trace of who asks, and tells a collector what was answered by which version", async () => {
  await start();
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const before = BigInt(systemClock.now());
  const answer = await ask({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
  await expect.poll(spans).toHaveLength(1);
  const [span] = spans();
  expect(span).toMatchObject({ traceId, parentSpanId: "00f067aa0ba902b7", kind: 2, status: {} });
  expect(parseTraceparent(answer.headers.get("traceresponse")!)).toEqual({
    traceId,
    spanId: span!.spanId,
    isSampled: true,
  });
  expect(span!.name).toBe("POST /v1/models/:name/predict");
  expect(attributes(span!)).toEqual({
    "http.request.method": "POST",
    "http.route": "/v1/models/:name/predict",
    "http.response.status_code": "200",
    "millrace.model.name": "houses",
    "millrace.model.version": "1",
    "millrace.rows": "2",
  });
  expect(BigInt(span!.startTimeUnixNano) / 1_000_000n).toBeGreaterThanOrEqual(before);
  expect(BigInt(span!.endTimeUnixNano)).toBeGreaterThan(BigInt(span!.startTimeUnixNano));
  expect(received[0]).toMatchObject({
    headers: { "x-key": "k", "content-type": "application/json" },
    resource: { attributes: [{ key: "service.name", value: { stringValue: "shop" } }, {}] },
  });
});

it("hands over a request before its parts, so that none is kept without its parent where no more are taken", async () => {
  const names: string[] = [];
  const sink: SpanSink = { add: ({ name }) => names.push(name), close: async () => {} };
  server = await createServer({
    models: fixedModels([housesModel(1)]),
    clock: systemClock,
    version: "1",
    port: 0,
    tracing: createTracing(sink, systemClock, 1),
  });
  ({ url } = await server.listen());
  await (await ask()).text();
  await expect.poll(() => names.length).toBeGreaterThan(1);
  expect(names[0]).toBe("POST /v1/models/:name/predict");
});

it("begins a trace of its own where nobody did, and keeps none that its beginner did not want kept", async () => {
  await start();
  await ask({ traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00" });
  const { status: refused } = await ask({}, "nothing");
  expect(refused).toBe(404);
  await expect.poll(spans).toHaveLength(1);
  expect(spans()[0]).not.toHaveProperty("parentSpanId");
  expect(attributes(spans()[0]!)).toMatchObject({ "http.response.status_code": "404" });
});

it("tells version and rows of a named version, of a batch, and of a request that is refused", async () => {
  await start();
  const post = async (path: string, type: string, body: string): Promise<number> => {
    const answer = await fetch(`${url}${path}`, { method: "POST", headers: { "content-type": type }, body });
    await answer.text();
    return answer.status;
  };
  const infer = '{"inputs":[{"name":"rooms","shape":[2],"datatype":"FP64","data":[1,2]}]}';
  expect(await post("/v2/models/houses/versions/1/infer", "application/json", infer)).toBe(200);
  const lines = '{"rooms":1}\n{"rooms":"many"}\n{"rooms":3}\n';
  expect(await post("/v1/models/houses/batch", "application/x-ndjson", lines)).toBe(200);
  expect(await post("/v1/models/houses/predict", "application/json", '{"rows":[{"rooms":"many"}]}')).toBe(422);
  await expect.poll(spans).toHaveLength(3);
  const versions = spans().map(attributes) as Record<string, string>[];
  expect(versions.map((one) => one["millrace.model.version"])).toEqual(["1", "1", "1"]);
  expect(versions.map((one) => one["millrace.rows"])).toEqual(["2", "2", "0"]);
});

it.each(["async", "sync"] as const)(
  "tells the parts of a request with the log in mode %s, as its children",
  async (mode) => {
    const logs = openPredictionLogs(folder, { clock: systemClock, mode });
    await start(1, logs);
    expect((await ask()).status).toBe(200);
    await expect.poll(spans).toHaveLength(1);
    await logs.close();
    const [span] = spans();
    const parts = partsOf(span!);
    expect(parts.map(({ name }) => name)).toEqual([
      "decode",
      "validate",
      "predict",
      "log",
      ...(mode === "sync" ? ["log to disk"] : []),
    ]);
    expect(new Set([span!, ...parts].map(({ spanId }) => spanId)).size).toBe(parts.length + 1);
    const times = parts.flatMap((part) => [part.startTimeUnixNano, part.endTimeUnixNano]).map(BigInt);
    const inOrder = [BigInt(span!.startTimeUnixNano), ...times, BigInt(span!.endTimeUnixNano)];
    expect(inOrder).toEqual([...inOrder].sort((a, b) => Number(a - b)));
    for (const part of parts) expect(part).toMatchObject({ traceId: span!.traceId, kind: 1, status: {} });
    expect(parts.map(attributes)).toEqual(
      parts.map(({ name }) =>
        name === "predict"
          ? { "millrace.model.name": "houses", "millrace.model.version": "1", "millrace.rows": "2" }
          : {},
      ),
    );
  },
);

it("tells no part that a refused request did not come to", async () => {
  await start();
  for (const body of ['{"rows":', '{"rows":[{"rooms":"many"}]}'])
    await fetch(`${url}/v1/models/houses/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
  await expect.poll(spans).toHaveLength(2);
  expect(spans().map((span) => partsOf(span).map(({ name }) => name))).toEqual([["decode"], ["decode", "validate"]]);
});

it("names the span by its method, without a route and without the path, where no route matches", async () => {
  await start();
  expect((await fetch(`${url}/nowhere/secret`)).status).toBe(404);
  await expect.poll(spans).toHaveLength(1);
  expect(spans()[0]!.name).toBe("GET");
  expect(attributes(spans()[0]!)).toEqual({ "http.request.method": "GET", "http.response.status_code": "404" });
});

it("keeps the share it is told of the traces that begin here", async () => {
  await start(0);
  const answer = await ask();
  expect(answer.headers.get("traceresponse")).toMatch(/-00$/);
  await exporter.close();
  expect(all()).toEqual([]);
});

it("answers though no collector takes the spans, says so once, and goes on once one does", async () => {
  await start();
  status = 503;
  for (let i = 0; i < 3; ++i) {
    expect((await ask()).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  await expect.poll(() => faults).toEqual([expect.stringMatching(/takes no spans: status 503/)]);
  status = 200;
  await ask();
  await expect.poll(spans).toHaveLength(1);
});
