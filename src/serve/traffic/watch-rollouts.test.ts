import { describe, expect, it, vi } from "vitest";
import {
  askMany,
  begin,
  clock,
  latest,
  load,
  plan,
  registry,
  rollouts,
  type RolloutServer,
  startRolloutServer,
} from "../../../test/serve/rollout-servers.ts";
import type { Digest } from "../../core/digest.ts";
import { MillraceError } from "../../core/errors/error.ts";
import type { Model } from "../../model/model.ts";
import { readPredictionLog } from "../../monitor/log-reader.ts";
import { openPredictionLogs } from "../../monitor/prediction-logs.ts";
import type { Registry } from "../../registry/registry.ts";
import { temporaryFolder } from "../../store/store.fixtures.ts";
import { placeOf } from "./arm.ts";

describe("a canary", () => {
  it("gets its share, goes on after bake time and requests, and becomes champion where it is no worse", async () => {
    const server = await startRolloutServer();
    expect(askMany(server, 50)).toEqual(new Map([[1, 50]]));
    await begin(2);
    await server.watch.refresh();
    const counts = askMany(server, 400);
    expect(counts.get(2)).toBeGreaterThan(60);
    expect(counts.get(2)).toBeLessThan(140);
    await server.watch.refresh();
    expect((await latest()).stepsAt).toHaveLength(1);
    clock.advance(60_000);
    await server.watch.refresh();
    expect((await latest()).stepsAt).toHaveLength(2);
    await server.watch.refresh();
    const more = askMany(server, 400).get(2)!;
    expect(more).toBeGreaterThan(140);
    clock.advance(60_000);
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "promoted" });
    expect((await registry.champion("houses"))?.version).toBe(2);
    await server.champions.refresh();
    expect(askMany(server, 20)).toEqual(new Map([[2, 20]]));
    expect(server.events.map((event) => event.split(" ")[0])).toEqual(["begun", "advanced", "ended"]);
  });

  it("does not go on before it answered enough, however long it waits", async () => {
    const server = await startRolloutServer();
    await begin(2);
    await server.watch.refresh();
    askMany(server, 20);
    clock.advance(1e9);
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "running", stepsAt: [1_000_000] });
  });

  it("that fails is rolled back within some requests, and no caller goes without an answer", async () => {
    const server = await startRolloutServer();
    await begin(3);
    await server.watch.refresh();
    // It refuses every row; the champion answers in its place.
    const counts = askMany(server, 200, 40);
    expect(counts).toEqual(new Map([[1, 200]]));
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "rolledBack", reason: "worse in errors" });
    expect((await registry.champion("houses"))?.version).toBe(1);
    const [last] = (await registry.history("houses")).slice(-1);
    expect(last).toMatchObject({
      actor: "millrace",
      action: "rolloutEnd",
      details: { status: "rolledBack", version: 3 },
    });
    const [tally] = [...(await rollouts.tallies(await latest())).values()] as { requests: number[] }[][];
    expect(tally![0]!.requests[0]).toBeLessThan(30);
  });

  it("is not blamed for rows that the champion refuses, too", async () => {
    const server = await startRolloutServer();
    await begin(2);
    await server.watch.refresh();
    for (let i = 0; i < 400; ++i) server.ask(i % 4 === 0 ? -1 : 3);
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "running" });
  });

  it("is judged by what all servers counted, and a server that starts anew goes on where others were", async () => {
    const rollout = await begin(3);
    const [first, second] = [await startRolloutServer(), await startRolloutServer()];
    const keys = Array.from({ length: 200 }, (_, i) => `request ${i}`).filter((key) => placeOf(rollout, key) < 0.25);
    // Six failures suffice; no server sees as many.
    const fail = (server: RolloutServer, times: number): void => {
      for (const key of keys.splice(0, times)) server.ask(40, { "x-request-id": key });
    };
    fail(first, 2);
    await first.watch.stop();
    fail(second, 2);
    await second.watch.refresh();
    expect(await latest()).toMatchObject({ status: "running" });
    const third = await startRolloutServer();
    fail(third, 3);
    await third.watch.refresh();
    expect(await latest()).toMatchObject({ status: "rolledBack", reason: "worse in errors" });
    await second.watch.refresh();
    expect(keys.map((key) => second.ask(3, { "x-request-id": key }))).toEqual(keys.map(() => 1));
  });

  it("that does not load gets no traffic", async () => {
    const server = await startRolloutServer();
    await begin(4);
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "rolledBack", reason: expect.stringContaining("does not load") });
    expect(server.ask(3)).toBe(1);
  });

  it.each([
    ["missing", new MillraceError("ARTIFACT_MISSING", { digest: "sha256:0" })],
    ["damaged", new MillraceError("ARTIFACT_DAMAGED", { digest: "sha256:0", actual: "sha256:1", path: "model" })],
  ])("whose artifact is %s ends with that as its reason, and is not tried for ever", async (_, error) => {
    const loading = vi.fn(() => Promise.reject(error));
    const server = await startRolloutServer({}, { load: loading });
    await begin(2);
    await server.watch.refresh();
    await server.watch.refresh();
    expect(loading).toHaveBeenCalledTimes(1);
    expect(await latest()).toMatchObject({ status: "rolledBack", reason: `it does not load (${error.code})` });
    expect(server.events.map((event) => event.split(" ")[0])).toEqual(["ended"]);
    expect(askMany(server, 20)).toEqual(new Map([[1, 20]]));
  });

  it("that cannot be read just now is tried again at the next look", async () => {
    let hasFailed = false;
    const unsteady = async (digest: Digest): Promise<Model> => {
      if (hasFailed) return load(digest);
      hasFailed = true;
      throw new Error("the bucket does not answer");
    };
    const server = await startRolloutServer({}, { load: unsteady });
    await begin(2);
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "running" });
    expect(askMany(server, 20)).toEqual(new Map([[1, 20]]));
    await server.watch.refresh();
    expect(server.events.map((event) => event.split(" ")[0])).toEqual(["unreadable", "begun"]);
    expect(askMany(server, 200).get(2)).toBeGreaterThan(0);
  });

  /** A canary before its last step, with a server that promotes it at the next look. */
  async function startLastStep(compatibility: Registry["compatibility"]): Promise<RolloutServer> {
    await begin(2, { percents: [50, 100] });
    const server = await startRolloutServer({}, { registry: { ...registry, compatibility } });
    askMany(server, 200);
    clock.advance(60_000);
    return server;
  }

  it("is promoted at a later look where the store is busy", async () => {
    let isBusy = true;
    const server = await startLastStep(async (model, version) => {
      if (isBusy) throw new MillraceError("STORE_BUSY", { path: "millrace.db", seconds: 30 });
      return registry.compatibility(model, version);
    });
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "running" });
    isBusy = false;
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "promoted" });
  });

  it("is stopped where it may not become champion any more", async () => {
    const server = await startLastStep(registry.compatibility);
    await registry.archive("houses", 2, { by: "ann", reason: "" });
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "stopped", reason: "it cannot be promoted (VERSION_ARCHIVED)" });
    expect((await registry.champion("houses"))?.version).toBe(1);
  });

  it("is not promoted where another server rolls it back meanwhile", async () => {
    const server = await startLastStep(async (model, version) => {
      await rollouts.end(await latest(), "rolledBack", { by: "millrace", reason: "worse in errors" });
      return registry.compatibility(model, version);
    });
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "rolledBack" });
    expect((await registry.champion("houses"))?.version).toBe(1);
    await server.watch.refresh();
    expect(askMany(server, 20)).toEqual(new Map([[1, 20]]));
  });

  it("is followed though the rollout of another model cannot be", async () => {
    const [one, two] = await registry.versions("houses");
    for (const { digest } of [one!, two!])
      await registry.register({
        model: "barns",
        digest,
        runId: "r",
        metrics: {},
        verdict: { passed: true, reasons: [] },
        comparedWith: null,
      });
    await registry.promote("barns", 1, { by: "ann", reason: "" });
    await rollouts.start("barns", 2, plan, { champion: 1, breaks: [] });
    await begin(2);
    const champion: Registry["champion"] = async (model) => {
      if (model === "barns") throw new Error("a row cannot be read");
      return registry.champion(model);
    };
    const server = await startRolloutServer({}, { registry: { ...registry, champion } });
    await server.watch.refresh();
    expect(server.events).toEqual(["unreadable", "begun "]);
  });

  it("ends where another version becomes champion", async () => {
    const server = await startRolloutServer();
    await begin(3);
    await server.watch.refresh();
    await registry.promote("houses", 2, { by: "ann", reason: "" });
    await server.champions.refresh();
    expect(askMany(server, 40)).toEqual(new Map([[2, 40]]));
    await server.watch.refresh();
    expect(await latest()).toMatchObject({ status: "stopped", reason: "another version became champion" });
  });
});

