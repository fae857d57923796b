import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import { sha256 } from "../../src/core/digest.ts";
import { isMillraceError } from "../../src/core/errors/error.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { backUp, restoreBackup } from "../../src/store/backup.ts";
import { collectGarbage } from "../../src/store/gc.ts";
import type { Failpoint, StoreHooks } from "../../src/store/hooks.ts";
import { openMemoryStore, openStore } from "../../src/store/open.ts";
import { runOf } from "../../src/store/store.fixtures.ts";
import { verifyStore } from "../../src/store/verify.ts";
import type { RunResult, Step, Workflow } from "../../src/engine/step.ts";
import { bytes, eightSteps } from "./workflow.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-fault-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const quietSteps = eightSteps(() => {});
/** What is small lasts by its commit, before its file does. */
const nBytesSmall = 5_000;

async function digests(workflow: Workflow): Promise<string> {
  const store = await openMemoryStore({ clock });
  const { steps } = await runWorkflow(workflow, { store, clock });
  await store.close();
  return steps.map((step) => step.outputs.get("bytes")).join();
}

/** As the operating system says it. */
const injected = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

/** Fails at the n-th passing of a failpoint as the operating system would; what is only shown is passed over. */
function failAt(failpoint: Failpoint, nth: number, code: string): StoreHooks {
  let passed = 0;
  return {
    reached(point, durability) {
      if (durability !== "eventually" && point === failpoint && ++passed === nth) throw injected(code);
    },
  };
}

/** Hooks that also note what is passed. */
function watched(hooks: StoreHooks): { readonly passed: readonly Failpoint[]; readonly hooks: StoreHooks } {
  const passed: Failpoint[] = [];
  const reached: StoreHooks["reached"] = (point, durability) => {
    passed.push(point);
    hooks.reached(point, durability);
  };
  return { passed, hooks: { reached } };
}

async function expectSound(path: string): Promise<void> {
  expect((await verifyStore(path, clock)).faults).toEqual([]);
}

/** Passings a run makes of each point around a durable operation; the code changes from case to case. */
const points: readonly (readonly [Failpoint, readonly number[]])[] = [
  ["artifact.adopting", [1, 4, 8]],
  ["artifact.synced", [1, 4, 8]],
  ["artifact.renaming", [1, 4, 8]],
  ["artifact.renamed", [1, 4, 8]],
  ["transaction.begun", [1, 2, 5, 10]],
  ["transaction.committing", [1, 2, 5, 10]],
  ["log.syncing", [1, 4, 8]],
  ["log.synced", [1, 4, 8]],
];
const smallPoints: typeof points = [
  ["artifact.placing", [1, 4, 8]],
  ["artifact.writing", [1, 2, 4]],
  ["artifact.written", [1, 3, 4]],
  ["artifact.linked", [1, 4, 8]],
  ["artifact.placed", [1, 4, 8]],
  ["transaction.committing", [2, 5, 10]],
  ["log.synced", [1, 5, 8]],
];
const codes = ["ENOSPC", "EIO", "EMFILE", "EDQUOT"];
/** In the long form every passing fails with every code. */
const isLong = process.env["MILLRACE_CRASH_FAULTS"] === "all";
const passingsOf = (passings: readonly number[]): readonly number[] =>
  isLong ? Array.from({ length: passings.at(-1)! }, (_, i) => i + 1) : passings;
const casesOf = (
  size: "large" | "small",
  all: typeof points,
): readonly (readonly [string, string, Failpoint, number])[] =>
  all.flatMap(([point, passings]) =>
    passingsOf(passings).flatMap((nth, i) =>
      (isLong ? codes : [codes[(i + point.length) % codes.length]!]).map((code) => [code, size, point, nth] as const),
    ),
  );
const cases = [...casesOf("large", points), ...casesOf("small", smallPoints)];

