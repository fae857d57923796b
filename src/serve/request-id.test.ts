import { expect, it } from "vitest";
import { houses, startServer } from "../../test/serve/listening-server.ts";
import type { ModelSource } from "./model-source.ts";
import { requestIdOf } from "./request-id.ts";
import type { AnsweredRequest } from "./guard.ts";

const idOf = (given: string | string[] | undefined): string => requestIdOf({ headers: { "x-request-id": given } });

it("a request keeps the id it came with, where that may stand in a log", () => {
  expect(idOf("0af7-65/ab:9")).toBe("0af7-65/ab:9");
  const bad = [undefined, "", "a b", "a\nb", "ä", "x".repeat(129), ["a", "b"]];
  const made = bad.map(idOf);
  for (const id of made) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(new Set(made).size).toBe(bad.length);
});

it("every answer names its request, also where it refuses, and is told with that name", async () => {
  const told: AnsweredRequest[] = [];
  const { post, url } = await startServer({ onRequest: (answered) => told.push(answered) });
  const ids: (string | null)[] = [];
  for (const [target, body] of [
    [houses, { rows: [{ rooms: 1 }] }],
    [houses, { rows: [{ rooms: -1 }] }],
    ["/v2/models/nothing/infer", {}],
    ["/nowhere?key=secret", {}],
  ] as const)
    ids.push((await post(target, body, { "x-request-id": `asked-${ids.length}` })).headers.get("x-request-id"));
  ids.push((await fetch(`${url}/healthz`)).headers.get("x-request-id"));
  expect(ids.slice(0, 4)).toEqual(["asked-0", "asked-1", "asked-2", "asked-3"]);
  await expect.poll(() => told.length).toBe(5);
  expect(told.map(({ requestId, route, status }) => [requestId, route, status])).toEqual([
    ["asked-0", "/v1/models/:name/predict", 200],
    ["asked-1", "/v1/models/:name/predict", 422],
    ["asked-2", "/v2/models/:name/infer", 404],
    ["asked-3", null, 404],
    [ids[4], "/healthz", 200],
  ]);
  expect(JSON.stringify(told)).not.toMatch(/secret|nowhere/);
});

it("a fault is told with the request that met it, whatever the protocol", async () => {
  const broken: ModelSource = {
    list: () => [],
    get() {
      throw new Error("a fault of ours");
    },
  };
  const faults: (string | undefined)[] = [];
  const { post } = await startServer({ models: broken, onFault: (_, requestId) => faults.push(requestId) });
  for (const [id, target] of [
    ["one", houses],
    ["two", "/v2/models/houses/infer"],
  ] as const)
    expect((await post(target, { rows: [] }, { "x-request-id": id })).status).toBe(500);
  expect(faults).toEqual(["one", "two"]);
});
