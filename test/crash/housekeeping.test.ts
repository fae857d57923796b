import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock as clock } from "../../src/core/clock.ts";
import type { Digest } from "../../src/core/digest.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { listRuns, showRun } from "../../src/engine/runs.ts";
import { readPredictionLog } from "../../src/monitor/log-reader.ts";
import { LineBuffer } from "../../src/monitor/line-buffer.ts";
import { textOfEntry } from "../../src/monitor/log-line.ts";
import { segmentFile, segmentFolder } from "../../src/monitor/segments.ts";
import { createRegistry } from "../../src/registry/registry.ts";
import { backUp, restoreBackup } from "../../src/store/backup.ts";
import { collectGarbage } from "../../src/store/gc.ts";
import type { Failpoint } from "../../src/store/hooks.ts";
import { openStore } from "../../src/store/open.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { startChild } from "./children.ts";
import type { Ended } from "./children.ts";
import { failpointsOf } from "./failpoints.ts";
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

const killedAt = new Set<Failpoint>();

async function expectKilled(work: string, point: Failpoint, nth: number): Promise<void> {
  const { signal, errors } = await keep(work, point, nth);
  expect([signal, errors]).toEqual(["SIGKILL", ""]);
  if (!point.startsWith("transaction.")) killedAt.add(point);
}

/** The number of a process that is no more, as in the names of what it wrote. */
const gone = 4_194_304;

/** Two segments of a prediction log, each with a prediction for Ann and one for Bob. */
async function logPredictions(): Promise<void> {
  const log = segmentFolder(folder, "eight");
  await mkdir(log, { recursive: true });
  for (const serial of [0, 1]) {
    const lines = new LineBuffer();
    for (const person of ["ann", "bob"]) {
      const id = `${person} ${serial}`;
      lines.add(textOfEntry({ id, time: serial, version: 1, inputs: { person }, output: 1, latencyMs: 1 }), 10_000);
    }
    await writeFile(join(log, segmentFile(0, gone, serial)), lines.take());
  }
}

async function idsLogged(): Promise<readonly string[]> {
  const { entries } = await readPredictionLog(folder, "eight", { sinceMs: -Infinity, untilMs: Infinity });
  return entries.map(({ id }) => id);
}

