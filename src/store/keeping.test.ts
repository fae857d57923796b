import { appendFile, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock as clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { backUp, restoreBackup } from "./backup.ts";
import { createDiskArtifacts } from "./disk-artifacts.ts";
import { noteForgotten } from "./forgotten.ts";
import { collectGarbage } from "./gc.ts";
import { noHooks } from "./hooks.ts";
import type { Failpoint } from "./hooks.ts";
import { leaseMs, listLeases, takeLease } from "./leases.ts";
import { openStore } from "./open.ts";
import type { Store } from "./open.ts";
import { sealRun } from "./seals.ts";
import { addArtifact, temporaryFolder } from "./store.fixtures.ts";
import { verifyStore } from "./verify.ts";

let root: string;
let remove: () => Promise<void>;
let store: Store;
beforeEach(async () => {
  ({ path: root, remove } = await temporaryFolder());
  store = await openStore(join(root, ".millrace"), { clock });
});
afterEach(async () => {
  await store.close();
  await remove();
});

/** A finished run of one step, which ran or was answered by an earlier one. */
async function addRun(
  sequence: number,
  digest: Digest,
  options: { workflow?: string; key?: string; status?: "ran" | "cached"; runStatus?: "succeeded" | "running" } = {},
): Promise<string> {
  const { workflow = "w", key = `key ${sequence}`, status = "ran", runStatus = "succeeded" } = options;
  const id = `run-${sequence}`;
  const of = { run_id: id, step: "s", attempt: 1 };
  await store.database.transaction().execute(async (transaction) => {
    const process = { host: "elsewhere", pid: 1, process_started: "1" };
    await transaction
      .insertInto("runs")
      .values({ id, workflow, seed: 1, status: runStatus, started_at: 1, sequence, attempt: 1, ...process })
      .execute();
    await transaction
      .insertInto("steps")
      .values({ ...of, position: 0, status, cache_key: key })
      .execute();
    await transaction
      .insertInto("artifacts")
      .values({ digest, size: (await store.artifacts.sizeOf(digest))! })
      .onConflict((c) => c.doNothing())
      .execute();
    await transaction
      .insertInto("step_outputs")
      .values({ ...of, output: "o", digest, type: "t", format: 1 })
      .execute();
    if (status === "ran")
      await transaction
        .insertInto("cache_entries")
        .values({ ...of, cache_key: key })
        .execute();
    await transaction.updateTable("counters").set({ value: sequence, twin: -sequence }).execute();
    await sealRun(transaction, id);
  });
  return id;
}

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
    await addVersion(version, await addRun(1, kept));
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
      ids.push(await addRun(i + 1, digest, { workflow: i === 4 ? "other" : "w" }));
    await addVersion(digests[0]!, ids[0]!);
    expect((await gc(1)).runs).toEqual(["run-3", "run-2"]);
    expect(await files()).toEqual([digests[0], digests[3], digests[4]].sort());
    const left = await store.database.selectFrom("runs").select("id").orderBy("sequence").execute();
    expect(left.map(({ id }) => id)).toEqual(["run-1", "run-4", "run-5"]);
    expect((await verifyStore(store.folder, clock)).faults).toEqual([]);
  });

  it("lets a later run answer for a cache key whose first run goes", async () => {
    const digest = await addArtifact(store, "shared");
    await addRun(1, digest, { key: "k" });
    await addRun(2, digest, { key: "k", status: "cached" });
    await gc(1);
    const answers = await store.database.selectFrom("cache_entries").selectAll().execute();
    expect(answers).toEqual([{ cache_key: "k", run_id: "run-2", step: "s", attempt: 1 }]);
    expect(await files()).toEqual([digest]);
  });

  it("keeps what replaced a forgotten artifact, in the end, for as long as a run names that one", async () => {
    const digests: Digest[] = [];
    for (const name of ["first", "second", "third", "of another run"]) digests.push(await addArtifact(store, name));
    const [first, second, third, other] = digests as [Digest, Digest, Digest, Digest];
    await addRun(1, first);
    await addRun(2, other);
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

describe("a backup", () => {
  const target = (): string => join(root, "backup");

  it.each([true, false])("restores to the same store, whether artifacts are copied (%s) or linked", async (copy) => {
    const digest = await addArtifact(store, "bytes");
    await addRun(1, digest);
    await addRun(2, digest, { runStatus: "running" });
    expect(await backUp(store, clock, target(), { copy })).toEqual({ path: target(), artifacts: 1, bytes: 5 });
    expect((await stat(join(target(), "artifacts", digest.slice(7, 9), digest.slice(9)))).nlink).toBe(copy ? 1 : 2);
    await addRun(3, await addArtifact(store, "later"));
    const path = join(root, "restored");
    expect(await restoreBackup(target(), path, clock, { force: false })).toEqual({ path, artifacts: 1, bytes: 5 });
    const restored = await openStore(path, { clock });
    const runs = await restored.database.selectFrom("runs").select(["id", "status"]).orderBy("sequence").execute();
    expect(runs).toEqual([
      { id: "run-1", status: "succeeded" },
      { id: "run-2", status: "interrupted" },
    ]);
    expect(Buffer.from(await restored.artifacts.readBytes(digest)).toString()).toBe("bytes");
    await restored.close();
    expect((await verifyStore(path, clock)).faults).toEqual([]);
    expect(await readdir(root)).toEqual([".millrace", "backup", "restored"]);
  });

  /** The long form (`npm run bench -- store/crash-long`) takes more. */
  const nBackups = Number(process.env["MILLRACE_CRASH_BACKUPS"] ?? 5);

  it(
    `is taken while others write, and restores to a whole store, ${nBackups} times`,
    { timeout: 600_000 },
    async () => {
      const done = new AbortController();
      let [written, taken] = [0, 0];
      const writing = (async (): Promise<void> => {
        while (!done.signal.aborted) {
          const next = written + 1;
          // Each backup is verified whole: the store must not grow faster than that takes.
          if (next > 10 * (taken + 1)) await new Promise((resolve) => setTimeout(resolve, 1));
          else await addRun(next, await addArtifact(store, `run ${next}`)).then(() => (written = next));
        }
      })();
      const other = await openStore(store.folder, { clock });
      for (; taken < nBackups; ++taken) {
        const before = written;
        await backUp(other, clock, target());
        const path = join(root, "restored");
        await restoreBackup(target(), path, clock, { force: false });
        const verified = await verifyStore(path, clock);
        expect(verified.faults).toEqual([]);
        // Whatever was committed before it began is in it.
        expect(verified.runs).toBeGreaterThanOrEqual(before);
        for (const folder of [target(), path]) await rm(folder, { recursive: true });
      }
      expect((await verifyStore(store.folder, clock)).faults).toEqual([]);
      done.abort();
      await writing;
      await other.close();
    },
  );

  it("replaces nothing without being told to, and nothing at all where it is damaged", async () => {
    const digest = await addArtifact(store, "bytes");
    await addRun(1, digest);
    await backUp(store, clock, target());
    await expect(backUp(store, clock, target())).rejects.toMatchObject({ code: "STORE_NOT_EMPTY" });
    const restore = (force: boolean): Promise<unknown> => restoreBackup(target(), store.folder, clock, { force });
    await expect(restore(false)).rejects.toMatchObject({ code: "STORE_NOT_EMPTY" });
    const artifact = join(target(), "artifacts", digest.slice(7, 9), digest.slice(9));
    await rm(artifact);
    await writeFile(artifact, "bytez");
    await expect(restore(true)).rejects.toMatchObject({
      code: "BACKUP_UNUSABLE",
      message: expect.stringContaining(digest.slice(9)),
    });
    await appendFile(join(target(), "metadata.sqlite"), "x");
    await expect(restore(true)).rejects.toMatchObject({ code: "BACKUP_UNUSABLE" });
    await expect(restoreBackup(join(root, "none"), store.folder, clock, { force: true })).rejects.toMatchObject({
      code: "BACKUP_UNUSABLE",
    });
    expect(await readFile(store.artifacts.pathOf(digest), "utf8")).toBe("bytes");
    expect((await verifyStore(store.folder, clock)).faults).toEqual([]);
  });

  it("is refused while garbage is collected, and not for one who began to and is silent since, on another machine", async () => {
    await store.database.transaction().execute((transaction) => takeLease(transaction, "gc"));
    await expect(backUp(store, clock, target())).rejects.toMatchObject({ code: "STORE_IN_USE" });
    await store.database.updateTable("leases").set({ host: "elsewhere" }).execute();
    let monotonicMs = 0;
    const hasty: Clock = { now: clock.now, monotonic: () => (monotonicMs += leaseMs.elsewhere) };
    expect(await backUp(store, hasty, target())).toMatchObject({ artifacts: 0 });
    expect(await listLeases(store.database)).toEqual([]);
  });

  it.each(["before", "while the backup is copied"])(
    "does not replace a store that somebody works in, %s",
    async (when) => {
      await backUp(store, clock, target());
      const take = (): Promise<unknown> =>
        store.database.transaction().execute((transaction) => takeLease(transaction, "run:x"));
      let taken = when === "before" ? take() : Promise.resolve<unknown>(null);
      await taken;
      const reached = (point: Failpoint): void => {
        if (point === "restore.copied") taken = take();
      };
      await expect(
        restoreBackup(target(), store.folder, clock, { force: true, hooks: { reached } }),
      ).rejects.toMatchObject({ code: "STORE_IN_USE" });
      await taken;
      expect(await listLeases(store.database)).toHaveLength(1);
      expect((await readdir(root)).sort()).toEqual([".millrace", "backup"]);
    },
  );
});
