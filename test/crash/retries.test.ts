import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import { runWorkflow } from "../../src/engine/run.ts";
import { showRun } from "../../src/engine/runs.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import type { RetryPolicy, RunListener, RunResult } from "../../src/engine/step.ts";

/** The long form (`npm run bench -- store/crash-long`) asks for more. */
const nRuns = Number(process.env["MILLRACE_CRASH_RETRIES"] ?? 20);

let folder: string;
let store: Store;
let tries: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-retries-"));
  store = await openStore(join(folder, ".millrace"), { clock });
  tries = 0;
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

function runFailing(retry: RetryPolicy, listener: RunListener): Promise<RunResult> {
  const run = async (): Promise<void> => {
    tries += 1;
    throw new Error("as ever");
  };
  const step = { name: "failing", inputs: [], outputs: [], params: {}, code: "1", retry, run };
  return runWorkflow({ name: "w", seed: 1, steps: [step] }, { store, clock, listener });
}

const policy = { attempts: 3, delayMs: 8, factor: 2, maxDelayMs: 12 };

it(`a step that always fails is tried so often and no more, at times of its own, in each of ${nRuns} runs`, async () => {
  const waits: number[][] = [];
  for (let i = 0; i < nRuns; ++i) {
    const delays: number[] = [];
    const result = await runFailing(policy, { stepRetried: ({ delayMs }) => void delays.push(delayMs) });
    expect(result).toMatchObject({ status: "failed", error: { code: "STEP_FAILED" } });
    const attempts = (await showRun(store, result.runId)).steps.map(({ attempt, status }) => `${attempt} ${status}`);
    expect(attempts).toEqual(["1 failed", "2 failed", "3 failed"]);
    waits.push(delays);
  }
  expect(tries).toBe(3 * nRuns);
  for (const [first, second, ...more] of waits) {
    expect(first).toBeGreaterThanOrEqual(4);
    expect(first).toBeLessThanOrEqual(8);
    expect(second).toBeGreaterThanOrEqual(6);
    expect(second).toBeLessThanOrEqual(12);
    expect(more).toEqual([]);
  }
  expect(new Set(waits.map(String)).size).toBeGreaterThan(2);
});

it("the processor rests while a step waits for its next attempt", async () => {
  let before = process.cpuUsage();
  let waitMs = 0;
  await runFailing(
    { attempts: 2, delayMs: 4_000, factor: 1, maxDelayMs: 4_000 },
    {
      stepRetried({ delayMs }) {
        before = process.cpuUsage();
        waitMs = delayMs;
      },
    },
  );
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(0.05 * waitMs);
});