describe("a disk that is full or fails", () => {
  it.each(cases)(
    "with %s and %s artifacts at %s, passing %i, is an error with a remedy, and the next run goes on",
    async (code, size, point, nth) => {
      const nBytes = size === "small" ? nBytesSmall : undefined;
      // So long that the file of the next output is made ahead.
      const quiet = eightSteps(() => new Promise((done) => setTimeout(done, 5)), nBytes);
      const path = join(folder, ".millrace");
      const failing = await openStore(path, { clock, hooks: failAt(point, nth, code) });
      const done: string[] = [];
      const outcome = await runWorkflow(quiet, {
        store: failing,
        clock,
        jobs: 1,
        listener: { stepFinished: ({ step, status }) => void (status === "ran" && done.push(step)) },
      }).catch((error: unknown) => ({ status: "failed", error }));
      expect(outcome.status).toBe("failed");
      expect(isMillraceError(outcome.error) && outcome.error.code).toBe("STORE_UNWRITABLE");
      await failing.close();
      await expectSound(path);
      const repeated: string[] = [];
      const store = await openStore(path, { clock });
      const result = await runWorkflow(
        eightSteps((step) => repeated.push(step), nBytes),
        { store, clock },
      );
      expect(result.status).toBe("succeeded");
      expect(result.steps.map((step) => step.outputs.get("bytes")).join()).toBe(await digests(quiet));
      expect(repeated.filter((step) => done.includes(step))).toEqual([]);
      await store.close();
      await expectSound(path);
    },
  );

  it.each(["unsynced.settling", "unsynced.settled"] as const)(
    "at %s delays what nobody waits for, and loses nothing",
    async (point) => {
      const path = join(folder, ".millrace");
      const store = await openStore(path, { clock, hooks: failAt(point, 1, "EIO") });
      const { status } = await runWorkflow(
        eightSteps(() => {}, nBytesSmall),
        { store, clock },
      );
      expect(status).toBe("succeeded");
      await expect(store.unsynced.settle()).rejects.toThrow("EIO");
      expect(await store.database.selectFrom("unsynced").select("digest").execute()).toHaveLength(8);
      await expectSound(path);
      await store.unsynced.settle();
      expect(await store.database.selectFrom("unsynced").select("digest").execute()).toEqual([]);
      await store.close();
      await expectSound(path);
    },
  );

  it("at unsynced.fileSynced writes the file anew, for its next sync may only say that all is well", async () => {
    const path = join(folder, ".millrace");
    const { passed, hooks } = watched(failAt("unsynced.fileSynced", 3, "EIO"));
    const store = await openStore(path, { clock, hooks });
    await runWorkflow(
      eightSteps(() => {}, nBytesSmall),
      { store, clock },
    );
    await store.unsynced.settle();
    expect(passed.filter((point) => point === "unsynced.puttingBack")).toHaveLength(1);
    expect(await store.database.selectFrom("unsynced").select("digest").execute()).toEqual([]);
    await store.close();
    await expectSound(path);
  });

  it("at log.emptying leaves the log to the next who opens the store", async () => {
    const path = join(folder, ".millrace");
    const { passed, hooks } = watched(failAt("log.emptying", 1, "EIO"));
    const store = await openStore(path, { clock, hooks });
    const { runId } = await runWorkflow(quietSteps, { store, clock });
    await store.close();
    expect(passed).toContain("log.emptying");
    expect(passed).not.toContain("log.emptied");
    await expectSound(path);
    const again = await openStore(path, { clock });
    expect(await again.database.selectFrom("runs").select("id").execute()).toEqual([{ id: runId }]);
    await again.close();
  });

  it.each(codes)(
    "with %s while the rows or the file of a noted end are written fails the run, which keeps it",
    async (code) => {
      for (const failpoint of ["transaction.committing", "artifact.placing"] as const) {
        const path = join(folder, failpoint);
        let isNoted = false;
        const fail: StoreHooks["reached"] = (point, durability) => {
          isNoted ||= point === "transaction.committed" && durability === "soon";
          const isOther = point === "transaction.committing" && durability !== "eventually";
          if (!isNoted || point !== failpoint || isOther) return;
          isNoted = false;
          throw injected(code);
        };
        const store = await openStore(path, { clock, hooks: { reached: fail } });
        const { steps } = eightSteps(() => {}, nBytesSmall);
        const [first] = steps;
        // Its bytes are at hand: its end is noted before its file is made.
        const one: Step = {
          ...first!,
          async run(context) {
            await context.writeBytes("bytes", bytes, new Uint8Array(10));
          },
        };
        const ended = await runWorkflow({ name: "one", seed: 1, steps: [one] }, { store, clock });
        expect(ended).toMatchObject({ status: "failed", error: { code: "STORE_UNWRITABLE" } });
        expect(await store.database.selectFrom("step_ends").select("token").execute()).toEqual([]);
        const recorded = await store.database.selectFrom("steps").select(["step", "status"]).execute();
        expect(recorded).toEqual([{ step: "step-0", status: "ran" }]);
        // And whoever goes on in this process finds its file.
        expect(await store.artifacts.readBytes(ended.steps[0]!.outputs.get("bytes")!)).toHaveLength(10);
        await store.close();
        await expectSound(path);
        const again = await openStore(path, { clock });
        const result = await runWorkflow({ name: "one", seed: 1, steps: [one] }, { store: again, clock });
        expect(result.steps.map(({ status }) => status)).toEqual(["cached"]);
        await again.close();
      }
    },
  );

  it("while files are written anew leaves an interrupted run as it is, to be resumed once there is space", async () => {
    let isFull = true;
    const fail: StoreHooks["reached"] = (point) => {
      if (isFull && point === "unsynced.puttingBack") throw injected("ENOSPC");
    };
    const store = await openStore(join(folder, ".millrace"), { clock, hooks: { reached: fail } });
    const lost = Buffer.from("of a process that was killed");
    const digest = sha256(lost);
    await store.database
      .insertInto("runs")
      .values(runOf("r", 1, { status: "interrupted" }))
      .execute();
    await store.database.insertInto("artifacts").values({ digest, size: lost.length }).execute();
    await store.database
      .insertInto("unsynced")
      .values({ digest, bytes: lost.toString("base64") })
      .execute();
    const resume = (): Promise<RunResult> => runWorkflow(quietSteps, { store, clock, resume: "r" });
    await expect(resume()).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
    isFull = false;
    expect(await resume()).toMatchObject({ runId: "r", status: "succeeded" });
    expect(Buffer.from(await store.artifacts.readBytes(digest))).toEqual(lost);
    await store.close();
  });

  it("at artifact.writing leaves a torn file where bytes were to stay, and the next who has them replaces it", async () => {
    const path = join(folder, ".millrace");
    const given = Buffer.from("written where they stay, for no file was made ahead yet");
    const store = await openStore(path, { clock, hooks: failAt("artifact.writing", 1, "EIO") });
    expect(() => store.unsynced.place(given)).toThrow("EIO");
    expect(store.unsynced.place(given)).toBeNull();
    const temporary = store.artifacts.temporaryPath();
    await writeFile(temporary, given);
    const { digest } = await store.unsynced.adopt(temporary);
    expect(await readFile(await store.artifacts.verifiedPath(digest))).toEqual(given);
    await store.close();
  });

  it("commits the bytes of small outputs, whether they were written before the step was shown as running or after", async () => {
    const path = join(folder, ".millrace");
    const hooks = failAt("unsynced.settling", 1, "EIO");
    const store = await openStore(path, { clock, hooks });
    const [slow] = eightSteps(() => {}, nBytesSmall).steps;
    const twice: Step = {
      ...slow!,
      outputs: ["bytes", "late"],
      async run(context) {
        await slow!.run(context);
        // A step is shown as running once it has run for 60 ms.
        await new Promise((done) => setTimeout(done, 150));
        await context.write("late", bytes, new Uint8Array(10));
      },
    };
    await runWorkflow({ name: "twice", seed: 1, steps: [twice] }, { store, clock });
    await expect(store.unsynced.settle()).rejects.toThrow("EIO");
    expect(await store.database.selectFrom("unsynced").select("digest").execute()).toHaveLength(2);
    await store.close();
  });

  it.each(codes)(
    "with %s while a file is written anew is an error with a remedy, and the next time it is",
    async (code) => {
      const path = join(folder, ".millrace");
      // At each of them: the run may take so long that one comes by itself.
      const failing: StoreHooks["reached"] = (point) => {
        if (point === "unsynced.settling") throw injected("EIO");
      };
      const store = await openStore(path, { clock, hooks: { reached: failing } });
      const { steps } = await runWorkflow(
        eightSteps(() => {}, nBytesSmall),
        { store, clock },
      );
      await expect(store.unsynced.settle()).rejects.toThrow("EIO");
      await store.close();
      await rm(store.artifacts.pathOf(steps[3]!.outputs.get("bytes")!));
      const hooks = failAt("unsynced.puttingBack", 1, code);
      await expect(openStore(path, { clock, hooks })).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
      await (await openStore(path, { clock })).close();
      await expectSound(path);
    },
  );

  it.each(
    codes.flatMap((code) => (["artifact.folderMade", "store.foldersMade"] as const).map((at) => [code, at] as const)),
  )(
    "with %s while a store is made, at %s, is an error with a remedy, and the next time it is made",
    async (code, point) => {
      const path = join(folder, ".millrace");
      const hooks = failAt(point, 1, code);
      await expect(openStore(path, { clock, hooks })).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
      await (await openStore(path, { clock })).close();
      await expectSound(path);
    },
  );

  it.each([
    "gc.rowsRemoved",
    "gc.fileRemoving",
    "backup.folderMade",
    "backup.snapshotTaken",
    "backup.linking",
    "backup.manifestWritten",
    "backup.renaming",
    "backup.renamed",
    "backup.kept",
  ] as const)("at %s leaves a sound store, and doing it again does it", async (point) => {
    const path = join(folder, ".millrace");
    const store = await openStore(path, { clock, hooks: failAt(point, 1, "EIO") });
    for (let i = 0; i < 2; ++i) await runWorkflow({ ...quietSteps, seed: i }, { store, clock });
    const again = async (): Promise<void> => {
      await backUp(store, clock, join(folder, "backup"));
      expect((await collectGarbage(store, clock, { keepRuns: 1, dryRun: false })).runs.length).toBeLessThanOrEqual(1);
    };
    await expect(again()).rejects.toThrow("EIO");
    await expectSound(path);
    await rm(join(folder, "backup"), { recursive: true, force: true });
    await again();
    await store.close();
    await expectSound(path);
    await expectSound(join(folder, "backup"));
    expect((await readdir(folder)).sort()).toEqual([".millrace", "backup"]);
  });

  it.each([
    "restore.filesCopied",
    "restore.copied",
    "restore.setAside",
    "restore.renamed",
    "restore.replaced",
    "restore.oldRemoved",
  ] as const)("at %s leaves a whole store in place", async (point) => {
    const path = join(folder, ".millrace");
    const store = await openStore(path, { clock });
    const { runId } = await runWorkflow(quietSteps, { store, clock });
    await backUp(store, clock, join(folder, "backup"));
    await store.close();
    const restoring = restoreBackup(join(folder, "backup"), path, clock, {
      force: true,
      hooks: failAt(point, 1, "EIO"),
    });
    await expect(restoring).rejects.toThrow("EIO");
    await expectSound(path);
    const again = await openStore(path, { clock });
    expect(await again.database.selectFrom("runs").select("id").execute()).toEqual([{ id: runId }]);
    await again.close();
  });
});

