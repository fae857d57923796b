import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { churnModel, hostileModel, housesModel } from "../../test/serve/served-models.ts";
import { systemClock } from "../core/clock.ts";
import { isMillraceError } from "../core/errors/error.ts";
import { readPredictionLog } from "../monitor/log-reader.ts";
import { openPredictionLogs } from "../monitor/prediction-logs.ts";
import { fixedModels } from "./model-source.ts";
import type { ModelSource, ServedModel } from "./model-source.ts";
import type { ProblemDocument } from "./problem.ts";
import { createServer } from "./server.ts";
import type { Server, ServerOptions } from "./server.ts";

let server: Server;
let url: string;
let faults: unknown[] = [];
let ids = 0;

async function start(given: Partial<ServerOptions> = {}): Promise<void> {
  server = await createServer({
    models: fixedModels([housesModel(1), churnModel(), hostileModel()]),
    clock: systemClock,
    version: "1.2.3",
    port: 0,
    createId: () => `id-${++ids}`,
    onFault: (error) => faults.push(error),
    ...given,
  });
  ({ url } = await server.listen());
}

beforeEach(() => {
  faults = [];
  ids = 0;
});
afterEach(() => server?.close());

function post(target: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url + target, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const houses = "/v1/models/houses/predict";
const churnRow = churnModel().model.parity!.rows[0]!;

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request whose Host and Origin we choose, which fetch does not allow. */
function raw(method: string, target: string, headers: Record<string, string>, agent?: Agent): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url + target, { method, headers, ...(agent ? { agent } : {}) }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (part) => (body += part));
      answer.on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, body }));
    });
    sent.on("error", reject).end(method === "POST" ? '{"rows":[{"rooms":1}]}' : undefined);
  });
}

/** Bytes as they come, for requests that are none. */
function rawBytes(text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding("utf8").on("data", (part) => (answer += part));
    socket.on("close", () => resolve(answer)).on("error", reject);
  });
}

async function problemIn(response: Response): Promise<ProblemDocument> {
  expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const document = (await response.json()) as ProblemDocument;
  expect(document).toMatchObject({ status: response.status, type: `urn:millrace:error:${document.code}` });
  expect(document.remedy).not.toBe("");
  return document;
}

