import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import { createRng, type Rng } from "../../src/core/rng.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { keptArtifacts } from "../../src/store/forgotten.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { syncBelow, syncPath } from "../../src/store/sync.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { log, Recorder } from "./recorder.ts";
import type { Instant, Told } from "./recorder.ts";
import { eightSteps } from "./workflow.ts";

/*
 * Power loss, simulated: what the disk may hold when the power goes is what was synced, and any part of the rest. We watch
 * every fsync and fdatasync of our own code, and note at every failpoint of a run which bytes and which names were synced
 * by then, how much of the database's log was, and what had been told; states are drawn from that, each is opened and
 * verified, and must hold what was told. Taken on trust: that a sync does what it says, and SQLite's own syncs and its
 * handling of a log that ends in the middle.
 */

const watched = vi.hoisted(() => ({
  syncing:
    (_file: number): (() => void) =>
    () => {},
}));

vi.mock("node:fs", async (load) => {
  const fs = await load<typeof import("node:fs")>();
  type Sync = typeof fs.fsync;
  const watch = (sync: Sync): Sync =>
    Object.assign((file: number, done: Parameters<Sync>[1]) => {
      const synced = watched.syncing(file);
      sync(file, (error) => {
        if (!error) synced();
        done(error);
      });
    }, sync);
  return { ...fs, fsync: watch(fs.fsync), fdatasync: watch(fs.fdatasync) };
});

const nStates = Number(process.env["MILLRACE_CRASH_STATES"] ?? 250);

/** Bytes of the largest artifact that lasts by its commit, before its file does. */
const mostSmall = 16 * 1024;

/**
 * A folder in memory, where there is room for all that is noted: syncs are watched here, and cost most of the time of a state
 * on a disk. Null where there is none.
 */
function roomInMemory(): string | null {
  const path = "/dev/shm";
  if (!existsSync(path)) return null;
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize > 2 ** 30 ? path : null;
}

let folder: string;
let instants: readonly Instant[];

/** What a disk may hold at an instant: all that was synced, and of the rest what chance leaves. */
function surviving(instant: Instant, next: string | null, target: string, rng: Rng): void {
  for (const name of ["artifacts", "temporary"]) mkdirSync(join(target, name), { recursive: true });
  for (const file of instant.files) {
    if (!file.isNamed && rng.next() < 0.5) continue;
    const path = join(target, file.path);
    mkdirSync(dirname(path), { recursive: true });
    if (file.isWhole) linkSync(file.stash, path);
    else writeFileSync(path, torn(readFileSync(file.stash), rng));
  }
  // What was committed without a sync may be there whole.
  const kept = rng.next() < 0.5 ? instant.database! : instant.written!;
  for (const name of readdirSync(kept)) copyFileSync(join(kept, name), join(target, name));
  if (next === null || !existsSync(join(next, log)) || !existsSync(join(target, log))) return;
  // What was not synced, and the next transaction, which was being written: the log may have grown by any part of them.
  const held = readFileSync(join(target, log));
  const grown = readFileSync(join(next, log));
  if (grown.length <= held.length || !grown.subarray(0, held.length).equals(held)) return;
  const partly = grown.subarray(0, held.length + rng.integer(grown.length - held.length));
  writeFileSync(join(target, log), rng.next() < 0.5 ? partly : withHoles(partly, held.length, rng));
}

/** Pages go to the disk in any order: some of those behind `from` did not. */
function withHoles(bytes: Buffer, from: number, rng: Rng): Buffer {
  const left = Buffer.from(bytes);
  for (let at = from; at < left.length; at += 4096)
    if (rng.next() < 0.2) left.fill(0, at, Math.min(at + 4096, left.length));
  return left;
}

/** A prefix, or the right length with nothing behind some point. */
function torn(bytes: Buffer, rng: Rng): Buffer {
  const kept = rng.integer(bytes.length + 1);
  return rng.next() < 0.5 ? bytes.subarray(0, kept) : Buffer.concat([bytes.subarray(0, kept)], bytes.length);
}

/** Makes what a disk may hold after `instant`. */
async function stateAfter(instant: Instant, rng: Rng, all: readonly Instant[]): Promise<string> {
  const target = await mkdtemp(join(folder, "state-"));
  const later = all.slice(all.indexOf(instant)).find(({ written }) => written !== instant.written);
  surviving(instant, later?.written ?? instant.written, target, rng);
  return target;
}

/** What was told and is not in the store. */
async function missingOf({ outputs, runs }: Told, { database }: Store): Promise<readonly object[]> {
  const kept = await database.selectFrom("step_outputs").select(["step", "digest"]).execute();
  const ended = await database.selectFrom("runs").select("id").where("status", "=", "succeeded").execute();
  return [
    ...outputs.filter(({ step, digest }) => !kept.some((row) => row.step === step && row.digest === digest)),
    ...runs.filter((runId) => !ended.some(({ id }) => id === runId)).map((run) => ({ run })),
  ];
}

