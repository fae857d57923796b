import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import { openMemoryStore } from "../store/open.ts";
import type { Store } from "../store/open.ts";
import { runWorkflow } from "./run.ts";
import { showRun } from "./runs.ts";
import type { Codec, RunListener, RunResult, Step } from "./step.ts";

const text: Codec<string> = {
  type: "text",
  format: 1,
  write: (value, path) => writeFile(path, value),
  read: async () => "",
};
const clock = fixedClock(1_000);

/** A store whose commits last when it is said so. */
let store: Store;
let memory: Store;
let waiting: { last(): void; fail(): void }[];
let events: string[];
beforeEach(async () => {
  memory = await openMemoryStore({ clock });
  [waiting, events] = [[], []];
  let isWritten = false;
  let current = Promise.resolve();
  store = {
    ...memory,
    async write(queries, fence, durability) {
      const changed = await memory.write(queries, fence, durability);
      isWritten ||= durability === "soon";
      return changed;
    },
    lasting() {
      if (!isWritten) return current;
      isWritten = false;
      const error = new MillraceError("STORE_UNWRITABLE", { path: "log", reason: "EIO" });
      current = new Promise<void>((last, reject) => waiting.push({ last, fail: () => reject(error) }));
      current.catch(() => {});
      return current;
    },
  };
});
afterEach(() => memory.close());

/** A chain of steps that say when they begin. */
function chain(names: readonly string[], parts: Partial<Step> = {}): readonly Step[] {
  return names.map((name, i) => ({
    name,
    inputs: i === 0 ? [] : [`${names[i - 1]}.out`],
    outputs: ["out"],
    params: {},
    code: "1",
    async run(context) {
      events.push(`${name} begins`);
      await context.write("out", text, name);
    },
    ...(i === 0 ? {} : parts),
  }));
}

const listener: RunListener = {
  stepStarted: ({ step }) => void events.push(`start ${step}`),
  stepFinished: ({ step, status }) => void events.push(`end ${step} ${status}`),
};

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

function run(steps: readonly Step[], signal?: AbortSignal): Promise<RunResult> {
  return runWorkflow({ name: "w", seed: 1, steps }, { store, clock, listener, ...(signal ? { signal } : {}) });
}

describe("a step that is committed and does not last yet", () => {
  it("is followed by the next, which is told of after its end; a third waits until the first lasts", async () => {
    const running = run(chain(["a", "b", "c"]));
    await until(() => waiting.length === 2);
    await settled();
    expect(events).toEqual(["start a", "a begins", "b begins"]);
    waiting[0]!.last();
    await until(() => events.includes("c begins"));
    await settled();
    expect(events).toEqual(["start a", "a begins", "b begins", "end a ran", "start b", "c begins"]);
    waiting[1]!.last();
    await until(() => waiting.length === 3);
    await settled();
    expect(events.slice(6)).toEqual(["end b ran", "start c"]);
    waiting[2]!.last();
    expect((await running).status).toBe("succeeded");
    expect(events.at(-1)).toBe("end c ran");
  });

  it("holds up one that takes all slots and may keep the thread to itself", async () => {
    const running = run(chain(["a", "b"], { slots: "all" }));
    await until(() => waiting.length === 1);
    await settled();
    expect(events).toEqual(["start a", "a begins"]);
    waiting[0]!.last();
    await until(() => waiting.length === 2);
    waiting[1]!.last();
    await running;
    expect(events.slice(2)).toEqual(["end a ran", "start b", "b begins", "end b ran"]);
  });

  it("fails the run where it may never last, with the step after it as it ends", async () => {
    const running = run(chain(["a", "b", "c"]));
    await until(() => waiting.length === 2);
    waiting[0]!.fail();
    waiting[1]!.last();
    const { runId, status, error, steps } = await running;
    expect([status, steps.map((step) => step.status)]).toEqual(["failed", ["failed", "ran", "skipped"]]);
    expect(error).toMatchObject({ code: "STORE_UNWRITABLE" });
    expect(events).toContain("end a failed");
    expect(events).not.toContain("c begins");
    const recorded = await showRun(store, runId);
    expect([recorded.status, recorded.error?.code]).toEqual(["failed", "STORE_UNWRITABLE"]);
    expect(recorded.steps.map((step) => step.status)).toEqual(["ran", "ran", "skipped"]);
  });

  it.each([
    ["lasts in the end", "cancelled", ["ran", "ran", "skipped"]],
    ["may never last", "failed", ["failed", "ran", "skipped"]],
  ] as const)(
    "is told of as it is where the run is cancelled before it lasts: one that %s",
    async (end, status, told) => {
      const controller = new AbortController();
      const running = run(chain(["a", "b", "c"]), controller.signal);
      await until(() => waiting.length === 2);
      controller.abort();
      await settled();
      expect(events).toEqual(["start a", "a begins", "b begins"]);
      if (end === "may never last") waiting[0]!.fail();
      else waiting[0]!.last();
      waiting[1]!.last();
      const result = await running;
      expect([result.status, result.steps.map((step) => step.status)]).toEqual([status, told]);
      expect((await showRun(store, result.runId)).status).toBe(status);
      expect(events).not.toContain("c begins");
    },
  );
});