describe("predict", () => {
  it("answers one prediction a row, in order, with an id each", async () => {
    await start();
    const response = await post(houses, { rows: [{ rooms: 2 }, { rooms: 3.5 }] });
    expect([response.status, await response.json()]).toEqual([
      200,
      { model: "houses", version: 1, predictions: [1002, 1003.5], predictionIds: ["id-1", "id-2"] },
    ]);
  });

  it("answers labels with their probabilities", async () => {
    await start();
    const response = await post("/v1/models/customer-churn/predict", { rows: [churnRow] });
    const { predictions } = (await response.json()) as { predictions: unknown[] };
    expect(predictions).toEqual([
      { label: "leaves", probabilities: { stays: expect.closeTo(0.3658, 3), leaves: expect.closeTo(0.6341, 3) } },
    ]);
  });

  it("explains each row where asked: base and contributions make the score", async () => {
    await start();
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
    await start();
    const response = await post(houses, { rows: [{ rooms: 1 }, { rooms: -1 }, { rooms: "2" }, { romos: 2 }, null] });
    const problem = await problemIn(response);
    expect([response.status, problem.code]).toEqual([422, "REQUEST_INVALID"]);
    expect(new Set(problem.issues!.map((issue) => `${issue.row} ${issue.code}`))).toEqual(
      new Set(["1 min", "2 kind", "3 missing", "3 unknownColumn", "4 kind"]),
    );
  });

  it("lists at most 100 issues and counts them all", async () => {
    await start();
    const problem = await problemIn(await post(houses, { rows: Array.from({ length: 700 }, () => ({ rooms: "x" })) }));
    expect(problem.issues).toHaveLength(100);
    expect(problem.detail).toContain("700 places");
  });

  it("treats __proto__ and constructor as columns like any other", async () => {
    await start();
    const strange = await post(houses, '{"rows":[{"rooms":1,"__proto__":{"a":1},"constructor":2}]}');
    const problem = await problemIn(strange);
    expect(problem.issues!.map((issue) => issue.column)).toEqual(["__proto__", "constructor"]);
    const { model } = hostileModel();
    const row = `{"${"__proto__"}":41,${JSON.stringify(model.inputs[0])}:${JSON.stringify(model.inputs[0])}}`;
    const known = await post(`/v1/models/${encodeURIComponent(model.name)}/predict`, `{"rows":[${row}]}`);
    expect(await known.json()).toMatchObject({ predictions: [41] });
    expect("a" in {}).toBe(false);
  });

  it("records what it answered and what it refused", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "millrace-serve-"));
    const log = openPredictionLogs(folder, { clock: systemClock });
    await start({ log });
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

  it("records what was cleaned or made coarser as training keeps it, and nothing of the rest", async () => {
    const served = housesModel(1);
    const columns = served.model.contract.columns.map((column) =>
      column.name === "rooms" ? { ...column, privacy: { generalise: 10 } } : column,
    );
    const folder = await mkdtemp(path.join(tmpdir(), "millrace-serve-"));
    const log = openPredictionLogs(folder, { clock: systemClock });
    await start({ log, models: fixedModels([{ ...served, model: { ...served.model, contract: { columns } } }]) });
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

describe("an error", () => {
  it.each<[string, number, string, () => Promise<Response>]>([
    ["an unknown route", 404, "ROUTE_NOT_FOUND", () => fetch(`${url}/nope?x=1`)],
    ["an unknown method", 404, "ROUTE_NOT_FOUND", () => fetch(url + houses, { method: "DELETE" })],
    ["an unknown model", 404, "MODEL_NOT_FOUND", () => post("/v1/models/house/predict", { rows: [{}] })],
    ["an inherited name", 404, "MODEL_NOT_FOUND", () => fetch(`${url}/v1/models/__proto__`)],
    ["a path that cannot be decoded", 400, "REQUEST_MALFORMED", () => fetch(`${url}/v1/models/%ff`)],
    ["an empty body", 400, "REQUEST_MALFORMED", () => post(houses, "")],
    ["no JSON", 400, "REQUEST_MALFORMED", () => post(houses, "{rows")],
    ["no rows", 400, "REQUEST_MALFORMED", () => post(houses, { row: {} })],
    ["another media type", 415, "MEDIA_TYPE_UNKNOWN", () => post(houses, "a=b", { "content-type": "text/plain" })],
    ["a large body", 413, "REQUEST_TOO_LARGE", () => post(houses, `{"rows":["${"x".repeat(1_100_000)}"]}`)],
    ["many rows", 413, "REQUEST_TOO_LARGE", () => post(houses, { rows: Array.from({ length: 1001 }, () => ({})) })],
    ["a deep body", 413, "REQUEST_TOO_LARGE", () => post(houses, "[".repeat(100_000))],
  ])("for %s is a problem document with %i and %s", async (_, status, code, ask) => {
    await start();
    const response = await ask();
    const problem = await problemIn(response);
    expect([response.status, problem.code]).toEqual([status, code]);
    expect(faults).toEqual([]);
  });

  it("names the nearest model", async () => {
    await start();
    expect((await problemIn(await fetch(`${url}/v1/models/huoses`))).remedy).toBe('Did you mean "houses"?');
  });

  it("for broken HTTP is a problem document, too", async () => {
    await start();
    for (const text of [
      "NONSENSE\r\n\r\n",
      "GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ]) {
      const answer = await rawBytes(text);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('"code":"REQUEST_MALFORMED"');
    }
    const large = await rawBytes(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"y".repeat(20_000)}\r\n\r\n`);
    expect(large).toMatch(/^HTTP\/1\.1 431 /);
  });

  it("of the server itself tells the operator why and the client nothing", async () => {
    const secret = "SELECT * FROM /home/somebody/store.db";
    const broken: ModelSource = {
      list: () => [],
      get() {
        throw new Error(secret);
      },
    };
    await start({ models: broken });
    const response = await post(houses, { rows: [{ rooms: 1 }] });
    const text = await response.text();
    expect([response.status, JSON.parse(text)]).toMatchObject([500, { code: "INTERNAL" }]);
    expect(text).not.toMatch(/SELECT|home|at .*:\d+|node_modules/);
    expect(faults).toMatchObject([{ message: secret }]);
  });
});

describe("limits", () => {
  it("answer 429 with Retry-After when too many requests are open, and recover", async () => {
    await start({ limits: { inFlight: 1 } });
    const { hostname, port } = new URL(url);
    const slow = connect(Number(port), hostname);
    slow.write(
      `POST ${houses} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{`,
    );
    let response: Response;
    do response = await fetch(`${url}/healthz`);
    while (response.status === 200);
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await problemIn(response)).code).toBe("OVERLOADED");
    slow.destroy();
    await expect.poll(async () => (await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("give the place of a request that was cut off to others, though its client keeps its side open", async () => {
    await start({ limits: { inFlight: 1, requestMs: 200 } });
    const { hostname, port } = new URL(url);
    const slow = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    slow.on("data", () => {}).on("error", () => {});
    const head = "host: localhost\r\ncontent-type: application/json\r\ncontent-length: 50";
    slow.write(`POST ${houses} HTTP/1.1\r\n${head}\r\n\r\n{`);
    await expect.poll(async () => (await fetch(`${url}/healthz`)).status).toBe(429);
    const status = async (): Promise<number> => (await fetch(`${url}/healthz`)).status;
    await expect.poll(status, { timeout: 10_000 }).toBe(200);
    slow.destroy();
  });

  it("cut off a request that does not arrive", async () => {
    await start({ limits: { requestMs: 200, headersMs: 100 } });
    const answer = await rawBytes("POST /v1/models/houses/predict HTTP/1.1\r\nhost: localhost\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain("REQUEST_TIMEOUT");
  });
});

describe("every route", () => {
  const known = [
    "POST /v1/models/:name/predict",
    "POST /v1/feedback",
    "POST /v1/models/:name/batch",
    "GET /v1/models",
    "GET /v1/models/:name",
    "GET /openapi.json",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /assets/app.css",
    "GET /assets/docs.js",
    "GET /assets/try.js",
    "GET /assets/icon.svg",
    "GET /",
    "GET /docs",
    "GET /models/:name/try",
    "GET /models/:name/card",
    "GET /v1/models/:name/card",
    "GET /v2",
    "GET /v2/health/live",
    "GET /v2/health/ready",
    "GET /v2/models/:name",
    "GET /v2/models/:name/ready",
    "POST /v2/models/:name/infer",
    "GET /v2/models/:name/versions/:version",
    "GET /v2/models/:name/versions/:version/ready",
    "POST /v2/models/:name/versions/:version/infer",
    "GET /ping",
    "GET /health",
    "GET /version",
    "POST /invocations",
    "POST /score",
  ];
  const pathOf = (route: string): string => route.split(" ")[1]!.replace(":name", "houses").replace(":version", "1");

  it("is one of those this file knows", async () => {
    await start();
    expect(
      server
        .routes()
        .filter((route) => !route.startsWith("HEAD "))
        .sort(),
    ).toEqual([...known].sort());
  });

  it("refuses a foreign Host and a foreign Origin", async () => {
    await start();
    const headers = { "content-type": "application/json" };
    for (const route of [...known, "GET /nope"]) {
      const method = route.split(" ")[0]!;
      for (const host of ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1"]) {
        const answer = await raw(method, pathOf(route), { ...headers, host });
        expect([route, host, answer.status]).toEqual([route, host, 421]);
        expect(answer.body).toContain("HOST_REFUSED");
      }
      for (const origin of ["http://evil.example", "null", "file://", "http://localhost.evil.example:80"])
        expect([route, origin, (await raw(method, pathOf(route), { ...headers, origin })).status]).toEqual([
          route,
          origin,
          421,
        ]);
      expect([200, 302, 400, 404, 415, 503]).toContain(
        (await raw(method, pathOf(route), { ...headers, origin: url })).status,
      );
    }
  });

  it("sends the security headers, with errors too", async () => {
    await start();
    for (const route of [...known, "GET /nope"]) {
      const { headers } = await raw(route.split(" ")[0]!, pathOf(route), { "content-type": "application/json" });
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
      expect(headers["content-security-policy"]).toContain("default-src 'self'");
      expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  it("is open to a name that was allowed", async () => {
    await start({ allowedHosts: ["models.example.org"] });
    expect((await raw("GET", "/readyz", { host: "models.example.org" })).status).toBe(200);
  });
});

describe("pages", () => {
  it("hold nothing but text of what came from outside", async () => {
    await start();
    const { name } = hostileModel().model;
    for (const target of ["/docs", `/models/${encodeURIComponent(name)}/try`]) {
      const text = await (await fetch(url + target)).text();
      expect(text).toContain("&lt;script&gt;alert(2)");
      expect(text).not.toMatch(/<(img src=x|script>|svg onload)/);
      expect(text.replace(/"[^"]*"/g, '""')).not.toMatch(/<[^>]*\s(style|on\w+)=/);
      expect(text.match(/<script/g)).toEqual(["<script"]);
    }
  });

  it("lead from / to the documentation", async () => {
    await start();
    const response = await fetch(url, { redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([302, "/docs"]);
  });
});

describe("the state of the server", () => {
  it("lists and describes models, without what only the owner should know", async () => {
    await start();
    const list = (await (await fetch(`${url}/v1/models`)).json()) as { models: { name: string }[] };
    expect(list.models.map(({ name }) => name)).toEqual(["customer-churn", "houses", hostileModel().model.name]);
    const text = await (await fetch(`${url}/v1/models/customer-churn`)).text();
    expect(JSON.parse(text)).toMatchObject({
      version: 3,
      threshold: 0.4,
      labels: ["stays", "leaves"],
      metrics: { auc: 0.8412 },
    });
    expect((JSON.parse(text) as { contract: { columns: unknown[] } }).contract.columns).toHaveLength(8);
    expect(text).not.toContain("secret");
  });

  it("is ready only with a model", async () => {
    let models: readonly ServedModel[] = [];
    await start({ models: { list: () => models, get: () => undefined } });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await problemIn(await fetch(`${url}/readyz`))).code).toBe("NOT_READY");
    models = [housesModel(1)];
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it("counts what happens", async () => {
    await start();
    await post(houses, { rows: [{ rooms: 2 }, { rooms: 3 }] });
    await post(houses, { rows: [{ rooms: -2 }] });
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('millrace_predictions_total{model="houses",version="1"} 2');
    expect(text).toContain('millrace_rejected_rows_total{model="houses",version="1"} 1');
    expect(text).toContain('millrace_requests_total{route="/v1/models/:name/predict",method="POST",status="422"} 1');
    expect(text).toContain('millrace_model_version{model="houses"} 1');
    expect(text).toContain("millrace_prediction_log_dropped 0");
  });
});

describe("listening", () => {
  it("refuses addresses that are not loopback", async () => {
    for (const host of ["0.0.0.0", "::", "192.168.0.1"])
      await expect(start({ host })).rejects.toSatisfy(
        (error) => isMillraceError(error) && error.code === "ADDRESS_REFUSED",
      );
  });

  it("says that a port is taken", async () => {
    await start();
    const second = await createServer({
      models: fixedModels([]),
      clock: systemClock,
      version: "1",
      port: Number(new URL(url).port),
    });
    await expect(second.listen()).rejects.toMatchObject({ code: "PORT_TAKEN" });
    await second.close();
  });
});

describe("a swap under load", () => {
  it("fails no request, and every answer is of one version", async () => {
    let current = housesModel(1);
    const listeners = new Set<(served: ServedModel) => void>();
    const models: ModelSource = {
      list: () => [current],
      get: (name) => (name === "houses" ? current : undefined),
      onChange(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    await start({ models });
    let version = 1;
    const swapping = setInterval(() => {
      current = housesModel((version = version === 9 ? 1 : version + 1));
      for (const listener of listeners) listener(current);
    }, 1);
    const seen = new Set<number>();
    const ask = async (): Promise<void> => {
      const response = await post(houses, { rows: [{ rooms: 1 }, { rooms: 2 }, { rooms: 3 }] });
      expect(response.status).toBe(200);
      const answer = (await response.json()) as { version: number; predictions: number[] };
      expect(answer.predictions).toEqual([1, 2, 3].map((rooms) => 1000 * answer.version + rooms));
      seen.add(answer.version);
    };
    for (let round = 0; round < 25; ++round) await Promise.all(Array.from({ length: 20 }, ask));
    clearInterval(swapping);
    expect(seen.size).toBeGreaterThan(3);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/millrace_model_swaps_total\{model="houses"\} \d+/);
  });
});

describe("closing", () => {
  it("answers what is open, says Connection: close, and takes nothing more", async () => {
    await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await raw("GET", "/readyz", {}, agent)).headers.connection).toBe("keep-alive");
    const { hostname, port } = new URL(url);
    const head = `POST ${houses} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 22\r\n\r\n`;
    const open = connect(Number(port), hostname);
    let answer = "";
    open.setEncoding("utf8").on("data", (part) => (answer += part));
    open.write(`${head}{"rows":[`);
    await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toContain("millrace_requests_in_flight 2");
    const closed = server.close();
    open.write('{"rooms":5}]}');
    await new Promise((resolve) => open.on("close", resolve));
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer.toLowerCase()).toContain("connection: close");
    expect(answer).toContain('"predictions":[1005]');
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    agent.destroy();
  });

  it("gives up on requests that do not end", async () => {
    await start({ limits: { drainMs: 50 } });
    const { hostname, port } = new URL(url);
    const open = connect(Number(port), hostname).on("error", () => {});
    open.write(
      `POST ${houses} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 22\r\n\r\n`,
    );
    await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toContain("millrace_requests_in_flight 2");
    await server.close();
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });
});
