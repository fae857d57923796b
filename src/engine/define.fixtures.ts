import { afterEach, beforeEach, expect } from "vitest";
import { systemClock as clock } from "../core/clock.ts";
import { openMemoryStore } from "../store/open.ts";
import type { Store } from "../store/open.ts";
import { workflow } from "./define.ts";
import type { AnyStep, DefinedWorkflow } from "./define-types.ts";
import { runWorkflow } from "./run.ts";
import type { RunOptions } from "./run.ts";
import type { RunResult } from "./step.ts";

/** The running test's own. */
export let store: Store;
beforeEach(async () => {
  store = await openMemoryStore({ clock });
});
afterEach(() => store.close());

export const run = (defined: DefinedWorkflow, options: Partial<RunOptions> = {}): Promise<RunResult> =>
  runWorkflow(defined.compile(null), { store, clock, ...options });

/** What a workflow's last step wrote as its JSON output. */
export async function lastValue(result: RunResult): Promise<unknown> {
  expect(result.error).toBeNull();
  const digest = result.steps.at(-1)!.outputs.get("output")!;
  return JSON.parse(Buffer.from(await store.artifacts.readBytes(digest)).toString()) as unknown;
}

export const of = (...steps: AnyStep[]): DefinedWorkflow => workflow({ name: "w", steps });
