import { readdirSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, systemClock as clock } from "../core/clock.ts";
import { backUp, restoreBackup } from "./backup.ts";
import type { Failpoint } from "./hooks.ts";
import { leaseMs, listLeases, takeLease } from "./leases.ts";
import { openStore } from "./open.ts";
import type { Store } from "./open.ts";
import { loadSqlite, type SqliteDatabase } from "./sqlite.ts";
import { addArtifact, addRun, temporaryStore } from "./store.fixtures.ts";
import { verifyStore } from "./verify.ts";

let root: string;
let store: Store;
let end: () => Promise<void>;
beforeEach(async () => {
  ({ root, store, end } = await temporaryStore());
});
afterEach(() => end());

describe("a backup", () => {
  const target = (): string => join(root, "backup");

  it.each([true, false])("restores to the same store, whether artifacts are copied (%s) or linked", async (copy) => {
    const digest = await addArtifact(store, "bytes");
    await addRun(store, 1, digest);
    await addRun(store, 2, digest, { runStatus: "running" });
    expect(await backUp(store, clock, target(), { copy })).toEqual({ path: target(), artifacts: 1, bytes: 5 });
    expect((await stat(join(target(), "artifacts", digest.slice(7, 9), digest.slice(9)))).nlink).toBe(copy ? 1 : 2);
    await addRun(store, 3, await addArtifact(store, "later"));
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
          else await addRun(store, next, await addArtifact(store, `run ${next}`)).then(() => (written = next));
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

  it("restores to what was written, whatever those who look into it leave beside its database", async () => {
    await addRun(store, 1, await addArtifact(store, "bytes"));
    await backUp(store, clock, target());
    const other = await openStore(target(), { clock });
    await other.database.updateTable("runs").set({ status: "failed" }).execute();
    expect((await stat(join(target(), "metadata.sqlite-wal"))).size).toBeGreaterThan(0);
    const path = join(root, "restored");
    await restoreBackup(target(), path, clock, { force: false });
    await other.close();
    const restored = await openStore(path, { clock });
    expect(await restored.database.selectFrom("runs").select(["id", "status"]).execute()).toEqual([
      { id: "run-1", status: "succeeded" },
    ]);
    await restored.close();
  });

  it("holds the prediction log but for what is swept while it is taken", async () => {
    const log = join(store.folder, "predictions", "m");
    await mkdir(log, { recursive: true });
    await writeFile(join(log, "kept"), "lines");
    await writeFile(join(log, "..", ".DS_Store"), "anything");
    // A name that leads nowhere is listed, and gone for whoever asks on.
    await symlink("nowhere", join(log, "swept"));
    await backUp(store, clock, target());
    const copied = await readdir(join(target(), "predictions"), { recursive: true });
    expect(copied.sort()).toEqual([".DS_Store", "m", join("m", "kept")]);
    expect(await readFile(join(target(), "predictions", "m", "kept"), "utf8")).toBe("lines");
  });

  it("is not taken where its own log cannot be emptied, and nothing is left of it", async () => {
    await addRun(store, 1, await addArtifact(store, "bytes"));
    const { DatabaseSync } = await loadSqlite();
    let reader: SqliteDatabase | undefined;
    const hooks = {
      reached(point: Failpoint): void {
        if (point !== "backup.linking") return;
        const partial = readdirSync(root).find((name) => name.includes(".partial-"))!;
        reader = new DatabaseSync(join(root, partial, "metadata.sqlite"));
        reader.exec("begin; select * from runs");
      },
    };
    await expect(backUp({ ...store, hooks }, clock, target())).rejects.toMatchObject({
      code: "STORE_UNWRITABLE",
      message: expect.stringContaining("its log could not be emptied"),
    });
    reader!.close();
    expect(await readdir(root)).toEqual([".millrace"]);
  });

  it("replaces nothing without being told to, and nothing at all where it is damaged", async () => {
    const digest = await addArtifact(store, "bytes");
    await addRun(store, 1, digest);
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
