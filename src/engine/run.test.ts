import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { isMillraceError } from "../core/errors/error.ts";
import { openMemoryStore } from "../store/open.ts";
import type { Store } from "../store/open.ts";
import { runWorkflow } from "./run.ts";
import { listRuns, showRun } from "./runs.ts";
import type { Codec, RunListener, Step, Workflow } from "./step.ts";

const numbers: Codec<readonly number[]> = {
  type: "numbers",
  format: 1,
  write: (value, path) => writeFile(path, JSON.stringify(value)),
  read: async (path) => JSON.parse(await readFile(path, "utf8")) as number[],
};

function step(parts: Partial<Step> & Pick<Step, "name">): Step {
  return { inputs: [], outputs: ["out"], params: {}, code: "1", run: async () => {}, ...parts };
}

/** load -> double -> total; `calls` names the steps as they run. */
function arithmetic(calls: string[], changes: { factor?: number; code?: string } = {}): Workflow {
  return {
    name: "arithmetic",
    seed: 7,
    steps: [
      step({
        name: "load",
        run: async ({ write }) => {
          calls.push("load");
          await write("out", numbers, [1, 2, 3]);
        },
      }),
      step({
        name: "scale",
        inputs: ["load.out"],
        params: { factor: changes.factor ?? 2 },
        run: async ({ read, write, record }) => {
          calls.push("scale");
          const values = await read("load.out", numbers);
          await write(
            "out",
            numbers,
            values.map((value) => value * (changes.factor ?? 2)),
          );
          record({ count: values.length, hollow: Number.NaN });
        },
      }),
      step({
        name: "total",
        inputs: ["scale.out"],
        code: changes.code ?? "1",
        run: async ({ read, write }) => {
          calls.push("total");
          await write("out", numbers, [(await read("scale.out", numbers)).reduce((a, b) => a + b, 0)]);
        },
      }),
    ],
  };
}

let store: Store;
const clock = fixedClock(Date.UTC(2026, 0, 2, 3, 4, 5));

beforeEach(async () => {
  store = await openMemoryStore({ clock });
});
afterEach(() => store.close());

