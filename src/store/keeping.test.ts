import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock as clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { createDiskArtifacts } from "./disk-artifacts.ts";
import { noteForgotten } from "./forgotten.ts";
import { collectGarbage } from "./gc.ts";
import { noHooks } from "./hooks.ts";
import { listLeases, takeLease } from "./leases.ts";
import type { Store } from "./open.ts";
import { addArtifact, addRun, temporaryStore } from "./store.fixtures.ts";
import { verifyStore } from "./verify.ts";

let root: string;
let store: Store;
let end: () => Promise<void>;
beforeEach(async () => {
  ({ root, store, end } = await temporaryStore());
});
afterEach(() => end());

async function addVersion(digest: Digest, runId: string): Promise<void> {
  const row = { model: "m", version: 1, digest, run_id: runId, created_at: 1 };
  await store.database.insertInto("versions").values(row).execute();
}

async function files(folder = store.folder): Promise<string[]> {
  const found: string[] = [];
  for await (const { digest } of createDiskArtifacts(folder, noHooks).stored()) found.push(digest);
  return found.sort();
}

const gc = (keepRuns: number | null, dryRun = false): ReturnType<typeof collectGarbage> =>
  collectGarbage(store, clock, { keepRuns, dryRun });

describe("collecting garbage", () => {
  it("removes files that nothing refers to and nothing else, and says the same when only asked", async () => {
    const kept = await addArtifact(store, "kept");
    const version = await addArtifact(store, "version");
    await addArtifact(store, "left over by a crash");
    await addVersion(version, await addRun(store, 1, kept));
    const report = { runs: [], artifacts: 1, bytes: 20, temporaryFiles: 0 };
    expect(await gc(null, true)).toEqual(report);
    expect(await files()).toHaveLength(3);
    expect(await gc(null)).toEqual(report);
    expect(await files()).toEqual([kept, version].sort());
    expect(await gc(null)).toEqual({ ...report, artifacts: 0, bytes: 0 });
    expect(await listLeases(store.database)).toEqual([]);
  });

  it("keeps the newest runs of each workflow, those of versions, and what they hold", async () => {
    const digests: Digest[] = [];
    for (let i = 1; i <= 5; ++i) digests.push(await addArtifact(store, `of run ${i}`));
    const ids: string[] = [];
    for (const [i, digest] of digests.entries())
      ids.push(await addRun(store, i + 1, digest, { workflow: i === 4 ? "other" : "w" }));
    await addVersion(digests[0]!, ids[0]!);
    expect((await gc(1)).runs).toEqual(["run-3", "run-2"]);
    expect(await files()).toEqual([digests[0], digests[3], digests[4]].sort());
    const left = await store.database.selectFrom("runs").select("id").orderBy("sequence").execute();
    expect(left.map(({ id }) => id)).toEqual(["run-1", "run-4", "run-5"]);
    expect((await verifyStore(store.folder, clock)).faults).toEqual([]);
  });

  it("lets a later run answer for a cache key whose first run goes", async () => {
    const digest = await addArtifact(store, "shared");
    await addRun(store, 1, digest, { key: "k" });
    await addRun(store, 2, digest, { key: "k", status: "cached" });
    await gc(1);
    const answers = await store.database.selectFrom("cache_entries").selectAll().execute();
    expect(answers).toEqual([{ cache_key: "k", run_id: "run-2", step: "s", attempt: 1 }]);
    expect(await files()).toEqual([digest]);
  });

  it("keeps what replaced a forgotten artifact, in the end, for as long as a run names that one", async () => {
    const digests: Digest[] = [];
    for (const name of ["first", "second", "third", "of another run"]) digests.push(await addArtifact(store, name));
    const [first, second, third, other] = digests as [Digest, Digest, Digest, Digest];
    await addRun(store, 1, first);
    await addRun(store, 2, other);
    const forget = async (digest: Digest, by: Digest): Promise<void> => {
      const replacement = { digest: by, size: (await store.artifacts.sizeOf(by))! };
      await store.database
        .transaction()
        .execute((transaction) => noteForgotten(transaction, { digest, replacement }, 1));
      await store.artifacts.remove([digest]);
    };
    await forget(first, second);
    await forget(second, third);
    expect((await gc(null)).artifacts).toBe(0);
    expect(await files()).toEqual([third, other].sort());
    const report = { runs: ["run-1"], artifacts: 1, bytes: 5, temporaryFiles: 0 };
    expect(await gc(1, true)).toEqual(report);
    expect(await gc(1)).toEqual(report);
    expect(await files()).toEqual([other]);
    expect(await store.database.selectFrom("forgotten").selectAll().execute()).toEqual([]);
    expect((await store.database.selectFrom("artifacts").select("digest").execute()).map((row) => row.digest)).toEqual([
      other,
    ]);
  });

  it("waits for nobody: it refuses while a run is under way, and removes only old temporary files", async () => {
    await store.database.transaction().execute((transaction) => takeLease(transaction, "run:x"));
    await expect(gc(null)).rejects.toMatchObject({ code: "STORE_IN_USE", message: expect.stringContaining("run x") });
    await store.database.deleteFrom("leases").execute();
    for (const name of ["old", "new"]) await writeFile(join(store.folder, "temporary", name), "");
    await utimes(join(store.folder, "temporary", "old"), 1, 1);
    expect((await gc(null)).temporaryFiles).toBe(1);
    expect(await readdir(join(store.folder, "temporary"))).toEqual(["new"]);
  });
});

describe("what was left beside a store", () => {
  const dayMs = 86_400_000;
  const later: Clock = { now: () => clock.now() + 2 * dayMs, monotonic: () => clock.monotonic() };

  it.each([
    ["by a process that is gone, two days ago", 999_999_999, later, []],
    ["by a process that is gone, just now", 999_999_999, clock, ["left"]],
    ["by one that is at work", process.ppid, later, ["left"]],
  ] as const)("%s, goes with garbage or stays", async (_, pid, now, left) => {
    for (const purpose of ["partial", "restoring", "replaced"])
      await mkdir(join(root, `.${basename(store.folder)}.${purpose}-${pid}-0a1b2c3d`));
    await mkdir(join(root, ".other.replaced-999999999-0a1b2c3d"));
    await collectGarbage(store, now, { keepRuns: null, dryRun: false });
    const names = await readdir(root);
    expect(names.filter((name) => name.startsWith(`.${basename(store.folder)}.`))).toHaveLength(3 * left.length);
    expect(names).toContain(".other.replaced-999999999-0a1b2c3d");
  });
});
