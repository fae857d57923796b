import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { canUseWorkers, dismissIdleWorkers, runCrew } from "./crew.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-crew-"));
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** The path of a member that does so. */
function memberThat(name: string, runMember: string): string {
  const file = path.join(folder, `${name}.cjs`);
  fs.writeFileSync(file, `exports.runMember = ${runMember};`);
  return file;
}

function run(module: string, payload: number, threads = 1): Promise<unknown[]> {
  return runCrew({ module, payload, threads, watch: () => {}, watchMs: 1000 });
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
    const echo = memberThat("echo", "(payload) => payload");
    expect(await run(echo, 1)).toEqual([1]);
    vi.advanceTimersByTime(4000);
    expect(await run(echo, 2)).toEqual([2]);
    vi.advanceTimersByTime(4000);
    expect(await run(echo, 3)).toEqual([3]);
    expect(started).toHaveLength(1);
    const ended = once(started[0]!, "exit");
    vi.advanceTimersByTime(5000);
    await ended;
    expect(await run(echo, 4)).toEqual([4]);
    expect(started).toHaveLength(2);
  });
});

describe.skipIf(!canUseWorkers())("a crew (skipped without dist/)", () => {
  afterAll(dismissIdleWorkers);

  it("fails as a whole when one thread fails, instead of waiting for it", async () => {
    const text = "async (_, team) => { if (team.thread === 1) throw new Error('thread 1 broke'); team.barrier(); }";
    await expect(run(memberThat("failing", text), 0, 3)).rejects.toThrow("thread 1 broke");
  });

  it("fails as a whole when one thread dies", async () => {
    const text = "async (_, team) => { if (team.thread === 1) process.exit(3); team.barrier(); }";
    await expect(run(memberThat("dying", text), 0, 2)).rejects.toThrow("ended with code 3");
  });

  it("fails as a whole where its member cannot be loaded, and serves the next run", async () => {
    await expect(run(path.join(folder, "absent.cjs"), 0, 2)).rejects.toThrow("Cannot find module");
    expect(await run(memberThat("after", "(payload, team) => payload + team.thread"), 5, 2)).toEqual([5, 6]);
  });

  it("loads early what it will be asked for next, and says what is wrong with it when it is asked", async () => {
    const next = memberThat("broken", "(");
    const module = memberThat("before", "() => 1");
    const both = { payload: null, threads: 1, watch: () => {}, watchMs: 1000 };
    expect(await runCrew({ ...both, module, next })).toEqual([1]);
    await expect(runCrew({ ...both, module: next })).rejects.toThrow("Unexpected token");
  });
});