describe("a run", () => {
  it("runs every step once and answers the next run from the cache, with the same digests and metrics", async () => {
    const calls: string[] = [];
    const first = await runWorkflow(arithmetic(calls), { store, clock });
    expect(first.status).toBe("succeeded");
    expect(first.runId).toMatch(/^20260102-030405-[0-9a-f]{4}$/);
    const second = await runWorkflow(arithmetic(calls), { store, clock });
    expect(calls).toEqual(["load", "scale", "total"]);
    expect(second.runId).not.toBe(first.runId);
    expect(second.steps.map((s) => s.status)).toEqual(["cached", "cached", "cached"]);
    expect(second.steps.map((s) => s.outputs)).toEqual(first.steps.map((s) => s.outputs));
    expect(second.steps[1]!.metrics).toEqual({ count: 3, hollow: Number.NaN });
  });

  it("repeats only what a changed parameter or changed code reaches", async () => {
    const calls: string[] = [];
    await runWorkflow(arithmetic(calls), { store, clock });
    await runWorkflow(arithmetic(calls, { factor: 3 }), { store, clock });
    await runWorkflow(arithmetic(calls, { code: "2" }), { store, clock });
    expect(calls).toEqual(["load", "scale", "total", "scale", "total", "total"]);
  });

  it("stops repeating where a repeated step writes the same bytes as before", async () => {
    const calls: string[] = [];
    const workflow = arithmetic(calls);
    await runWorkflow(workflow, { store, clock });
    const steps = workflow.steps.map((s) => (s.name === "load" ? { ...s, code: "2" } : s));
    await runWorkflow({ ...workflow, steps }, { store, clock });
    expect(calls).toEqual(["load", "scale", "total", "load"]);
  });

  it("repeats every step when the cache is off, and a step whose artifact is gone or cut short", async () => {
    const calls: string[] = [];
    const first = await runWorkflow(arithmetic(calls), { store, clock });
    await runWorkflow(arithmetic(calls), { store, clock, cache: false });
    expect(calls).toHaveLength(6);
    await writeFile(store.artifacts.pathOf(first.steps[2]!.outputs.get("out")!), "");
    await runWorkflow(arithmetic(calls), { store, clock });
    expect(calls.slice(6)).toEqual(["total"]);
  });

  it("looks at what a step observes", async () => {
    let state = "a";
    let runs = 0;
    const watcher = step({
      name: "watch",
      outputs: [],
      observe: async () => state,
      run: async () => {
        runs += 1;
      },
    });
    const workflow = { name: "w", seed: 1, steps: [watcher] };
    await runWorkflow(workflow, { store, clock });
    await runWorkflow(workflow, { store, clock });
    state = "b";
    await runWorkflow(workflow, { store, clock });
    expect(runs).toBe(2);
  });

  it("records a failure, skips the rest, and goes on from there the next time", async () => {
    const calls: string[] = [];
    const sound = arithmetic(calls);
    const broken = {
      ...sound,
      steps: sound.steps.with(1, { ...sound.steps[1]!, run: () => Promise.reject(new Error("no luck")) }),
    };
    const result = await runWorkflow(broken, { store, clock });
    expect(result.steps.map((s) => s.status)).toEqual(["ran", "failed", "skipped"]);
    expect(result.error).toMatchObject({ code: "STEP_FAILED", message: 'step "scale" failed: no luck' });
    expect(await showRun(store, result.runId)).toMatchObject({
      status: "failed",
      error: { code: "STEP_FAILED" },
      steps: [{ status: "ran" }, { status: "failed", error: { code: "STEP_FAILED" } }, { status: "skipped" }],
    });
    const again = await runWorkflow(sound, { store, clock });
    expect(again.steps.map((s) => s.status)).toEqual(["cached", "ran", "ran"]);
  });

  it("ends as cancelled when the signal says so, between steps or within one", async () => {
    const before = await runWorkflow(arithmetic([]), { store, clock, signal: AbortSignal.abort() });
    expect(before.status).toBe("cancelled");
    expect(before.steps.map((s) => s.status)).toEqual(["skipped", "skipped", "skipped"]);
    const controller = new AbortController();
    const workflow = {
      name: "w",
      seed: 1,
      steps: [
        step({
          name: "wait",
          outputs: [],
          run: async ({ signal }) => {
            controller.abort();
            signal.throwIfAborted();
          },
        }),
      ],
    };
    const within = await runWorkflow(workflow, { store, clock, signal: controller.signal });
    expect(within).toMatchObject({ status: "cancelled", error: { code: "CANCELLED" } });
    expect((await listRuns(store)).map((run) => run.status)).toEqual(["cancelled", "cancelled"]);
  });

  it("gives each step its own random stream, the same in every run", async () => {
    const drawn: number[] = [];
    const draw = (name: string): Step =>
      step({
        name,
        outputs: [],
        run: async ({ rng }) => {
          drawn.push(rng.next());
        },
      });
    const workflow = { name: "w", seed: 3, steps: [draw("a"), draw("b")] };
    await runWorkflow(workflow, { store, clock, cache: false });
    await runWorkflow(workflow, { store, clock, cache: false });
    expect(drawn.slice(0, 2)).toEqual(drawn.slice(2));
    expect(drawn[0]).not.toBe(drawn[1]);
  });

  it("decodes nothing that a step of the same run has just written, and lets go of it after its last reader", async () => {
    let reads = 0;
    const counting: Codec<readonly number[]> = { ...numbers, read: (path) => ((reads += 1), numbers.read(path)) };
    const calls: string[] = [];
    const reader = (name: string): Step =>
      step({
        name,
        inputs: ["load.out"],
        outputs: [],
        run: async ({ read }) => void calls.push(String((await read("load.out", counting)).length)),
      });
    const load = step({ name: "load", run: async ({ write }) => void (await write("out", counting, [1, 2])) });
    await runWorkflow({ name: "w", seed: 1, steps: [load, reader("a"), reader("b")] }, { store, clock });
    expect([reads, calls]).toEqual([0, ["2", "2"]]);
    await runWorkflow({ name: "w", seed: 1, steps: [load, reader("c"), reader("d")] }, { store, clock });
    expect(reads).toBe(1);
    const filing = step({
      name: "load",
      run: async ({ writeFile: produceFile }) =>
        void (await produceFile("out", counting, async (path) => {
          await counting.write([1, 2, 3], path);
          return { value: [1, 2, 3] };
        })),
    });
    await runWorkflow({ name: "w", seed: 1, steps: [filing, reader("e")] }, { store, clock, cache: false });
    expect([reads, calls.at(-1)]).toEqual([1, "3"]);
  });

  it("tells its listener what happens, progress at most every 100 ms", async () => {
    const events: string[] = [];
    const listener: RunListener = {
      runStarted: ({ steps }) => void events.push(`run ${steps.join()}`),
      stepStarted: ({ step: name, index, count }) => void events.push(`start ${name} ${index}/${count}`),
      stepProgress: ({ done, elapsedMs }) => void events.push(`at ${done} after ${elapsedMs}`),
      stepFinished: ({ step: name, status }) => void events.push(`end ${name} ${status}`),
      runFinished: ({ status }) => void events.push(status),
    };
    const busy = step({
      name: "busy",
      outputs: [],
      run: async ({ progress }) => {
        for (let i = 1; i <= 10; ++i) {
          clock.advance(30);
          progress.report(i, 10, "rows");
        }
      },
    });
    await runWorkflow({ name: "w", seed: 1, steps: [busy] }, { store, clock, listener });
    expect(events).toEqual([
      "run busy",
      "start busy 0/1",
      "at 1 after 30",
      "at 5 after 150",
      "at 9 after 270",
      "at 10 after 300",
      "end busy ran",
      "succeeded",
    ]);
  });

  it.each([
    ["an undeclared output", async (c) => void (await c.write("other", numbers, [])), "may only write"],
    ["no output", async () => {}, "must write every declared output"],
    [
      "an output twice",
      async (c) => (await c.write("out", numbers, []), void (await c.write("out", numbers, []))),
      "once",
    ],
    ["an undeclared input", async (c) => void (await c.read("x.y", numbers)), "may only read"],
  ] satisfies [string, Step["run"], string][])("refuses a step that touches %s", async (_, run, words) => {
    const result = await runWorkflow({ name: "w", seed: 1, steps: [step({ name: "s", run })] }, { store, clock });
    expect(result.status).toBe("failed");
    expect(isMillraceError(result.error) && result.error.code).toBe("WORKFLOW_INVALID");
    expect(String(result.error)).toContain(words);
  });
});

