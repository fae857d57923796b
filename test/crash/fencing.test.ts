import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { listRuns, showRun } from "../../src/engine/runs.ts";
import { watchLeases } from "../../src/store/leases.ts";
import { openStore } from "../../src/store/open.ts";
import type { Store } from "../../src/store/open.ts";
import { interruptOrphans } from "../../src/store/orphans.ts";
import { startChild } from "./children.ts";
import { childOfSuite } from "./suite.ts";
import { eightSteps } from "./workflow.ts";

const child = childOfSuite();

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-fence-"));
  store = await openStore(join(folder, ".millrace"), { clock });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

/** Looks until a run has lost its process; gives its id. */
async function findOrphan(hereMs: number): Promise<{ runId: string }> {
  const watch = watchLeases(clock.monotonic, { here: hereMs, elsewhere: 60_000 });
  for (;;) {
    const [runId] = await interruptOrphans(store.database, clock, watch);
    if (runId !== undefined) return { runId };
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const resumed = (runId: string): ReturnType<typeof runWorkflow> =>
  runWorkflow(
    eightSteps(() => {}),
    { store, clock, resume: runId },
  );

/** The steps a zombie is stopped in: a few, or as many as the long form asks for. */
const stoppedIn = Array.from(
  { length: Number(process.env["MILLRACE_CRASH_FENCINGS"] ?? 4) },
  (_, i) => ["step-0", "step-2", "step-4", "step-7"][i % 4]!,
);

describe.skipIf(process.platform !== "linux")("a run that stands still while another process takes it over", () => {
  it.each(stoppedIn)("commits nothing more when it wakes in %s", async (step) => {
    const zombie = startChild(child.path, ["slow", store.folder, step]);
    await zombie.said(`holding ${step}`);
    zombie.process.kill("SIGSTOP");
    const { runId } = await findOrphan(200);
    const before = await showRun(store, runId);
    expect(before.status).toBe("interrupted");
    const result = await resumed(runId);
    expect(result).toMatchObject({ status: "succeeded", runId });
    const after = await showRun(store, runId);
    zombie.process.kill("SIGCONT");
    const ended = await zombie.ended;
    expect(ended.errors).toContain("FENCED");
    expect(ended.code).toBe(1);
    expect(await showRun(store, runId)).toEqual(after);
    expect(after).toMatchObject({ status: "succeeded", attempt: 2 });
    const twice = after.steps.filter((s) => s.status === "ran").map((s) => s.step);
    expect(twice).toEqual([...new Set(twice)]);
    expect(twice).toHaveLength(8);
  });

  it("loses its run even where it wakes while the other is still at work", async () => {
    const zombie = startChild(child.path, ["slow", store.folder, "step-1"]);
    await zombie.said("holding step-1");
    zombie.process.kill("SIGSTOP");
    const { runId } = await findOrphan(200);
    const workflow = eightSteps((step) => void (step === "step-3" && zombie.process.kill("SIGCONT")));
    const result = await runWorkflow(workflow, { store, clock, resume: runId });
    expect(result.status).toBe("succeeded");
    expect((await zombie.ended).errors).toContain("FENCED");
    expect((await listRuns(store)).map((run) => [run.status, run.attempt])).toEqual([["succeeded", 2]]);
  });
});

describe("a run whose process was killed", () => {
  /** The long form (`npm run bench -- store/crash-long`) kills more. */
  const nDetections = Number(process.env["MILLRACE_CRASH_DETECTIONS"] ?? 3);

  it(`is found within two seconds, ${nDetections} times`, { timeout: 300_000 + 10_000 * nDetections }, async () => {
    const watch = watchLeases(clock.monotonic);
    for (let i = 0; i < nDetections; ++i) {
      const killed = startChild(child.path, ["slow", store.folder, "step-7"]);
      await killed.said("holding");
      killed.process.kill("SIGKILL");
      const start = clock.monotonic();
      let found: readonly string[] = [];
      while (found.length === 0 && clock.monotonic() < start + 10_000) {
        found = await interruptOrphans(store.database, clock, watch);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(found).toHaveLength(1);
      expect(clock.monotonic() - start).toBeLessThan(2_000);
    }
  });

  it("is found at once and goes on from its last committed step, under its own id", async () => {
    const killed = startChild(child.path, ["slow", store.folder, "step-5"]);
    await killed.said("holding step-5");
    killed.process.kill("SIGKILL");
    await killed.ended;
    const found = await interruptOrphans(store.database, clock, watchLeases(clock.monotonic));
    expect(found).toHaveLength(1);
    const runId = found[0]!;
    const repeated: string[] = [];
    const result = await runWorkflow(
      eightSteps((step) => repeated.push(step)),
      { store, clock, resume: runId },
    );
    expect(result).toMatchObject({ status: "succeeded", runId });
    expect(repeated).toEqual(["step-5", "step-6", "step-7"]);
    const run = await showRun(store, runId);
    expect(run).toMatchObject({ status: "succeeded", attempt: 2 });
    expect(run.steps.find((s) => s.step === "step-5" && s.attempt === 1)?.status).toBe("interrupted");
    expect(run.steps.find((s) => s.step === "step-5" && s.attempt === 2)?.status).toBe("ran");
  });

  it("is not taken from a process that works, nor resumed twice", async () => {
    const busy = startChild(child.path, ["slow", store.folder, "step-1"]);
    await busy.said("holding step-1");
    const [run] = await listRuns(store);
    await expect(resumed(run!.runId)).rejects.toMatchObject({ code: "RUN_HELD" });
    const watch = watchLeases(clock.monotonic, { here: 0, elsewhere: 0 });
    for (let i = 0; i < 3; ++i) expect(await interruptOrphans(store.database, clock, watch)).toEqual([]);
    expect((await busy.ended).code).toBe(0);
    await expect(resumed(run!.runId)).rejects.toMatchObject({ code: "RUN_NOT_RESUMABLE" });
    await expect(resumed("20200101-000000-0000")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});
