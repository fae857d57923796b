import {
  copyFileSync,
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import { createRng, type Rng } from "../../src/core/rng.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { keptArtifacts } from "../../src/store/forgotten.ts";
import type { Failpoint } from "../../src/store/hooks.ts";
import { openStore } from "../../src/store/open.ts";
import { syncBelow, syncPath } from "../../src/store/sync.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { eightSteps } from "./workflow.ts";

/*
 * Power loss, simulated: what the disk may hold when the power goes is what was synced, and any part of the rest. We watch
 * every fsync and fdatasync of our own code, and note at every failpoint of a run which bytes and which names were synced
 * by then; states are drawn from that, each is opened and verified. Taken on trust: that a sync does what it says, and
 * SQLite's own syncs and its handling of a log that ends in the middle.
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

/** A file as it stood at an instant. Its bytes are kept under `stash`. */
interface SeenFile {
  readonly path: string;
  readonly stash: string;
  readonly isWhole: boolean;
  readonly isNamed: boolean;
}

interface Instant {
  readonly point: Failpoint;
  readonly files: readonly SeenFile[];
  /** Folder with the database as of the last commit; null before the first. */
  readonly database: string | null;
}

let folder: string;
let instants: readonly Instant[];

function foldersBelow(path: string): string[] {
  const folders = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [path, ...folders.flatMap(({ name }) => foldersBelow(join(path, name)))];
}

function filesBelow(path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)],
  );
}

/** A file as it stands: bytes written to it later make it another one. */
function stampOf(found: Stats): string {
  return `${found.ino} ${found.size} ${found.mtimeMs}`;
}

/** Watches one store at work, step after step, and notes what would survive at each instant. */
class Recorder {
  readonly instants: Instant[] = [];
  readonly #store: string;
  readonly #stash: string;
  /** Stamps of files whose bytes were synced. */
  readonly #whole = new Set<string>();
  /** Paths of files and folders whose names were synced. */
  readonly #named = new Set<string>();
  #database: string | null = null;

  constructor(store: string, stash: string) {
    this.#store = store;
    this.#stash = stash;
    mkdirSync(stash);
  }

  /** What a sync that begins now will have made to last when it ends. */
  syncing(file: number): () => void {
    const found = fstatSync(file);
    if (!found.isDirectory()) return () => this.#whole.add(stampOf(found));
    const folder = foldersBelow(dirname(this.#store)).find((path) => statSync(path).ino === found.ino);
    const names = folder === undefined ? [] : readdirSync(folder);
    return () => names.forEach((name) => this.#named.add(join(folder!, name)));
  }

  reached(point: Failpoint): void {
    if (point === "transaction.committed") this.#database = this.#copyDatabase();
    const paths = ["artifacts", "temporary"].map((name) => join(this.#store, name)).filter((path) => existsSync(path));
    const files = paths.flatMap(filesBelow).map((path) => this.#look(path));
    this.instants.push({ point, files, database: this.#database });
  }

  #look(path: string): SeenFile {
    const found = statSync(path);
    const stash = join(this.#stash, `file-${found.ino}`);
    if (!existsSync(stash)) linkSync(path, stash);
    return {
      path: relative(this.#store, path),
      stash,
      isWhole: this.#whole.has(stampOf(found)),
      isNamed: this.#isNamed(path),
    };
  }

  /** A name lasts where those of all the folders above it do. */
  #isNamed(path: string): boolean {
    return this.#named.has(path) && (path === this.#store || this.#isNamed(dirname(path)));
  }

  #copyDatabase(): string {
    const target = join(this.#stash, `database-${this.instants.length}`);
    mkdirSync(target);
    for (const name of ["metadata.sqlite", "metadata.sqlite-wal"]) {
      if (existsSync(join(this.#store, name))) copyFileSync(join(this.#store, name), join(target, name));
    }
    return target;
  }
}

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
  for (const name of readdirSync(instant.database!)) copyFileSync(join(instant.database!, name), join(target, name));
  const log = "metadata.sqlite-wal";
  if (next === null || !existsSync(join(next, log)) || !existsSync(join(target, log))) return;
  // The next transaction was being written: its log may have grown by any part of what it will be.
  const held = readFileSync(join(target, log));
  const grown = readFileSync(join(next, log));
  if (grown.length <= held.length || !grown.subarray(0, held.length).equals(held)) return;
  writeFileSync(join(target, log), grown.subarray(0, held.length + rng.integer(grown.length - held.length)));
}

/** A prefix, or the right length with nothing behind some point. */
function torn(bytes: Buffer, rng: Rng): Buffer {
  const kept = rng.integer(bytes.length + 1);
  return rng.next() < 0.5 ? bytes.subarray(0, kept) : Buffer.concat([bytes.subarray(0, kept)], bytes.length);
}

/** Makes what a disk may hold after `instant`. */
async function stateAfter(instant: Instant, rng: Rng, all: readonly Instant[]): Promise<string> {
  const target = await mkdtemp(join(folder, "state-"));
  const later = all.slice(all.indexOf(instant)).find(({ database }) => database !== instant.database);
  surviving(instant, later?.database ?? null, target, rng);
  return target;
}

async function faultsAfterPowerLoss(instant: Instant, rng: Rng, all = instants): Promise<readonly object[]> {
  const target = await stateAfter(instant, rng, all);
  const store = await openStore(target, { clock });
  const unreadable: object[] = [];
  for (const { digest } of await keptArtifacts(store.database))
    await store.artifacts.readBytes(digest).catch((error: Error) => unreadable.push(error));
  await store.close();
  const { faults } = await verifyStore(target, clock);
  await rm(target, { recursive: true });
  return [...unreadable, ...faults];
}

/** Opens `nStates` of the states the disk may be in after the instants of one recording, at least one of each. */
async function expectAllKept(recorded: readonly Instant[], rng: Rng): Promise<void> {
  for (let i = 0; i < Math.max(nStates, recorded.length); ++i) {
    const instant = recorded[i < recorded.length ? i : rng.integer(recorded.length)]!;
    expect(await faultsAfterPowerLoss(instant, rng, recorded), `after ${instant.point}`).toEqual([]);
  }
}

describe("the power goes", { timeout: 3_600_000 }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-power-"));
    const path = join(folder, ".millrace");
    const recorder = new Recorder(path, join(folder, "stash"));
    watched.syncing = (file) => recorder.syncing(file);
    const store = await openStore(path, { clock, hooks: { reached: (point) => recorder.reached(point) } });
    // Files up to 256 KiB are synced by other calls than larger ones, those up to 16 KiB after their commit.
    for (const [seed, nBytes] of [
      [1, 150_000],
      [2, 300_000],
      [3, 5_000],
    ] as const)
      await runWorkflow({ ...eightSteps(() => {}, nBytes), seed }, { store, clock, jobs: 1 });
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
    const store = await openStore(path, { clock, hooks: { reached: (point) => recorder.reached(point) } });
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
