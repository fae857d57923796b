import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  begin,
  clock,
  latest,
  registry,
  rollouts,
  type RolloutServer,
  startRolloutServer,
} from "../../../test/serve/rollout-servers.ts";
import { fullDisk } from "../../monitor/full-disk.fixtures.ts";
import { readPredictionLog } from "../../monitor/log-reader.ts";
import { openPredictionLogs } from "../../monitor/prediction-logs.ts";
import type { Tally } from "../../monitor/rollout/tally.ts";
import { temporaryFolder } from "../../store/store.fixtures.ts";
import { withAliases } from "../alias-watch.ts";
import { placeOf } from "../traffic/arm.ts";
import { answerMessages } from "./answer-messages.ts";
import { memoryStream, type MemoryStream, type SentMessage } from "./memory-channel.fixtures.ts";

let stream: MemoryStream;
let stops: (() => Promise<void>)[];

beforeEach(() => {
  stream = memoryStream();
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop();
});

function startAnswering(
  server: RolloutServer,
  from: MemoryStream = stream,
  model = "houses",
): { readonly heard: string[] } {
  const heard: string[] = [];
  const answering = answerMessages({
    context: server.predicting,
    channel: from.channel(),
    model,
    onEvent: ({ kind }) => heard.push(kind),
    onFault: (error) => heard.push(String(error)),
    retryMs: 5,
  });
  stops.push(() => answering.stop());
  return { heard };
}

const settled = (from = stream): Promise<void> => expect.poll(() => from.open(), { interval: 5 }).toEqual([]);
const rooms = (n: number, many = 3): string[] => Array<string>(n).fill(`{"rooms":${many}}`);

/** Which version answered each message, in the order of their sending. */
function versions(from = stream): number[] {
  const answers = [...from.answers].sort(([a], [b]) => a - b);
  return answers.map(([, text]) => {
    const { version, prediction } = JSON.parse(text) as { readonly version: number; readonly prediction: number };
    expect(Math.floor(prediction / 1000)).toBe(version);
    return version;
  });
}

async function send(...messages: readonly SentMessage[]): Promise<void> {
  stream.send(...messages);
  await settled();
}

const shareOf = (version: number, given: readonly number[]): number =>
  given.filter((one) => one === version).length / given.length;

/** What the servers counted at the first step. */
async function counted(): Promise<Tally[number]> {
  const [tally] = [...(await rollouts.tallies(await latest())).values()] as unknown as Tally[];
  return tally![0]!;
}

describe("messages under a canary", () => {
  it("are its share's, each answer naming its version, and make it champion where it is no worse", async () => {
    const server = await startRolloutServer();
    await begin(2);
    await server.watch.refresh();
    startAnswering(server);
    for (const share of [0.25, 0.5]) {
      stream.answers.clear();
      await send(...rooms(400));
      expect(Math.abs(shareOf(2, versions()) - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / 400));
      clock.advance(60_000);
      // The first look moves it on, the second one follows.
      await server.watch.refresh();
      await server.watch.refresh();
    }
    expect(await latest()).toMatchObject({ status: "promoted" });
    expect((await counted())["requests"]!.reduce((sum, one) => sum + one)).toBe(400);
    await server.champions.refresh();
    stream.answers.clear();
    await send(...rooms(20));
    expect(new Set(versions())).toEqual(new Set([2]));
  });

  it("roll it back where it fails, and none goes without the champion's answer", async () => {
    const server = await startRolloutServer();
    await begin(3);
    await server.watch.refresh();
    startAnswering(server);
    // It refuses every such row.
    await send(...rooms(200, 40));
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "rolledBack", reason: "worse in errors" });
    expect(versions()).toEqual(Array<number>(200).fill(1));
    expect(stream.setAside.size).toBe(0);
    expect((await counted())["requests"]![0]).toBeLessThan(30);
  });

  it("blame it for none that the champion cannot answer either, and set those aside", async () => {
    const server = await startRolloutServer();
    await begin(2);
    await server.watch.refresh();
    startAnswering(server);
    const bad = ["{", '{"rooms":-1}', '{"roms":1}', "[]"];
    await send(...rooms(400).map((good, i) => (i % 4 === 0 ? bad[(i / 4) % 4]! : good)));
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "running" });
    expect([stream.answers.size, stream.setAside.size]).toEqual([300, 100]);
  });

  it("get the same version when they come again, whoever answers then", async () => {
    await begin(2);
    const again = memoryStream();
    for (const from of [stream, again]) {
      startAnswering(await startRolloutServer(), from);
      from.send(...rooms(50));
      await settled(from);
    }
    expect(new Set(versions())).toEqual(new Set([1, 2]));
    expect(versions(again)).toEqual(versions());
  });

  it("are evidence once, however often a disk that is full makes the same be answered anew", async () => {
    const folder = await temporaryFolder();
    let isFull = true;
    const log = openPredictionLogs(folder.path, { clock, mode: "sync", log: { create: fullDisk(() => isFull) } });
    try {
      const rollout = await begin(3);
      const server = await startRolloutServer({ log });
      const { heard } = startAnswering(server);
      const sent = [...Array(40).keys()].map((i) => ({
        body: '{"rooms":40}',
        headers: { "x-request-id": `sale ${i}` },
      }));
      const ofCandidate = sent.filter(({ headers }) => placeOf(rollout, headers["x-request-id"]) < 0.25).slice(0, 2);
      stream.send(...ofCandidate);
      await expect
        .poll(async () => (await server.watch.refresh(), (await counted())["requests"]?.[0]))
        .toBeGreaterThan(9);
      expect((await counted())["errors"]).toEqual([2, 0]);
      expect(await latest()).toMatchObject({ status: "running" });
      isFull = false;
      await settled();
      expect(heard).toEqual(["held", "resumed"]);
      expect(versions()).toEqual([1, 1]);
    } finally {
      for (const stop of stops.splice(0)) await stop();
      await log.close();
      await folder.remove();
    }
  });
});

