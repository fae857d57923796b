import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import { createRng } from "../../src/core/rng.ts";
import { listRuns, showRun } from "../../src/engine/runs.ts";
import { createRegistry } from "../../src/registry/registry.ts";
import { openStore } from "../../src/store/open.ts";
import type { Store } from "../../src/store/open.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { disturb, startChild } from "./children.ts";
import type { Ended } from "./children.ts";
import { expectLikeUnkilled } from "./like-unkilled.ts";
import { childOfSuite } from "./suite.ts";

/** The long form (`npm run bench -- store/crash-long`) sets these. */
const setting = (name: string, short: number): number => Number(process.env[`MILLRACE_CRASH_${name}`] ?? short);
const kills = setting("KILLS", 10);
const seconds = setting("SECONDS", 6);
const processes = setting("PROCESSES", 4);
const longTest = { timeout: 300_000 + kills * 3_000 + seconds * 3_000 };

const child = childOfSuite();

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "millrace-soak-"));
  folder = join(root, ".millrace");
});
afterEach(() => rm(root, { recursive: true, force: true }));

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What processes said they had committed is there, once each, and whole. */
async function expectKept(store: Store, ended: readonly Ended[]): Promise<void> {
  for (const line of ended.flatMap(({ lines }) => lines)) {
    const [what, runId, step, digest] = line.split(" ");
    if (what !== "finished") continue;
    const kept = await store.database
      .selectFrom("step_outputs")
      .select("digest")
      .distinct()
      .where("run_id", "=", runId!)
      .where("step", "=", step!)
      .execute();
    expect([line, kept]).toEqual([line, [{ digest }]]);
  }
  const twice = await store.database
    .selectFrom("steps")
    .select(["run_id", "step"])
    .where("status", "=", "ran")
    .groupBy(["run_id", "step"])
    .having((e) => e.fn.countAll(), ">", 1)
    .execute();
  expect(twice).toEqual([]);
}

/** What processes said they had done to the champion is in its history once, and the history is one line of events. */
async function expectOneHistory(store: Store, ended: readonly Ended[]): Promise<void> {
  const registry = createRegistry(store, clock);
  expect(await registry.verifyAudit()).toMatchObject({ intact: true });
  const history = await registry.history("eight");
  const moves = history.filter(({ action }) => action === "promote" || action === "rollback");
  const told = moves.map(({ action, actor, details }) => `${action} ${JSON.stringify(details["version"])} ${actor}`);
  for (const { pid, lines } of ended) {
    for (const line of lines.filter((said) => /^(promote|rollback) /.test(said))) {
      const [action, version] = line.split(" ");
      expect(told).toContain(`${action} ${version} process ${pid}`);
    }
  }
  // Whoever was killed between the commit and saying so did one more.
  const said = ended.flatMap(({ lines }) => lines).filter((line) => /^(promote|rollback) /.test(line));
  expect(moves.length - said.length).toBeLessThanOrEqual(ended.length);
  expect((await registry.champion("eight"))?.version).toBe(moves.at(-1)!.details["version"]);
}

/** Steps that were begun more often than they and the kills account for. */
function repeatedSteps(ended: readonly Ended[]): number {
  const lines = ended.flatMap(({ lines: said }) => said);
  const begun = lines.filter((line) => line.startsWith("started"));
  return begun.length - new Set(begun).size;
}

describe("processes that are killed at random", () => {
  it(`lose nothing and repeat at most one step each, over ${kills} kills`, longTest, async () => {
    const rng = createRng(clock.now() % 1_000_000);
    const ended: Ended[] = [];
    for (let i = 0; i < kills; ++i) {
      const running = startChild(child.path, ["soak", folder, "60000"]);
      await running.said("begin");
      await wait(rng.integer(400));
      running.process.kill("SIGKILL");
      ended.push(await running.ended);
    }
    const last = await startChild(child.path, ["soak", folder, "1"]).ended;
    expect([last.code, last.errors]).toEqual([0, ""]);
    ended.push(last);
    expect(repeatedSteps(ended)).toBeLessThanOrEqual(kills);
    const store = await openStore(folder, { clock });
    await expectKept(store, ended);
    for (const { runId } of await listRuns(store, { status: "succeeded", limit: 3 }))
      await expectLikeUnkilled(store, runId);
    await store.close();
    expect((await verifyStore(folder, clock)).faults).toEqual([]);
  });

  it("leave what they tracked, as interrupted", async () => {
    const running = startChild(child.path, ["track", folder]);
    await running.said("tracking");
    await wait(1_200);
    running.process.kill("SIGKILL");
    const { lines } = await running.ended;
    const runId = lines.find((line) => line.startsWith("tracking"))!.split(" ")[1]!;
    const store = await openStore(folder, { clock });
    const run = await showRun(store, runId);
    expect(run).toMatchObject({ status: "interrupted", isTracked: true });
    expect(run.steps[0]!.params).toEqual({ depth: 3 });
    expect(run.steps[0]!.metrics["loss"]).toBeGreaterThan(0);
    await store.close();
    expect((await verifyStore(folder, clock)).faults).toEqual([]);
  });
});

describe.skipIf(process.platform === "win32")("several processes on one store", () => {
  it(`stay apart: ${processes} for ${seconds} s, stopped and killed at random`, longTest, async () => {
    const rng = createRng(clock.now() % 1_000_000);
    await (await openStore(folder, { clock })).close();
    const endMs = clock.monotonic() + seconds * 1_000;
    const places = Array.from({ length: processes }, (_, i) => rng.fork(`process ${i}`));
    const ended = (await Promise.all(places.map((own) => disturb(child.path, ["mixed", folder], own, endMs)))).flat();
    const said = ended.filter(({ signal }) => signal !== "SIGKILL").map(({ code, errors }) => ({ code, errors }));
    expect(said).toEqual(said.map(() => ({ code: 0, errors: "" })));
    const store = await openStore(folder, { clock });
    await expectKept(store, ended);
    await expectOneHistory(store, ended);
    const runs = await listRuns(store, { limit: 10_000 });
    expect(
      runs.map((run) => run.status).filter((status) => status !== "succeeded" && status !== "interrupted"),
    ).toEqual([]);
    for (const { runId } of runs.filter((run) => run.attempt > 1 && run.status === "succeeded").slice(0, 3)) {
      await expectLikeUnkilled(store, runId);
    }
    await store.close();
    expect((await verifyStore(folder, clock)).faults).toEqual([]);
  });
});
