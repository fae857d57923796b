import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import type { Digest } from "../../src/core/digest.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { listRuns } from "../../src/engine/runs.ts";
import type { StepResult } from "../../src/engine/step.ts";
import type { Failpoint } from "../../src/store/hooks.ts";
import { openMemoryStore, openStore } from "../../src/store/open.ts";
import { loadSqlite } from "../../src/store/sqlite.ts";
import { startChild } from "./children.ts";
import type { Ended } from "./children.ts";
import { failpointsOf } from "./failpoints.ts";
import { childOfSuite } from "./suite.ts";
import { eightSteps } from "./workflow.ts";

const child = childOfSuite();

/** Runs the child to its end. */
const runChild = (args: readonly string[]): Promise<Ended> => startChild(child.path, args).ended;

function digestsOf(steps: readonly StepResult[]): (Digest | undefined)[] {
  return steps.map((step) => step.outputs.get("bytes"));
}

/** Of artifacts that are synced before their commit, and of such whose bytes are in it. */
const sizes = { large: 150_000, small: 5_000 } as const;
type Size = keyof typeof sizes;

async function unkilledDigests(size: Size): Promise<(Digest | undefined)[]> {
  const store = await openMemoryStore({ clock });
  const { steps } = await runWorkflow(
    eightSteps(() => {}, sizes[size]),
    { store, clock },
  );
  await store.close();
  return digestsOf(steps);
}

/** Everything metadata names is there whole, and the database is sound. */
async function expectSound(folder: string): Promise<void> {
  const database = new (await loadSqlite()).DatabaseSync(join(folder, "metadata.sqlite"));
  expect(database.prepare("pragma integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  expect(database.prepare("pragma foreign_key_check").all()).toEqual([]);
  database.close();
  const store = await openStore(folder, { clock });
  const artifacts = await store.database.selectFrom("artifacts").select("digest").execute();
  for (const { digest } of artifacts) await store.artifacts.readBytes(digest);
  await store.close();
}

/** Resumes after a kill and holds it against what the killed process had said. */
async function expectResumes(
  folder: string,
  killed: Ended,
  size: Size,
  digests: readonly (Digest | undefined)[],
): Promise<void> {
  const committed = killed.lines.filter((line) => line.startsWith("finished")).map((line) => line.split(" ")[1]);
  const begun = killed.lines.filter((line) => line.startsWith("started")).map((line) => line.split(" ")[1]);
  const repeated: string[] = [];
  const store = await openStore(folder, { clock });
  expect((await listRuns(store)).map((run) => run.status)).not.toContain("running");
  const result = await runWorkflow(
    eightSteps((step) => repeated.push(step), sizes[size]),
    { store, clock },
  );
  await store.close();
  expect(result.status).toBe("succeeded");
  expect(digestsOf(result.steps)).toEqual(digests);
  expect(repeated.filter((step) => committed.includes(step))).toEqual([]);
  expect(repeated.filter((step) => begun.includes(step)).length).toBeLessThanOrEqual(1);
  await expectSound(folder);
}

describe("a run killed at any instant", () => {
  const folders: string[] = [];
  const digests = new Map<Size, readonly (Digest | undefined)[]>();
  beforeAll(async () => {
    for (const size of ["large", "small"] as const) digests.set(size, await unkilledDigests(size));
  });
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));
  const newFolder = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-crash-"));
    folders.push(folder);
    return join(folder, ".millrace");
  };

  // A run of eight steps begins 10 transactions: its start, one a step, its end; and one more for each step that is slow
  // enough to show as running. Folders for artifacts are made once.
  const large: Readonly<Partial<Record<Failpoint, readonly number[]>>> = {
    "store.foldersMade": [1],
    "store.migrating": [1],
    "store.migrated": [1],
    "artifact.adopting": [1, 4, 8],
    "artifact.synced": [1, 5, 8],
    "artifact.folderMade": [1],
    "artifact.renaming": [1, 6, 8],
    "artifact.renamed": [1, 2, 8],
    "artifact.kept": [1, 4, 8],
    "transaction.begun": [1, 5, 10],
    "transaction.committing": [1, 3, 10],
    "transaction.committed": [1, 7, 10],
    "log.syncing": [1, 5, 8],
    "log.synced": [1, 4, 8],
    "log.emptying": [1],
    "log.emptied": [1],
  };
  // Every other one is written as a file by its codec, and from memory into a file made ahead: of these four the end is noted
  // as one row, and a second transaction writes the others. The files are synced when the store is closed, at the latest.
  const small: typeof large = {
    "artifact.adopting": [1, 8],
    "artifact.placing": [1, 5, 8],
    "artifact.writing": [1, 2, 4],
    "artifact.written": [1, 3, 4],
    "artifact.linked": [1, 4, 8],
    "artifact.placed": [1, 4, 8],
    "transaction.committing": [1, 3, 4, 5, 10, 14],
    "transaction.committed": [1, 3, 4, 5, 7, 14],
    "log.syncing": [1, 6, 8],
    "log.synced": [1, 3, 8],
    "unsynced.settling": [1],
    "unsynced.fileSynced": [1, 8],
    "unsynced.settled": [1],
    "log.emptied": [1],
  };
  const failpoints = Object.entries({ large, small }).flatMap(([size, passings]) =>
    Object.entries(passings).flatMap(([point, nths]) => nths.map((nth) => [size as Size, point, nth] as const)),
  );
  it("is killed at every failpoint it passes", () => {
    expect(new Set(failpoints.map(([, point]) => point))).toEqual(failpointsOf("a run"));
  });

  it.each(failpoints)(
    "loses and repeats nothing that was committed: %s artifacts, at %s, passing %i",
    async (size, point, nth) => {
      const folder = await newFolder();
      const killed = await runChild(["run", folder, point, String(nth), String(sizes[size])]);
      expect(killed.signal).toBe("SIGKILL");
      await expectResumes(folder, killed, size, digests.get(size)!);
    },
  );

  it("is resumed after being killed at one step after another", async () => {
    const folder = await newFolder();
    const started: string[] = [];
    for (let i = 0; i < 4; ++i) {
      const killed = await runChild(["run", folder, "transaction.committed", "3"]);
      expect(killed.signal).toBe("SIGKILL");
      started.push(...killed.lines.filter((line) => line.startsWith("started")));
    }
    const last = await runChild(["run", folder]);
    expect(last.code).toBe(0);
    started.push(...last.lines.filter((line) => line.startsWith("started")));
    expect(started.length).toBeLessThanOrEqual(8 + 4);
    const finished = last.lines.filter((line) => line.startsWith("finished")).map((line) => line.split(" ")[3]);
    expect(finished).toEqual(digests.get("large"));
    await expectSound(folder);
  });

  it("three processes share one store without an error and without damage", async () => {
    const folder = await newFolder();
    const ended = await Promise.all([1, 2, 3].map(() => runChild(["repeat", folder, "6"])));
    expect(ended.map(({ code, errors }) => ({ code, errors }))).toEqual(ended.map(() => ({ code: 0, errors: "" })));
    const store = await openStore(folder, { clock });
    const runs = await listRuns(store);
    expect(runs.map((run) => run.status)).toEqual(runs.map(() => "succeeded"));
    expect(runs).toHaveLength(18);
    await store.close();
    await expectSound(folder);
  });
});
