import { spawn } from "node:child_process";
import { hostname } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../core/clock.ts";
import { leaseMs, requireFence, watchLeases } from "../store/leases.ts";
import { openMemoryStore } from "../store/open.ts";
import type { Store } from "../store/open.ts";
import { beginRun, takeOverRun } from "./run-record.ts";
import { listRuns } from "./runs.ts";

/** A wall clock set by hand: forwards, backwards, by years. */
let nowMs = 0;
const clock: Clock = { now: () => nowMs, monotonic: () => 0 };

let store: Store;
beforeEach(async () => {
  store = await openMemoryStore({ clock });
});
afterEach(() => store.close());

const year = 365 * 86_400_000;

describe("the record of runs under a clock that jumps", () => {
  it("keeps the order they began in, whatever their times say", async () => {
    const ids: string[] = [];
    for (const jump of [0, year, -2 * year, -3_600_000, 1, 0]) {
      nowMs = Date.UTC(2026, 2, 29, 1, 59) + jump;
      ids.push((await beginRun(store, clock, { workflow: "w", seed: 1 })).runId);
    }
    expect((await listRuns(store)).map((run) => run.runId)).toEqual(ids.toReversed());
    expect((await listRuns(store, { newest: true })).map((run) => run.runId)).toEqual([ids.at(-1)]);
  });

  it("gives each lease a larger token, and fences off the one before", async () => {
    nowMs = Date.UTC(2026, 0, 1);
    const first = await beginRun(store, clock, { workflow: "w", seed: 1 });
    await expect(takeOverRun(store, clock, first.runId)).rejects.toMatchObject({ code: "RUN_HELD" });
    await store.database.updateTable("runs").set({ status: "interrupted" }).execute();
    nowMs -= year;
    const second = await takeOverRun(store, clock, first.runId);
    expect(second).toMatchObject({ runId: first.runId, attempt: 2 });
    expect(second.fence.token).toBeGreaterThan(first.fence.token);
    const check = (fence: typeof first.fence): Promise<void> =>
      store.database.transaction().execute((transaction) => requireFence(transaction, fence));
    await check(second.fence);
    await expect(check(first.fence)).rejects.toMatchObject({ code: "FENCED" });
  });
});

describe("a run that begins while garbage is collected", () => {
  const take = (holder: { host: string; pid: number }): Promise<unknown> =>
    store.database
      .insertInto("leases")
      .values({ resource: "gc", token: 1, beat: 0, process_started: "", ...holder })
      .execute();
  const begin = (stepMs: number): Promise<unknown> => {
    let monotonicMs = 0;
    return beginRun(store, { now: () => nowMs, monotonic: () => (monotonicMs += stepMs) }, { workflow: "w", seed: 1 });
  };

  it("waits for the collector, not for one elsewhere that is silent", async () => {
    await take({ host: hostname(), pid: process.pid });
    const begun = begin(leaseMs.elsewhere);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await listRuns(store)).toEqual([]);
    await store.database.updateTable("leases").set({ host: "elsewhere" }).execute();
    await begun;
    expect(await store.database.selectFrom("leases").select("resource").execute()).toEqual([
      { resource: expect.stringContaining("run:") },
    ]);
  });

  it.skipIf(process.platform !== "linux")("does not wait for a collector that stands stopped here", async () => {
    const stopped = spawn(process.execPath, ["-e", "setInterval(() => {}, 1_000)"]);
    try {
      stopped.kill("SIGSTOP");
      await take({ host: hostname(), pid: stopped.pid! });
      await begin(leaseMs.here);
    } finally {
      stopped.kill("SIGKILL");
    }
  });
});

describe("watching a lease", () => {
  it("takes it from a process elsewhere after its silence, on the watcher's own clock, and not while it beats", () => {
    let monotonic = 0;
    const watch = watchLeases(() => monotonic, { here: 5_000, elsewhere: 30_000 });
    const lease = (beat: number): Parameters<typeof watch.isLost>[0] => ({
      resource: "run:x",
      token: 3,
      beat,
      host: "another machine",
      pid: 1,
      process_started: "1",
    });
    const looks: boolean[] = [];
    for (const [at, beat] of [
      [0, 1],
      [29_000, 1],
      [29_500, 2],
      [59_000, 2],
      [59_500, 2],
      [60_000, 3],
    ] as const) {
      monotonic = at;
      looks.push(watch.isLost(lease(beat)));
    }
    expect(looks).toEqual([false, false, false, false, true, false]);
  });
});