describe("messages under a split by key", () => {
  it.each(["header:X-User", "field:rooms"])(
    "%s have one version a key, and without the key the champion",
    async (key) => {
      await begin(2, { kind: "split", percents: [40], key });
      startAnswering(await startRolloutServer());
      const users = Array.from({ length: 60 }, (_, user) => ({
        body: `{"rooms":${user}}`,
        headers: { "x-user": String(user) },
      }));
      await send(...users, ...users);
      const given = versions();
      expect(given.slice(60)).toEqual(given.slice(0, 60));
      expect(new Set(given)).toEqual(new Set([1, 2]));
      stream.answers.clear();
      if (key.startsWith("field")) return;
      await send(...users.map(({ body }) => body));
      expect(new Set(versions())).toEqual(new Set([1]));
    },
  );
});

describe("messages under a shadow", () => {
  it("are answered by the champion alone, and scored beside it under the ids of its answers", async () => {
    const folder = await temporaryFolder();
    const log = openPredictionLogs(folder.path, { clock });
    try {
      await begin(2, { kind: "shadow", percents: [100] });
      const server = await startRolloutServer({ log });
      startAnswering(server);
      await send(...rooms(30));
      await new Promise((resolve) => setImmediate(resolve));
      await server.watch.refresh();
      expect(versions()).toEqual(Array<number>(30).fill(1));
      expect(stream.said.filter((one) => one.startsWith("answer"))).toHaveLength(30);
      expect(await counted()).toMatchObject({ compared: [30, 0], differing: [30, 0], distance: [30_000, 0] });
      await log.flush();
      const shadowed = await readPredictionLog(folder.path, "houses@shadow", { sinceMs: 0, untilMs: 1e12 });
      const sent = [...stream.answers.values()].map(
        (text) => (JSON.parse(text) as { predictionId: string }).predictionId,
      );
      expect(new Set(shadowed.entries.map(({ id }) => id))).toEqual(new Set(sent));
    } finally {
      for (const stop of stops.splice(0)) await stop();
      await log.close();
      await folder.remove();
    }
  });
});

describe("messages of an alias", () => {
  it("are its version's, though the champion stands there and has a canary beside it", async () => {
    const server = await startRolloutServer();
    const champion = server.champions.get("houses")!;
    const models = withAliases(server.champions, {
      get: (name) => (name === "houses@old" ? { ...champion } : undefined),
    });
    await begin(2, { percents: [50, 100] });
    await server.watch.refresh();
    startAnswering({ ...server, predicting: { ...server.predicting, models } }, stream, "houses@old");
    await send(...rooms(40));
    expect(versions()).toEqual(Array<number>(40).fill(1));
    expect((await registry.champion("houses"))?.version).toBe(1);
  });
});
