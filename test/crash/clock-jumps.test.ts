import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock, type Clock } from "../../src/core/clock.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { listRuns } from "../../src/engine/runs.ts";
import { createRegistry } from "../../src/registry/registry.ts";
import { openMemoryStore, openStore, type Store } from "../../src/store/open.ts";
import { interruptOrphans } from "../../src/store/orphans.ts";
import { watchLeases } from "../../src/store/leases.ts";
import { addArtifact } from "../../src/store/store.fixtures.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { eightSteps } from "./workflow.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** What happens to a wall clock: somebody sets it, a server corrects it, a zone changes, a year has a day more. */
const jumps: readonly (readonly [string, (now: number) => number])[] = [
  ["a year back", (now) => now - 365 * dayMs],
  ["a year ahead", (now) => now + 365 * dayMs],
  ["an hour back", (now) => now - hourMs],
  ["an hour ahead", (now) => now + hourMs],
  ["to the end of a 29 February", () => Date.UTC(2028, 1, 29, 23, 59, 59, 990)],
];

/** The machine's clock, whose wall time is set to another as a person would set it. */
class SettableClock implements Clock {
  #offsetMs = 0;

  now(): number {
    return systemClock.now() + this.#offsetMs;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  jump(to: (now: number) => number): void {
    this.#offsetMs = to(this.now()) - systemClock.now();
  }
}

const quietSteps = eightSteps(() => {});
let folder: string;
let clock: SettableClock;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-clock-"));
  clock = new SettableClock();
  store = await openStore(join(folder, ".millrace"), { clock });
});
afterEach(async () => {
  await store.close();
  expect((await verifyStore(store.folder, clock)).faults).toEqual([]);
  await rm(folder, { recursive: true, force: true });
});

async function digestsElsewhere(): Promise<string[]> {
  const other = await openMemoryStore({ clock: systemClock });
  const { steps } = await runWorkflow(quietSteps, { store: other, clock: systemClock });
  await other.close();
  return steps.map((step) => step.outputs.get("bytes")!);
}

describe.each(jumps)("a clock that jumps %s", (_name, to) => {
  it("within a run changes nothing it makes, and no duration", async () => {
    const steps = eightSteps((step) => step === "step-3" && clock.jump(to));
    const before = systemClock.monotonic();
    const result = await runWorkflow(steps, { store, clock });
    const wholeMs = systemClock.monotonic() - before;
    expect(result.status).toBe("succeeded");
    expect(result.steps.map((step) => step.outputs.get("bytes"))).toEqual(await digestsElsewhere());
    for (const { durationMs } of [result, ...result.steps]) {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(durationMs).toBeLessThanOrEqual(wholeMs);
    }
  });

  it("takes no run from the process that works on it", async () => {
    const watch = watchLeases(() => clock.monotonic());
    const orphans: string[] = [];
    const look = async (): Promise<void> =>
      void orphans.push(...(await interruptOrphans(store.database, clock, watch)));
    const steps = eightSteps(async (step) => {
      await look();
      if (step === "step-2") clock.jump(to);
      await look();
    });
    expect((await runWorkflow(steps, { store, clock })).status).toBe("succeeded");
    expect(orphans).toEqual([]);
  });

  it("between runs changes neither their order nor what the cache answers", async () => {
    const ids: string[] = [];
    for (const seed of [1, 2, 3, 3]) {
      const { runId, steps } = await runWorkflow({ ...quietSteps, seed }, { store, clock });
      expect(new Set(steps.map((step) => step.status))).toEqual(new Set([ids.length === 3 ? "cached" : "ran"]));
      ids.push(runId);
      clock.jump(to);
    }
    expect(new Set(ids).size).toBe(4);
    expect((await listRuns(store)).map((run) => run.runId)).toEqual([...ids].reverse());
  });

  it("between promotions leaves history as it happened, and rolls back to what was before", async () => {
    const registry = createRegistry(store, clock);
    const { runId } = await runWorkflow(quietSteps, { store, clock });
    const who = { by: "ann", reason: "better" };
    for (const bytes of ["one", "two"]) {
      const verdict = { passed: true, reasons: [] };
      const digest = await addArtifact(store, bytes);
      const { version } = await registry.register({
        model: "prices",
        digest,
        runId,
        metrics: {},
        verdict,
        comparedWith: null,
      });
      clock.jump(to);
      await registry.promote("prices", version, who);
      clock.jump(to);
    }
    expect(await registry.rollback("prices", who)).toMatchObject({ version: 1 });
    const actions = (await registry.history("prices")).map(({ action }) => action);
    expect(actions.filter((action) => action === "promote" || action === "rollback")).toEqual([
      "promote",
      "promote",
      "rollback",
    ]);
  });

  it("sweeps away nothing that another process is writing", async () => {
    const name = `${process.ppid}-under-way`;
    await writeFile(join(store.folder, "temporary", name), "half");
    clock.jump(to);
    await (await openStore(store.folder, { clock })).close();
    expect(await readdir(join(store.folder, "temporary"))).toEqual([name]);
  });
});