describe("a file system with no room left", () => {
  const mount = join(tmpdir(), `millrace-full-${process.pid}`);
  const [attach, detach] = ["mount", "umount"] as const;
  /** Needs the right to mount; elsewhere the injected errors above must do. */
  const canMount = ((): boolean => {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
    try {
      execFileSync("mkdir", ["-p", mount]);
      execFileSync(attach, ["-t", "tmpfs", "-o", "size=1536k", "tmpfs", mount], { stdio: "ignore" });
      return true;
    } catch {
      console.warn("skipped: tmpfs cannot be mounted here");
      return false;
    }
  })();
  afterEach(() => {
    if (canMount) execFileSync(detach, ["-l", mount]);
  });

  it.skipIf(!canMount)("says so, harms nothing, and goes on once there is room", async () => {
    const path = join(mount, ".millrace");
    const store = await openStore(path, { clock });
    const first = await runWorkflow(quietSteps, { store, clock }).catch((error: unknown) => ({
      status: "failed",
      error,
    }));
    expect(first.status).toBe("failed");
    expect(isMillraceError(first.error)).toBe(true);
    expect(String(first.error)).toMatch(/no space left|disk is full|ENOSPC/);
    await store.close();
    await expectSound(path);
    execFileSync(attach, ["-o", "remount,size=16m", mount]);
    const roomy = await openStore(path, { clock });
    const result = await runWorkflow(quietSteps, { store: roomy, clock });
    expect(result.status).toBe("succeeded");
    await roomy.close();
    await expectSound(path);
    await writeFile(join(mount, "done"), "");
  });
});