describe("the record of runs", () => {
  it("shows steps with params, metrics, artifacts and lineage", async () => {
    const { runId } = await runWorkflow(arithmetic([]), { store, clock });
    const run = await showRun(store, runId);
    expect(run).toMatchObject({ workflow: "arithmetic", status: "succeeded", seed: 7, error: null });
    const [load, scale] = run.steps;
    expect(scale!.inputs).toEqual([{ name: "load.out", digest: load!.outputs[0]!.digest }]);
    expect(scale!.outputs[0]).toMatchObject({ name: "out", type: "numbers", format: 1, size: 7 });
    expect(scale!.params).toEqual({ factor: 2 });
    expect(scale!.metrics).toEqual({ count: 3, hollow: Number.NaN });
  });

  it("lists the newest first, by workflow and up to a limit", async () => {
    const ids: string[] = [];
    for (const name of ["a", "b", "a"]) {
      clock.advance(1000);
      ids.push((await runWorkflow({ ...arithmetic([]), name }, { store, clock })).runId);
    }
    expect((await listRuns(store)).map((run) => run.runId)).toEqual(ids.toReversed());
    expect((await listRuns(store, { workflow: "a", limit: 1 })).map((run) => run.runId)).toEqual([ids[2]]);
  });

  it("says which run it does not know", async () => {
    await expect(showRun(store, "20200101-000000-0000")).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });
});