async function faultsAfterPowerLoss(instant: Instant, rng: Rng, all = instants): Promise<readonly object[]> {
  const target = await stateAfter(instant, rng, all);
  const store = await openStore(target, { clock });
  const unreadable: object[] = [];
  // At once, before their files are settled; `verifyStore` reads these, and the large ones, afterwards.
  for (const { digest, size } of await keptArtifacts(store.database))
    if (size <= mostSmall) await store.artifacts.readBytes(digest).catch((error: Error) => unreadable.push(error));
  const missing = await missingOf(instant.told, store);
  await store.close();
  const { faults } = await verifyStore(target, clock);
  await rm(target, { recursive: true });
  return [...unreadable, ...missing, ...faults];
}

/**
 * Opens `nStates` of the states the disk may be in after the instants of one recording, at least one of each, and ten of the
 * last, which alone tells what became of files whose rows are gone.
 */
async function expectAllKept(recorded: readonly Instant[], rng: Rng): Promise<void> {
  const each = [...recorded, ...Array.from({ length: 10 }, () => recorded.at(-1)!)];
  for (let i = 0; i < Math.max(nStates, each.length); ++i) {
    const instant = each[i < each.length ? i : rng.integer(each.length)]!;
    expect(await faultsAfterPowerLoss(instant, rng, recorded), `after ${instant.point}`).toEqual([]);
  }
}

describe("the power goes", { timeout: 3_600_000 }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(roomInMemory() ?? tmpdir(), "millrace-power-"));
    const path = join(folder, ".millrace");
    const recorder = new Recorder(path, join(folder, "stash"));
    watched.syncing = (file) => recorder.syncing(file);
    const store = await openStore(path, { clock, hooks: { reached: recorder.reached.bind(recorder) } });
    const { listener } = recorder;
    // Files up to 256 KiB are synced by other calls than larger ones, those up to 16 KiB after their commit.
    for (const [seed, nBytes] of [
      [1, 20_000],
      [2, 264_000],
      [3, 5_000],
    ] as const)
      await runWorkflow({ ...eightSteps(() => {}, nBytes), seed }, { store, clock, jobs: 1, listener });
    await store.unsynced.settle();
    watched.syncing = () => () => {};
    instants = recorder.instants.filter(({ database }) => database !== null);
    await store.close();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it(`leaves a store that opens and holds all that was committed, in each of ${nStates} states`, async () => {
    await expectAllKept(instants, createRng(7));
  });

  it("a second time, while what it took is written anew, and leaves a store that holds all", async () => {
    const rng = createRng(9);
    const path = await stateAfter(
      instants.findLast(({ point }) => point === "unsynced.settling")!,
      rng,
      instants,
    );
    const recorder = new Recorder(path, join(folder, "second-stash"));
    watched.syncing = (file) => recorder.syncing(file);
    // What the first left on the disk is there.
    await syncBelow(path);
    await syncPath(folder);
    recorder.reached("transaction.committed");
    const store = await openStore(path, { clock, hooks: { reached: recorder.reached.bind(recorder) } });
    // One is lost once more, by other hands: it is written anew right before its row goes.
    const { digest } = await store.database.selectFrom("unsynced").select("digest").executeTakeFirstOrThrow();
    rmSync(store.artifacts.pathOf(digest));
    await store.unsynced.settle();
    watched.syncing = () => () => {};
    await store.close();
    const points = recorder.instants.map(({ point }) => point);
    expect(points).toEqual(expect.arrayContaining(["unsynced.puttingBack", "artifact.renamed", "unsynced.settled"]));
    await expectAllKept(recorder.instants, rng);
  });

  it("would be found out where the end of a step was told before its commit lasted", async () => {
    const rng = createRng(10);
    const [first, second] = instants.filter(({ point, database, written }) => point === "told" && database === written);
    expect(second!.told.outputs.length).toBeGreaterThan(first!.told.outputs.length);
    const synced = instants.slice(instants.indexOf(first!), instants.indexOf(second!));
    const early = synced.findLast(({ point, database, written }) => point === "log.syncing" && database !== written)!;
    expect(await faultsAfterPowerLoss(early, rng)).toEqual([]);
    let found = 0;
    for (let i = 0; i < 20; ++i) found += (await faultsAfterPowerLoss({ ...early, told: second!.told }, rng)).length;
    expect(found).toBeGreaterThan(0);
  });

  it("would be found out where names or bytes of artifacts were committed before they were synced", async () => {
    const rng = createRng(8);
    const careless = (instant: Instant, missing: "isNamed" | "isWhole"): Instant => ({
      ...instant,
      files: instant.files.map((file) => ({ ...file, [missing]: false })),
    });
    for (const missing of ["isNamed", "isWhole"] as const) {
      expect((await faultsAfterPowerLoss(careless(instants.at(-1)!, missing), rng)).length).toBeGreaterThan(0);
    }
  });
});