describe("a rollout that a person ends", () => {
  it("ends on every server, which says so once", async () => {
    const servers = [await startRolloutServer(), await startRolloutServer()];
    const begun = await begin(2, { kind: "split", percents: [50] });
    for (const { watch } of servers) await watch.refresh();
    await rollouts.end(begun, "stopped", { by: "ann", reason: "seen enough" });
    for (const server of servers) {
      await server.watch.refresh();
      await server.watch.refresh();
      expect(server.events).toEqual(["begun ", "ended seen enough"]);
      expect(askMany(server, 20)).toEqual(new Map([[1, 20]]));
    }
  });
});

describe("a split by key", () => {
  it("gives every key one version for good, and those without a key the champion", async () => {
    await begin(2, { kind: "split", percents: [40], key: "header:x-user" });
    const [first, second] = [await startRolloutServer(), await startRolloutServer()];
    const versions = Array.from({ length: 100 }, (_, user) => first.ask(3, { "x-user": `user ${user}` }));
    expect(versions.filter((version) => version === 2).length).toBeGreaterThan(20);
    expect(versions.filter((version) => version === 1).length).toBeGreaterThan(40);
    expect(versions.map((_, user) => second.ask(3, { "x-user": `user ${user}` }))).toEqual(versions);
    expect(askMany(first, 30)).toEqual(new Map([[1, 30]]));
    clock.advance(1e9);
    await first.watch.refresh();
    expect(await latest()).toMatchObject({ status: "running" });
  });
});

describe("a shadow", () => {
  it("answers nobody, is compared with the champion, and logged under the ids of its answers", async () => {
    const folder = await temporaryFolder();
    const log = openPredictionLogs(folder.path, { clock });
    try {
      await begin(2, { kind: "shadow", percents: [100] });
      const server = await startRolloutServer({ log });
      expect(askMany(server, 30)).toEqual(new Map([[1, 30]]));
      await new Promise((resolve) => setImmediate(resolve));
      await server.watch.refresh();
      const [tally] = [...(await rollouts.tallies(await latest())).values()];
      expect(tally).toMatchObject([{ compared: [30, 0], differing: [30, 0], distance: [30_000, 0] }]);
      await log.flush();
      const window = { sinceMs: 0, untilMs: 1e12 };
      const own = await readPredictionLog(folder.path, "houses", window);
      const shadowed = await readPredictionLog(folder.path, "houses@shadow", window);
      expect(shadowed.entries.map(({ id }) => id)).toEqual(own.entries.map(({ id }) => id));
      expect(shadowed.entries[0]).toMatchObject({ version: 2, output: 2003, inputs: {} });
    } finally {
      await log.close();
      await folder.remove();
    }
  });
});
