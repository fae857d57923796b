import { describe, expect, it } from "vitest";
import type { ModelSource } from "./model-source.ts";
import { houses, problemIn, startServer, type TestServer } from "../../test/serve/listening-server.ts";

describe("an error", () => {
  it.each<[string, number, string, (of: TestServer) => Promise<Response>]>([
    ["an unknown route", 404, "ROUTE_NOT_FOUND", ({ url }) => fetch(`${url}/nope?x=1`)],
    ["an unknown method", 404, "ROUTE_NOT_FOUND", ({ url }) => fetch(url + houses, { method: "DELETE" })],
    ["an unknown model", 404, "MODEL_NOT_FOUND", ({ post }) => post("/v1/models/house/predict", { rows: [{}] })],
    ["an inherited name", 404, "MODEL_NOT_FOUND", ({ url }) => fetch(`${url}/v1/models/__proto__`)],
    ["a path that cannot be decoded", 400, "REQUEST_MALFORMED", ({ url }) => fetch(`${url}/v1/models/%ff`)],
    ["an empty body", 400, "REQUEST_MALFORMED", ({ post }) => post(houses, "")],
    ["no JSON", 400, "REQUEST_MALFORMED", ({ post }) => post(houses, "{rows")],
    ["no rows", 400, "REQUEST_MALFORMED", ({ post }) => post(houses, { row: {} })],
    [
      "another media type",
      415,
      "MEDIA_TYPE_UNKNOWN",
      ({ post }) => post(houses, "a=b", { "content-type": "text/plain" }),
    ],
    ["a large body", 413, "REQUEST_TOO_LARGE", ({ post }) => post(houses, `{"rows":["${"x".repeat(1_100_000)}"]}`)],
    [
      "many rows",
      413,
      "REQUEST_TOO_LARGE",
      ({ post }) => post(houses, { rows: Array.from({ length: 1001 }, () => ({})) }),
    ],
    ["a deep body", 413, "REQUEST_TOO_LARGE", ({ post }) => post(houses, "[".repeat(100_000))],
  ])("for %s is a problem document with %i and %s", async (_, status, code, ask) => {
    const server = await startServer();
    const response = await ask(server);
    const problem = await problemIn(response);
    expect([response.status, problem.code]).toEqual([status, code]);
    expect(server.faults).toEqual([]);
  });

  it("names the nearest model", async () => {
    const { url } = await startServer();
    expect((await problemIn(await fetch(`${url}/v1/models/huoses`))).remedy).toBe('Did you mean "houses"?');
  });

  it("for broken HTTP is a problem document, too", async () => {
    const { rawBytes } = await startServer();
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
    const { faults, post } = await startServer({ models: broken });
    const response = await post(houses, { rows: [{ rooms: 1 }] });
    const text = await response.text();
    expect([response.status, JSON.parse(text)]).toMatchObject([500, { code: "INTERNAL" }]);
    expect(text).not.toMatch(/SELECT|home|at .*:\d+|node_modules/);
    expect(faults).toMatchObject([{ message: secret }]);
  });
});
