import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { canUseWorkers, dismissIdleWorkers, runCrew } from "./crew.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-crew-"));
const module = path.join(folder, "member.cjs");
fs.writeFileSync(module, "exports.runMember = (payload) => payload;");
afterAll(() => fs.rmSync(folder, { recursive: true }));

function run(payload: number): Promise<unknown[]> {
  return runCrew({ module, payload, threads: 1, watch: () => {}, watchMs: 1000 });
}

describe.skipIf(!canUseWorkers())("a crew's workers (skipped without dist/)", () => {
  const started: Worker[] = [];
  const note = (worker: Worker): void => void started.push(worker);
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    process.on("worker", note);
  });
  afterEach(async () => {
    vi.useRealTimers();
    process.off("worker", note);
    await dismissIdleWorkers();
    started.length = 0;
  });

  it("end with what they hold when nothing was asked of them for five seconds", async () => {
    expect(await run(1)).toEqual([1]);
    vi.advanceTimersByTime(4000);
    expect(await run(2)).toEqual([2]);
    vi.advanceTimersByTime(4000);
    expect(await run(3)).toEqual([3]);
    expect(started).toHaveLength(1);
    const ended = once(started[0]!, "exit");
    vi.advanceTimersByTime(5000);
    await ended;
    expect(await run(4)).toEqual([4]);
    expect(started).toHaveLength(2);
  });
});
