import { describe, expect, it } from "vitest";
import { of, run, store } from "./define.fixtures.ts";
import { map, onlyIf, step } from "./define.ts";
import { showRun } from "./runs.ts";
import type { RunListener } from "./step.ts";

/** Status, error and reason of every attempt on record. */
async function recorded(runId: string): Promise<readonly (readonly [string, string, string | null])[]> {
  const { steps } = await showRun(store, runId);
  return steps.map((one) => [`${one.step} ${one.attempt}`, one.status, one.reason ?? one.error?.message ?? null]);
}

describe("a run that is cancelled", () => {
  it("ends as that where steps waited for their turn, though the one at work heeds nothing", async () => {
    const controller = new AbortController();
    const busy = step({ name: "busy", run: () => (controller.abort(), 1) });
    const waiting = step({ name: "waiting", run: () => 2 });
    const { runId, status, error } = await run(of(busy, waiting), { jobs: 1, signal: controller.signal });
    expect([status, error]).toMatchObject(["cancelled", { code: "CANCELLED" }]);
    expect((await showRun(store, runId)).status).toBe("cancelled");
    expect(await recorded(runId)).toEqual([
      ["busy 1", "ran", null],
      ["waiting 1", "skipped", "the run was cancelled"],
    ]);
  });

  it("ends as that within a fan-out, and keeps the elements that were done", async () => {
    const controller = new AbortController();
    const list = step({ name: "list", run: () => [1, 2, 3] });
    const each = map(list.output, (n) =>
      step({ name: "each", inputs: { n }, run: ({ inputs }) => (controller.abort(), inputs.n) }),
    );
    const last = step({ name: "last", inputs: { each: each.output }, run: () => 1 });
    const { runId, status } = await run(of(last), { jobs: 1, signal: controller.signal });
    expect(status).toBe("cancelled");
    const steps = new Map((await recorded(runId)).map(([name, ...rest]) => [name, rest]));
    expect([steps.get("each[0] 1"), steps.get("each 1"), steps.get("last 1")]).toEqual([
      ["ran", null],
      ["skipped", "the run was cancelled"],
      ["skipped", "the run was cancelled"],
    ]);
    expect(steps.has("each[1] 1")).toBe(false);
  });

  it("waits for no second attempt, and leaves the first one's failure on record, where it stood while the run waited", async () => {
    const controller = new AbortController();
    const seen: unknown[] = [];
    const flaky = step({
      name: "flaky",
      retry: { attempts: 3, delay: "1h", maxDelay: "1h" },
      run: (): number => {
        throw new Error("no luck");
      },
    });
    const { runId, status } = await run(of(flaky), {
      signal: controller.signal,
      listener: {
        runStarted: (event) => {
          setTimeout(async () => {
            seen.push(...(await recorded(event.runId)));
            controller.abort();
          }, 300);
        },
      },
    });
    expect(status).toBe("cancelled");
    const first = ["flaky 1", "failed", 'step "flaky" failed: no luck'];
    expect(seen).toEqual([first]);
    expect(await recorded(runId)).toEqual([first, ["flaky 2", "skipped", "the run was cancelled"]]);
  });
});

it("a step that waits for its second attempt while another fails leaves the first one's failure on record", async () => {
  let fail = (): void => {};
  const isWaiting = new Promise<void>((resolve) => (fail = resolve));
  const flaky = step({
    name: "flaky",
    retry: { attempts: 2, delay: "100ms" },
    run: (): number => {
      throw new Error("no luck");
    },
  });
  const bad = step({
    name: "bad",
    run: async (): Promise<number> => {
      await isWaiting;
      throw new Error("bad");
    },
  });
  const { runId, status } = await run(of(flaky, bad), { jobs: 2, listener: { stepRetried: () => fail() } });
  expect(status).toBe("failed");
  expect(await recorded(runId)).toEqual([
    ["flaky 1", "failed", 'step "flaky" failed: no luck'],
    ["flaky 2", "skipped", 'step "bad" failed'],
    ["bad 1", "failed", 'step "bad" failed: bad'],
  ]);
});

it("a condition that hangs is ended when the step's time is up", async () => {
  const score = step({ name: "score", run: () => 1 });
  const when = onlyIf(score.output, () => new Promise<boolean>(() => {}));
  const result = await run(of(step({ name: "ship", when, timeout: "20ms", run: () => 1 })));
  expect(result.error).toMatchObject({ code: "STEP_TIMED_OUT" });
});

it("a run whose listener throws does so once nothing is at work any more", async () => {
  let isDone = false;
  const quick = step({ name: "quick", run: () => 1 });
  const slow = step({
    name: "slow",
    run: async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      isDone = true;
      return 2;
    },
  });
  const listener = {
    stepFinished(): void {
      throw new Error("deaf");
    },
  };
  await expect(run(of(quick, slow), { jobs: 2, listener })).rejects.toThrow("deaf");
  expect(isDone).toBe(true);
});

describe("a run whose listener throws is on record as failed, with what it threw", () => {
  const deaf = (): never => {
    throw new Error("deaf");
  };
  const endings = () => store.database.selectFrom("runs").select(["status", "error_code", "error_message"]).execute();
  const listeners: readonly [string, RunListener][] = [
    ["before a step begins", { runStarted: deaf }],
    ["when a step has ended", { stepFinished: deaf }],
  ];
  it.each(listeners)("%s", async (_, listener) => {
    await expect(run(of(step({ name: "quick", run: () => 1 })), { listener })).rejects.toThrow("deaf");
    expect(await endings()).toMatchObject([{ status: "failed", error_code: "LISTENER_FAILED" }]);
    expect((await endings())[0]!.error_message).toContain("deaf");
  });

  it("or with what failed before", async () => {
    const bad = step({ name: "bad", run: deaf });
    await expect(run(of(bad), { listener: { stepFinished: deaf } })).rejects.toThrow("deaf");
    expect(await endings()).toMatchObject([{ status: "failed", error_code: "STEP_FAILED" }]);
  });
});
