import { expect } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { showRun } from "../../src/engine/runs.ts";
import { openMemoryStore, type Store } from "../../src/store/open.ts";
import { seededSteps } from "./workflow.ts";

/** A run of `seededSteps` whose processes were killed made what one makes that nobody disturbs. */
export async function expectLikeUnkilled(store: Store, runId: string): Promise<void> {
  const { seed, steps } = await showRun(store, runId);
  const fresh = await openMemoryStore({ clock });
  const result = await runWorkflow(seededSteps(seed), { store: fresh, clock });
  await fresh.close();
  const kept = new Map(steps.flatMap((step) => step.outputs.map(({ digest }) => [step.step, digest])));
  expect([...kept.values()].sort()).toEqual(result.steps.map((step) => step.outputs.get("bytes")!).sort());
}
