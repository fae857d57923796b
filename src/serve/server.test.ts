import { Agent } from "node:http";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { housesModel } from "../../test/serve/served-models.ts";
import { systemClock } from "../core/clock.ts";
import { isMillraceError } from "../core/errors/error.ts";
import { fixedModels } from "./model-source.ts";
import type { ModelSource, ServedModel } from "./model-source.ts";
import { createServer } from "./server.ts";
import { houses, startServer } from "../../test/serve/listening-server.ts";

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
    "GET /runs",
    "GET /runs/:run",
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
  const pathOf = (route: string): string =>
    route.split(" ")[1]!.replace(":name", "houses").replace(":version", "1").replace(":run", "houses");

  it("is one of those this file knows", async () => {
    const { server } = await startServer();
    expect(
      server
        .routes()
        .filter((route) => !route.startsWith("HEAD "))
        .sort(),
    ).toEqual([...known].sort());
  });

  it("refuses a foreign Host and a foreign Origin", async () => {
    const { url, raw } = await startServer();
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

  it("sends the security headers and no cookie, with errors too", async () => {
    const { raw } = await startServer();
    for (const route of [...known, "GET /nope"]) {
      const { headers } = await raw(route.split(" ")[0]!, pathOf(route), { "content-type": "application/json" });
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
      expect(headers["content-security-policy"]).toContain("default-src 'self'");
      expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
      expect(headers["access-control-allow-origin"]).toBeUndefined();
      expect(headers["set-cookie"]).toBeUndefined();
    }
  });

  it("is open to a name that was allowed", async () => {
    const { raw } = await startServer({ allowedHosts: ["models.example.org"] });
    expect((await raw("GET", "/readyz", { host: "models.example.org" })).status).toBe(200);
  });
});

describe("listening", () => {
  it("refuses addresses that are not loopback", async () => {
    for (const host of ["0.0.0.0", "::", "192.168.0.1"])
      await expect(startServer({ host })).rejects.toSatisfy(
        (error) => isMillraceError(error) && error.code === "ADDRESS_REFUSED",
      );
  });

  it("says that a port is taken", async () => {
    const { url } = await startServer();
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
    const { url, post } = await startServer({ models });
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
    const { server, url, raw } = await startServer();
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

  it("waits no longer than for the last byte of an answer that had begun", async () => {
    const { server, url } = await startServer({ limits: { drainMs: 60_000 } });
    const { hostname, port } = new URL(url);
    const open = connect(Number(port), hostname);
    let answer = "";
    open.setEncoding("utf8").on("data", (part) => (answer += part));
    const head = "host: localhost\r\ncontent-type: application/x-ndjson\r\ncontent-length: 23";
    open.write(`POST /v1/models/houses/batch HTTP/1.1\r\n${head}\r\n\r\n{"rooms":5}\n`);
    await expect.poll(() => answer).toContain('"prediction":1005');
    expect(answer).toContain("Connection: keep-alive");
    let isClosed = false;
    const closing = server.close().then(() => (isClosed = true));
    open.write('{"rooms":6}');
    await expect.poll(() => answer).toContain('"done"');
    await expect.poll(() => isClosed, { timeout: 45_000 }).toBe(true);
    await closing;
  });

  it("gives up on requests that do not end", async () => {
    const { server, url } = await startServer({ limits: { drainMs: 50 } });
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
