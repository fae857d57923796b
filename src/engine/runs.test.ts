import * as fs from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../core/clock.ts";
import { openMemoryStore } from "../store/open.ts";
import type { Store } from "../store/open.ts";
import { compareRuns } from "./compare.ts";
import { runWorkflow } from "./run.ts";
import { listRuns, runCalled } from "./runs.ts";
import type { MetricFilter, RunFilter } from "./runs.ts";
import type { StepContext } from "./step.ts";
import { startTracking } from "./tracking.ts";

let nowMs = 0;
const clock: Clock = { now: () => nowMs, monotonic: () => nowMs };
const day = 86_400_000;

let store: Store;
beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  store = await openMemoryStore({ clock });
});
afterEach(() => store.close());

/** A run of one step that records `auc` under parameter `depth`; fails where there is none. */
async function record(name: string, depth: number, auc: number | null): Promise<string> {
  nowMs += day;
  const evaluate = {
    name: "evaluate",
    inputs: [],
    outputs: [],
    params: { depth },
    code: "1",
    async run({ record: note }: { readonly record: (numbers: Record<string, number>) => void }) {
      if (auc === null) throw new Error("no");
      note({ auc });
    },
  };
  return (await runWorkflow({ name, seed: 1, steps: [evaluate] }, { store, clock, cache: false })).runId;
}

async function found(filter: RunFilter): Promise<readonly string[]> {
  return (await listRuns(store, filter)).map((run) => run.runId);
}

describe("the runs of a store", () => {
  it("are narrowed by pipeline, status, tag, number and time, and by several of them at once", async () => {
    const [low, high] = [await record("a", 1, 0.6), await record("a", 2, 0.9)];
    const other = await record("b", 2, 0.9);
    const failed = await record("a", 3, null);
    nowMs += day;
    const tracked = await startTracking(store, clock, { name: "net", params: {}, tags: { team: "pricing" } });
    tracked.metric("auc", 0.95);
    await tracked.finish(null);
    expect(await found({ workflow: "a" })).toEqual([failed, high, low]);
    expect(await found({ status: "failed" })).toEqual([failed]);
    expect(await found({ tag: { name: "team" } })).toEqual([tracked.runId]);
    expect(await found({ tag: { name: "team", value: "other" } })).toEqual([]);
    expect(await found({ sinceMs: Date.UTC(2026, 0, 4) })).toEqual([tracked.runId, failed, other]);
    expect(await found({ workflow: "a", metric: { name: "auc", comparison: ">", value: 0.8 } })).toEqual([high]);
  });

  it("are called by their ids, or by their workflow the newest of it", async () => {
    const [first, second] = [await record("houses", 1, 0.6), await record("houses", 2, 0.9)];
    const other = await record("b", 2, 0.9);
    expect(await runCalled(store, first)).toBe(first);
    expect(await runCalled(store, "houses")).toBe(second);
    expect(await runCalled(store, "b")).toBe(other);
    const refusal = { code: "RUN_NOT_FOUND", remedy: 'Did you mean "houses"?' };
    await expect(runCalled(store, "house")).rejects.toMatchObject(refusal);
  });

  it.each<[MetricFilter["comparison"], number, string]>([
    [">", 0.6, "high"],
    [">=", 0.6, "high low"],
    ["<", 0.9, "low"],
    ["<=", 0.9, "high low"],
    ["=", 0.9, "high"],
  ])("are narrowed by a number %s %d of any step, or of the one that is named", async (comparison, value, names) => {
    const ids = new Map([
      [await record("a", 1, 0.6), "low"],
      [await record("a", 2, 0.9), "high"],
    ]);
    for (const name of ["auc", "evaluate.auc"]) {
      const runs = await found({ metric: { name, comparison, value } });
      expect(runs.map((id) => ids.get(id)).join(" ")).toBe(names);
    }
    expect(await found({ metric: { name: "train.auc", comparison, value } })).toEqual([]);
  });

  it("show what a failed step wrote as what came out, and not as data from outside", async () => {
    const step = { outputs: ["output"], params: {}, code: "1" };
    const codec = { type: "text", format: 1 };
    const steps = [
      {
        ...step,
        name: "read",
        inputs: [],
        run: ({ writeFile }: StepContext) =>
          writeFile("output", codec, (path) => fs.writeFile(path, "data")).then(() => {}),
      },
      {
        ...step,
        name: "check",
        inputs: ["read.output"],
        async run({ writeFile }: StepContext) {
          await writeFile("output", codec, (path) => fs.writeFile(path, "why"));
          throw new Error("no");
        },
      },
    ];
    const { runId, status } = await runWorkflow({ name: "a", seed: 1, steps }, { store, clock, cache: false });
    const { data, artifacts } = await compareRuns(store, [runId, runId]);
    expect(status).toBe("failed");
    expect(data.map(({ name }) => name)).toEqual(["read.output"]);
    expect(artifacts.map(({ name }) => name)).toEqual(["check.output"]);
  });

  it("are laid beside each other, three as well as two, and what only one has shows as missing", async () => {
    const ids = [await record("a", 1, 0.6), await record("a", 1, 0.9), await record("b", 2, null)];
    const { parameters, metrics, runs } = await compareRuns(store, ids);
    expect(runs.map(({ workflow, status }) => `${workflow} ${status}`)).toEqual([
      "a succeeded",
      "a succeeded",
      "b failed",
    ]);
    expect(parameters.find(({ name }) => name === "seed")).toMatchObject({ isEqual: true, values: [1, 1, 1] });
    expect(metrics).toEqual([{ name: "evaluate.auc", values: [0.6, 0.9, undefined], isEqual: false }]);
  });
});
