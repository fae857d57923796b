import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { number, timestamp } from "../frame/schema.ts";
import { csv } from "../ingest/source.ts";
import { boosting } from "../train/choice.ts";
import { connect } from "./connect.ts";
import { pipeline } from "./definition.ts";

const schema = { area: number(), sold: timestamp({ missing: 1 }), price: number() };
const houses = pipeline({ name: "houses", data: csv("a.csv"), schema, target: "price", model: boosting() });

interface Asked {
  readonly path: string;
  readonly body: string;
}
interface Answer {
  readonly status?: number;
  readonly body: unknown;
}

let server: Server | undefined;
const asked: Asked[] = [];

async function serve(answer: (asked: Asked) => Answer | undefined): Promise<string> {
  asked.length = 0;
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      asked.push({ path: `${request.method} ${request.url}`, body });
      const answered = answer(asked.at(-1)!);
      if (!answered) return;
      response.writeHead(answered.status ?? 200, { "content-type": "application/json" });
      response.end(typeof answered.body === "string" ? answered.body : JSON.stringify(answered.body));
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

describe("connect", () => {
  it("explains a row: the answer and what each feature added", async () => {
    const explanation = { label: null, base: 3, score: 7, contributions: { area: 4 } };
    let body: unknown = { predictions: [7], explanations: [explanation] };
    const url = await serve(() => ({ body }));
    const client = connect<typeof houses>(url, "houses");
    const explained = await client.explain({ area: 1 });
    const price: number = explained.prediction;
    expect([price, explained.explanation]).toStrictEqual([7, explanation]);
    expect(asked[0]!.body).toBe('{"rows":[{"area":1}],"explain":true}');
    body = { predictions: [7] };
    await expect(client.explain({ area: 1 })).rejects.toThrow(/without one explanation a row/);
  });

  it("predicts one row and many, dates as ISO texts", async () => {
    const url = await serve(() => ({ body: { predictions: [7] } }));
    const client = connect<typeof houses>(`${url}/`, "houses");
    const price: number = await client.predict({ area: 1, sold: new Date(0) });
    expect(price).toBe(7);
    expect(await client.predictMany([{ area: 2 }])).toStrictEqual([7]);
    expect(await client.predictMany([])).toStrictEqual([]);
    expect(asked).toStrictEqual([
      { path: "POST /v1/models/houses/predict", body: '{"rows":[{"area":1,"sold":"1970-01-01T00:00:00.000Z"}]}' },
      { path: "POST /v1/models/houses/predict", body: '{"rows":[{"area":2}]}' },
    ]);
  });

  it("asks once for the name of the only model", async () => {
    const url = await serve(({ path }) =>
      path.startsWith("GET") ? { body: { models: [{ name: "only" }] } } : { body: { predictions: [1] } },
    );
    const client = connect<typeof houses>(url);
    await Promise.all([client.predict({ area: 1 }), client.predict({ area: 1 })]);
    expect(asked.map(({ path }) => path).sort()).toStrictEqual([
      "GET /v1/models",
      "POST /v1/models/only/predict",
      "POST /v1/models/only/predict",
    ]);
  });

  it("wants a name where several models are served, and asks again after a failure", async () => {
    const url = await serve(() => ({ body: { models: [{ name: "a" }, { name: "b" }] } }));
    const client = connect<typeof houses>(url);
    await expect(client.predict({ area: 1 })).rejects.toThrow(/it serves a, b; connect\(url, name\)/);
    await expect(client.predict({ area: 1 })).rejects.toThrow(/it serves a, b/);
    expect(asked).toHaveLength(2);
  });

  it("says what a problem+json answer says", async () => {
    const problem = { code: "REQUEST_INVALID", title: "Unprocessable", detail: '"area" must be at least 0' };
    const url = await serve(() => ({ status: 422, body: problem }));
    await expect(connect<typeof houses>(url, "houses").predict({ area: -1 })).rejects.toMatchObject({
      code: "CLIENT_REFUSED",
      message: expect.stringContaining('answered 422: REQUEST_INVALID: "area" must be at least 0') as string,
    });
  });

  it.each<[string, Answer, RegExp]>([
    ["text that is not JSON", { body: "<html>" }, /not JSON/],
    ["too few predictions", { body: { predictions: [] } }, /one prediction a row/],
    ["an error without a body", { status: 500, body: "" }, /answered 500: Internal Server Error/],
  ])("refuses %s", async (_, answer, message) => {
    const url = await serve(() => answer);
    await expect(connect<typeof houses>(url, "houses").predict({ area: 1 })).rejects.toThrow(message);
  });

  it("gives up after its timeout, and says so where nobody listens", async () => {
    const url = await serve(() => undefined);
    const slow = connect<typeof houses>(url, "houses", { timeout: "30ms" });
    await expect(slow.predict({ area: 1 })).rejects.toThrow(/nothing within 30 ms/);
    const nobody = connect<typeof houses>("http://127.0.0.1:1", "houses");
    await expect(nobody.predict({ area: 1 })).rejects.toThrow(/did not answer/);
  });

  it("escapes the name and refuses what is no address", async () => {
    const url = await serve(() => ({ body: { predictions: [1] } }));
    await connect<typeof houses>(url, "a/../b").predict({ area: 1 });
    expect(asked[0]!.path).toBe("POST /v1/models/a%2F..%2Fb/predict");
    expect(() => connect<typeof houses>("127.0.0.1:4000")).toThrow(/takes the address of a server/);
    expect(() => connect<typeof houses>("file:///etc")).toThrow(/takes the address of a server/);
  });
});
