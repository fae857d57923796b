import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock as clock } from "../../src/core/clock.ts";
import type { Digest } from "../../src/core/digest.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { listRuns, showRun } from "../../src/engine/runs.ts";
import { backUp, restoreBackup } from "../../src/store/backup.ts";
import { collectGarbage } from "../../src/store/gc.ts";
import type { Failpoint } from "../../src/store/hooks.ts";
import { openStore } from "../../src/store/open.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { startChild } from "./children.ts";
import type { Ended } from "./children.ts";
import { childOfSuite } from "./suite.ts";
import { eightSteps } from "./workflow.ts";

const child = childOfSuite();

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "millrace-house-"));
  folder = join(root, ".millrace");
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Runs the eight steps once for each seed; gives the runs' ids. */
async function runAll(seeds: readonly number[]): Promise<readonly string[]> {
  const store = await openStore(folder, { clock });
  const ids: string[] = [];
  for (const seed of seeds) ids.push((await runWorkflow({ ...eightSteps(() => {}), seed }, { store, clock })).runId);
  await store.close();
  return ids;
}

const keep = (...args: readonly (string | number)[]): Promise<Ended> =>
  startChild(child.path, ["keep", folder, ...args.map(String)]).ended;

/** Runs of the store, newest first, each with all it made at hand; the store is sound. */
async function soundRuns(): Promise<readonly string[]> {
  const store = await openStore(folder, { clock });
  const runs = await listRuns(store);
  const outputs: Digest[] = [];
  for (const { runId } of runs)
    for (const step of (await showRun(store, runId)).steps) outputs.push(...step.outputs.map(({ digest }) => digest));
  for (const digest of outputs) await store.artifacts.readBytes(digest);
  await store.close();
  expect(outputs).toHaveLength(8 * runs.length);
  expect((await verifyStore(folder, clock)).faults).toEqual([]);
  return runs.map(({ runId }) => runId);
}

/** A clock two days on: what was left behind is old by it. */
const later: Clock = { now: () => clock.now() + 2 * 86_400_000, monotonic: () => clock.monotonic() };

const leftovers = (): string[] => readdirSync(root).filter((name) => /partial|restoring|replaced/.test(name));

async function expectKilled(work: string, point: Failpoint, nth: number): Promise<void> {
  const { signal, errors } = await keep(work, point, nth);
  expect([signal, errors]).toEqual(["SIGKILL", ""]);
}

describe("a process that is killed while it", () => {
  it.each([
    ["gc.rowsRemoved", 1],
    ["gc.fileRemoving", 1],
    ["gc.fileRemoving", 8],
  ] as const)(
    "collects garbage, at %s, passing %i, removes nothing that is kept, and the next the rest",
    async (point, nth) => {
      const [, newest] = await runAll([1, 2]);
      await expectKilled("gc", point, nth);
      expect(await soundRuns()).toEqual([newest]);
      expect((await keep("gc")).code).toBe(0);
      expect(await soundRuns()).toEqual([newest]);
      const store = await openStore(folder, { clock });
      expect(await collectGarbage(store, later, { keepRuns: 1, dryRun: true })).toMatchObject({
        runs: [],
        artifacts: 0,
      });
      await store.close();
    },
  );

  it.each([
    ["backup.snapshotTaken", 1],
    ["backup.linking", 1],
    ["backup.linking", 8],
    ["backup.renaming", 1],
  ] as const)("backs up, at %s, passing %i, leaves no backup, and the next makes it", async (point, nth) => {
    const [only] = await runAll([1]);
    await expectKilled("backup", point, nth);
    expect(existsSync(`${folder}-backup`)).toBe(false);
    expect(await soundRuns()).toEqual([only]);
    expect(leftovers()).toHaveLength(1);
    const store = await openStore(folder, { clock });
    await backUp(store, later, `${folder}-backup`);
    await store.close();
    expect(leftovers()).toEqual([]);
    expect((await verifyStore(`${folder}-backup`, clock)).faults).toEqual([]);
  });

  it.each([
    ["restore.copied", 1, "before"],
    ["restore.setAside", 1, "before"],
    ["restore.replaced", 1, "restored"],
  ] as const)("restores, at %s, passing %i, leaves one store whole: the one %s", async (point, nth, whole) => {
    const [first] = await runAll([1]);
    expect((await keep("backup")).code).toBe(0);
    const [second] = await runAll([2]);
    await expectKilled("restore", point, nth);
    expect(await soundRuns()).toEqual(whole === "before" ? [second, first] : [first]);
    expect(leftovers()).toHaveLength(1);
    await restoreBackup(`${folder}-backup`, folder, later, { force: true });
    expect(leftovers()).toEqual([]);
    expect(await soundRuns()).toEqual([first]);
  });

  it("writes the file of a small artifact anew leaves its bytes to the next", async () => {
    const hooks = {
      reached(point: Failpoint): void {
        if (point === "unsynced.settling") throw new Error("not now");
      },
    };
    const store = await openStore(folder, { clock, hooks });
    const { steps } = await runWorkflow(
      eightSteps(() => {}, 5_000),
      { store, clock },
    );
    await store.close();
    for (const { outputs } of steps) await rm(store.artifacts.pathOf(outputs.get("bytes")!));
    await expectKilled("open", "unsynced.puttingBack", 3);
    expect(await soundRuns()).toHaveLength(1);
  });
});
