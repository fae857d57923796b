import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { houses, problemIn, startServer } from "../../test/serve/listening-server.ts";

const bodyHead = "host: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 22";

describe("limits", () => {
  it("answer 429 with Retry-After when too many requests are open, but never to probes, and recover", async () => {
    const { url } = await startServer({ limits: { inFlight: 1 } });
    const { hostname, port } = new URL(url);
    const slow = connect(Number(port), hostname);
    slow.write(
      `POST ${houses} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{`,
    );
    let response: Response;
    do response = await fetch(`${url}/v1/models`);
    while (response.status === 200);
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await problemIn(response)).code).toBe("OVERLOADED");
    for (const probe of ["healthz", "readyz", "v2/health/live", "ping"])
      expect([probe, (await fetch(`${url}/${probe}`)).status]).toEqual([probe, 200]);
    slow.destroy();
    await expect.poll(async () => (await fetch(`${url}/v1/models`)).status).toBe(200);
  });

  it("give the place of a request that was cut off to others, though its client keeps its side open", async () => {
    const { url } = await startServer({ limits: { inFlight: 1, requestMs: 200 } });
    const { hostname, port } = new URL(url);
    const slow = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    slow.on("data", () => {}).on("error", () => {});
    const head = "host: localhost\r\ncontent-type: application/json\r\ncontent-length: 50";
    slow.write(`POST ${houses} HTTP/1.1\r\n${head}\r\n\r\n{`);
    const status = async (): Promise<number> => (await fetch(`${url}/v1/models`)).status;
    await expect.poll(status).toBe(429);
    await expect.poll(status).toBe(200);
    slow.destroy();
  });

  it("cut off a request that does not arrive", async () => {
    const { rawBytes } = await startServer({ limits: { requestMs: 200, headersMs: 100 } });
    const answer = await rawBytes("POST /v1/models/houses/predict HTTP/1.1\r\nhost: localhost\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain("REQUEST_TIMEOUT");
  });

  it.each([
    ["headers", "GET /readyz HTTP/1.1\r\nhost: localhost\r\n", "connection: close\r\n\r\n"],
    ["body", `POST ${houses} HTTP/1.1\r\n${bodyHead}\r\n\r\n{"rows":`, '[{"rooms":1}]}'],
  ])("answer a request whose %s came in time and lay unread while the process was busy", async (_, begin, end) => {
    const { url } = await startServer({ limits: { headersMs: 300, requestMs: 1000 } });
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let answer = "";
    socket.setEncoding("utf8").on("data", (part) => (answer += part));
    socket.write(begin);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // After the turn's reading: what is due by time then comes first, and reading after it.
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(end);
    const start = performance.now();
    while (performance.now() < start + 2500);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});
