import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { openMemoryStore } from "../store/open.ts";
import type { Store } from "../store/open.ts";
import { readLogs } from "./logs.ts";
import { beginRun } from "./run-record.ts";

const clock = fixedClock(1_000);
const names = ["Fan", "fa", "fan", "fan2", "fan[0]", "fan[10]", "fan[0", "fan\\", "fanZ", "fan]"];

let store: Store;
let run: string;
beforeEach(async () => {
  store = await openMemoryStore({ clock });
  run = (await beginRun(store, clock, { workflow: "w", seed: 1 })).runId;
  for (const [position, step] of names.entries()) {
    const of = { run_id: run, step, attempt: 1 };
    await store.database
      .insertInto("steps")
      .values({ ...of, position, status: "ran" })
      .execute();
    await store.database
      .insertInto("step_logs")
      .values({ ...of, head: `o${step}`, tail: "", dropped: 0 })
      .execute();
  }
});
afterEach(() => store.close());

describe("the logs of a run", () => {
  it("are those of all its steps, in the order of the workflow", async () => {
    expect((await readLogs(store, run)).map(({ step }) => step)).toEqual(names);
  });

  it("are those of one step and of its elements where one is asked for", async () => {
    const found = await readLogs(store, run, "fan");
    expect(found.map(({ step }) => step)).toEqual(names.filter((name) => name === "fan" || name.startsWith("fan[")));
    expect(found[0]).toEqual({
      step: "fan",
      attempt: 1,
      head: [{ stream: "stdout", text: "fan" }],
      dropped: 0,
      tail: [],
    });
    expect((await readLogs(store, run, "fan[0]")).map(({ step }) => step)).toEqual(["fan[0]"]);
  });

  it("are asked for by the name of a step that there is", async () => {
    await expect(readLogs(store, run, "fn")).rejects.toMatchObject({
      code: "STEP_UNKNOWN",
      message: expect.stringContaining("fan"),
    });
  });
});
