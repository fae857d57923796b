import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
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
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

let server: Server | undefined;
const asked: Asked[] = [];
let headers: IncomingHttpHeaders[] = [];

async function serve(answer: (asked: Asked) => Answer | undefined): Promise<string> {
  asked.length = 0;
  headers = [];
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      headers.push(request.headers);
      asked.push({ path: `${request.method} ${request.url}`, body });
      const answered = answer(asked.at(-1)!);
      if (!answered) return;
      response.writeHead(answered.status ?? 200, { "content-type": "application/json", ...answered.headers });
      response.end(typeof answered.body === "string" ? answered.body : JSON.stringify(answered.body));
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

const areasOf = (body: string): number[] =>
  (JSON.parse(body) as { rows: { area: number }[] }).rows.map(({ area }) => area);

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

  it("tries again where the server has no place, as late as it asks, and not where it refuses", async () => {
    const refusals: Answer[] = [
      { status: 429, headers: { "retry-after": "0" }, body: {} },
      { status: 503, body: {} },
    ];
    const url = await serve(() => refusals.shift() ?? { body: { predictions: [1] } });
    expect(await connect<typeof houses>(url, "houses").predict({ area: 1 })).toBe(1);
    expect(asked.map(({ body }) => body)).toStrictEqual(Array<string>(3).fill('{"rows":[{"area":1}]}'));
    for (const status of [400, 403, 404, 422, 500]) {
      refusals.push({ status, body: {} });
      await expect(connect<typeof houses>(url, "houses").predict({ area: 1 })).rejects.toThrow(`answered ${status}`);
    }
    expect(asked).toHaveLength(8);
  });

  it("tries so often as it is told, and never beyond its timeout", async () => {
    let answer: Answer = { status: 503, headers: { "retry-after": "0" }, body: { detail: "full" } };
    const url = await serve(() => answer);
    for (const [retries, nTries] of [
      [undefined, 3],
      [0, 1],
      [4, 5],
    ] as const) {
      asked.length = 0;
      const client = connect<typeof houses>(url, "houses", retries === undefined ? {} : { retries });
      await expect(client.predict({ area: 1 })).rejects.toThrow(/answered 503: full/);
      expect(asked).toHaveLength(nTries);
    }
    asked.length = 0;
    answer = { status: 503, headers: { "retry-after": "3600" }, body: { detail: "full" } };
    const hasty = connect<typeof houses>(url, "houses", { timeout: "200ms" });
    await expect(hasty.predict({ area: 1 })).rejects.toThrow(/answered 503: full/);
    expect(asked).toHaveLength(1);
  });

  it("says at once that it was refused where the server asks for more time than is left", async () => {
    const url = await serve(() => ({ status: 503, headers: { "retry-after": "3600" }, body: { detail: "full" } }));
    // Who waits for it is beyond the time of a test.
    const client = connect<typeof houses>(url, "houses", { timeout: "1h" });
    await expect(client.predict({ area: 1 })).rejects.toThrow(/answered 503: full/);
    expect(asked).toHaveLength(1);
  });

  it("tries again where a connection breaks before its answer", async () => {
    let nBroken = 0;
    const url = await serve(() => ({ body: { predictions: [1] } }));
    server!.on("connection", (socket) => {
      if (nBroken++ < 2) socket.destroy();
    });
    expect(await connect<typeof houses>(url, "houses").predict({ area: 1 })).toBe(1);
    expect(nBroken).toBe(3);
  });

  it("keeps its connection for the next request", async () => {
    let nConnections = 0;
    const url = await serve(() => ({ body: { predictions: [1] } }));
    server!.on("connection", () => ++nConnections);
    const client = connect<typeof houses>(url, "houses");
    for (let i = 0; i < 20; ++i) await client.predict({ area: i });
    expect(asked).toHaveLength(20);
    // The next request may come before the last one's connection is free.
    expect(nConnections).toBeLessThanOrEqual(2);
  });

  it("sends many rows as several requests, in order", async () => {
    const url = await serve(({ body }) => ({ body: { predictions: areasOf(body) } }));
    const areas = Array.from({ length: 2500 }, (_, i) => i);
    const rows = areas.map((area) => ({ area }));
    expect(await connect<typeof houses>(url, "houses").predictMany(rows)).toStrictEqual(areas);
    expect(asked.map(({ body }) => areasOf(body).length)).toStrictEqual([1000, 1000, 500]);
    asked.length = 0;
    expect(await connect<typeof houses>(url, "houses", { rowsPerRequest: 2 }).predictMany(rows.slice(0, 3))).toEqual([
      0, 1, 2,
    ]);
    expect(asked.map(({ body }) => areasOf(body))).toStrictEqual([[0, 1], [2]]);
  });

  it("gives more answers of one request than a call may have arguments", async () => {
    const n = 200_000;
    const url = await serve(() => ({ body: { predictions: Array<number>(n).fill(7) } }));
    const client = connect<typeof houses>(url, "houses", { rowsPerRequest: n });
    expect(await client.predictMany(Array.from({ length: n }, (_, area) => ({ area })))).toHaveLength(n);
  });

  it("makes one request of calls at one time where it is told to, and refuses only the row that is at fault", async () => {
    const url = await serve(({ body }) =>
      areasOf(body).includes(-1)
        ? { status: 422, body: { code: "REQUEST_INVALID", detail: "below 0" } }
        : { body: { predictions: areasOf(body) } },
    );
    const client = connect<typeof houses>(url, "houses", { batching: true, rowsPerRequest: 8 });
    const predictAll = (areas: readonly number[]): Promise<unknown[]> =>
      Promise.all(areas.map((area) => client.predict({ area }).catch((error: Error) => error.message)));
    expect(await predictAll([1, 2, 3])).toStrictEqual([1, 2, 3]);
    expect(asked).toHaveLength(1);
    expect(await predictAll([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])).toStrictEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(
      asked
        .slice(1)
        .map(({ body }) => areasOf(body).length)
        .sort((a, b) => a - b),
    ).toStrictEqual([2, 8]);
    const refused = expect.stringContaining("answered 422: REQUEST_INVALID: below 0") as string;
    expect(await predictAll([1, 2, -1, 4, 5])).toStrictEqual([1, 2, refused, 4, 5]);
    expect(await client.predict({ area: 6 })).toBe(6);
  });

  it.each([400, 413])("refuses only the row that is at fault where the server answers %i to it", async (status) => {
    const url = await serve(({ body }) =>
      areasOf(body).includes(-1) ? { status, body: {} } : { body: { predictions: areasOf(body) } },
    );
    const client = connect<typeof houses>(url, "houses", { batching: true });
    const all = await Promise.allSettled([1, -1, 3].map((area) => client.predict({ area })));
    expect(all.map((one) => (one.status === "fulfilled" ? one.value : "refused"))).toStrictEqual([1, "refused", 3]);
  });

  it("sends rows of calls at one time as fewer where all together are too many bytes", async () => {
    const url = await serve(({ body }) =>
      body.length > 30 ? { status: 413, body: {} } : { body: { predictions: areasOf(body) } },
    );
    const client = connect<typeof houses>(url, "houses", { batching: true });
    expect(await Promise.all([1, 2, 3, 4].map((area) => client.predict({ area })))).toStrictEqual([1, 2, 3, 4]);
  });

  it("rejects only the call whose row has no JSON", async () => {
    const url = await serve(({ body }) => ({ body: { predictions: areasOf(body) } }));
    const client = connect<typeof houses>(url, "houses", { batching: true });
    const rows = [1, 2n as unknown as number, 3];
    const all = await Promise.allSettled(rows.map((area) => client.predict({ area })));
    expect(all.map((one) => (one.status === "fulfilled" ? one.value : "refused"))).toStrictEqual([1, "refused", 3]);
  });

  it("asks for the halves of a refused request one after the other", async () => {
    const url = await serve(({ body }) =>
      areasOf(body).length > 1 ? { status: 422, body: {} } : { body: { predictions: areasOf(body) } },
    );
    const client = connect<typeof houses>(url, "houses", { batching: true });
    expect(await Promise.all([1, 2, 3, 4].map((area) => client.predict({ area })))).toStrictEqual([1, 2, 3, 4]);
    expect(asked.map(({ body }) => areasOf(body))).toStrictEqual([[1, 2, 3, 4], [1, 2], [1], [2], [3, 4], [3], [4]]);
  });

  it("rejects every call of one request that fails as a whole", async () => {
    const url = await serve(() => ({ status: 500, body: {} }));
    const client = connect<typeof houses>(url, "houses", { batching: true });
    const [a, b] = await Promise.allSettled([client.predict({ area: 1 }), client.predict({ area: 2 })]);
    expect([a.status, b.status, asked.length]).toStrictEqual(["rejected", "rejected", 1]);
  });

  it("asks for its headers before each request, so that one can name the caller's span", async () => {
    const url = await serve(() => ({ body: { predictions: [1] } }));
    let nAsked = 0;
    const traceparent = (span: number): string => `00-4bf92f3577b34da6a3ce929d0e0e4736-000000000000000${span}-01`;
    const client = connect<typeof houses>(url, "houses", { headers: () => ({ traceparent: traceparent(++nAsked) }) });
    for (let i = 0; i < 2; ++i) await client.predict({ area: i });
    expect(headers.map((one) => one["traceparent"])).toStrictEqual([traceparent(1), traceparent(2)]);
  });

  it.each([{ retries: -1 }, { retries: 0.5 }, { rowsPerRequest: 0 }])("refuses %j", (options) => {
    expect(() => connect<typeof houses>("http://127.0.0.1:1", "houses", options)).toThrow(/a whole number of at least/);
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