describe("a process that is killed while it", () => {
  it.each([
    ["gc.rowsRemoved", 1],
    ["gc.fileRemoving", 1],
    ["gc.fileRemoving", 8],
    ["temporary.removing", 1],
    ["temporary.removing", 2],
  ] as const)(
    "collects garbage, at %s, passing %i, removes nothing that is kept, and the next the rest",
    async (point, nth) => {
      const [, newest] = await runAll([1, 2]);
      const left = ["a", "b"].map((name) => join(folder, "temporary", `${gone}-${name}`));
      for (const path of left) {
        await writeFile(path, "");
        await utimes(path, 0, (clock.now() - 7_200_000) / 1000);
      }
      await expectKilled("gc", point, nth);
      expect(await soundRuns()).toEqual([newest]);
      expect((await keep("gc")).code).toBe(0);
      expect(await soundRuns()).toEqual([newest]);
      const store = await openStore(folder, { clock });
      expect(await collectGarbage(store, later, { keepRuns: 1, dryRun: true })).toMatchObject({
        runs: [],
        artifacts: 0,
        temporaryFiles: 0,
      });
      await store.close();
    },
  );

  it.each([
    ["backup.folderMade", 1],
    ["backup.snapshotTaken", 1],
    ["backup.linking", 1],
    ["backup.linking", 8],
    ["backup.predictionsCopied", 1],
    ["backup.manifestWritten", 1],
    ["backup.renaming", 1],
  ] as const)("backs up, at %s, passing %i, leaves no backup, and the next makes it", async (point, nth) => {
    const [only] = await runAll([1]);
    await logPredictions();
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
    ["restore.filesCopied", "before", 1],
    ["restore.copied", "before", 1],
    ["restore.setAside", "before", 1],
    ["restore.renamed", "restored", 1],
    ["restore.replaced", "restored", 1],
    ["restore.oldRemoved", "restored", 0],
  ] as const)("restores, at %s, leaves one store whole: the one %s", async (point, whole, nLeft) => {
    const [first] = await runAll([1]);
    expect((await keep("backup")).code).toBe(0);
    const [second] = await runAll([2]);
    await expectKilled("restore", point, 1);
    expect(await soundRuns()).toEqual(whole === "before" ? [second, first] : [first]);
    expect(leftovers()).toHaveLength(nLeft);
    await restoreBackup(`${folder}-backup`, folder, later, { force: true });
    expect(leftovers()).toEqual([]);
    expect(await soundRuns()).toEqual([first]);
  });

  it.each(["backup.renamed", "backup.kept"] as const)("backs up, at %s, leaves the backup whole", async (point) => {
    const [only] = await runAll([1]);
    await expectKilled("backup", point, 1);
    expect((await verifyStore(`${folder}-backup`, clock)).faults).toEqual([]);
    expect(leftovers()).toEqual([]);
    await restoreBackup(`${folder}-backup`, folder, later, { force: true });
    expect(await soundRuns()).toEqual([only]);
  });

  it("finds a store set aside, leaves it in its place", async () => {
    const [first] = await runAll([1]);
    expect((await keep("backup")).code).toBe(0);
    const [second] = await runAll([2]);
    await expectKilled("restore", "restore.setAside", 1);
    expect(existsSync(folder)).toBe(false);
    await expectKilled("open", "restore.putBack", 1);
    expect(existsSync(folder)).toBe(true);
    expect(await soundRuns()).toEqual([second, first]);
  });

  it.each([
    ["transaction.committing", 1, 0, null],
    ["transaction.committed", 1, 1, null],
    ["transaction.begun", 2, 1, null],
    ["transaction.committing", 2, 1, null],
    ["transaction.committed", 2, 1, 1],
  ] as const)(
    "registers and promotes, at %s, passing %i, leaves %i versions, the champion %j, and a whole history",
    async (point, nth, versions, champion) => {
      await runAll([1]);
      await expectKilled("promote", point, nth);
      const state = async (): Promise<readonly [number, number | null, number]> => {
        const store = await openStore(folder, { clock });
        const registry = createRegistry(store, clock);
        expect(await registry.verifyAudit()).toMatchObject({ intact: true });
        const known = await registry.versions("eight").catch(() => []);
        const promoted = known.length === 0 ? null : await registry.champion("eight");
        const { length } = (await registry.history("eight").catch(() => [])).filter((e) => e.action === "promote");
        await store.close();
        expect((await verifyStore(folder, clock)).faults).toEqual([]);
        return [known.length, promoted?.version ?? null, length];
      };
      expect(await state()).toEqual([versions, champion, champion === null ? 0 : 1]);
      expect((await keep("promote")).code).toBe(0);
      expect((await state()).slice(0, 2)).toEqual([1, 1]);
    },
  );

  it.each([
    ["predictions.restWritten", 1, ["ann 0", "bob 0", "ann 1", "bob 1"]],
    ["predictions.restRenamed", 1, ["bob 0", "ann 1", "bob 1"]],
    ["predictions.restRenamed", 2, ["bob 0", "bob 1"]],
  ] as const)("forgets a person, at %s, passing %i, keeps what is another's", async (point, nth, left) => {
    await runAll([]);
    await logPredictions();
    await expectKilled("forget", point, nth);
    expect(await idsLogged()).toEqual(left);
    expect((await keep("forget")).code).toBe(0);
    expect(await idsLogged()).toEqual(["bob 0", "bob 1"]);
    expect(readdirSync(segmentFolder(folder, "eight")).filter((name) => !name.endsWith(".jsonl"))).toEqual([]);
  });

  it("sweeps the prediction log, removes whole segments", async () => {
    await runAll([]);
    await logPredictions();
    await expectKilled("sweep", "predictions.sweeping", 2);
    expect(await idsLogged()).toEqual(["ann 1", "bob 1"]);
    expect((await keep("sweep")).code).toBe(0);
    expect(await idsLogged()).toEqual([]);
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

  it("does one of these, is killed at every failpoint of them", () => {
    expect(killedAt).toEqual(failpointsOf("keeping"));
  });
});
