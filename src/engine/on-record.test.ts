import { existsSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock as clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { of, run, store } from "./define.fixtures.ts";
import { step } from "./define.ts";
import { runWorkflow } from "./run.ts";
import type { Codec, StepContext } from "./step.ts";

/** What others find of the step before, when a step looks and a moment later. */
interface Found {
  readonly ends: number;
  readonly steps: readonly string[];
  readonly files: readonly boolean[];
}

async function look(): Promise<Found> {
  const { database, artifacts } = store;
  const outputs = await database.selectFrom("step_outputs").select("digest").execute();
  const ended = await database.selectFrom("steps").select("step").where("status", "=", "ran").execute();
  return {
    ends: (await database.selectFrom("step_ends").select("token").execute()).length,
    steps: ended.map((row) => row.step),
    files: outputs.map(({ digest }) => existsSync(artifacts.pathOf(digest))),
  };
}

/** Where the thread was busy for long the time is up at once: what was to come before still does. */
const moment = (): Promise<void> => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 40));

let found: Found[];
beforeEach(() => {
  found = [];
});

/** Looks before anything else can happen, for nothing is awaited, and once no end waits for its rows any more. */
const lookTwice = async (): Promise<number> => {
  found.push(await look());
  await vi.waitUntil(async () => (await look()).ends === 0, { timeout: 60_000, interval: 10 });
  found.push(await look());
  return 2;
};
const written: Found = { ends: 0, steps: ["first"], files: [true] };

describe("a small output that a step returns", () => {
  const first = step({ name: "first", run: () => 1 });

  it("is committed as one row, and is on record in full while the next step computes", async () => {
    const { error } = await run(of(step({ name: "second", inputs: { n: first.output }, run: lookTwice })));
    expect(error).toBeNull();
    expect(found).toEqual([{ ends: 1, steps: [], files: [] }, written]);
    expect(await look()).toEqual({ ends: 0, steps: ["first", "second"], files: [true, true] });
  });

  it("is on record in full before anybody hears of it", async () => {
    const heard: Promise<Found>[] = [];
    // It ends when the first has been heard of, or its own end might be found.
    const wait = async (): Promise<number> => {
      await vi.waitUntil(() => heard.length > 0, { timeout: 60_000, interval: 5 });
      return (await heard[0]!).steps.length;
    };
    await run(of(step({ name: "second", inputs: { n: first.output }, run: wait })), {
      listener: { stepFinished: ({ step: name }) => void (name === "first" && heard.push(look())) },
    });
    expect(await Promise.all(heard)).toEqual([written]);
  });

  const engineSteps = (reads: boolean, body: (context: StepContext) => Promise<void>) =>
    of(first)
      .compile(null)
      .steps.concat({
        name: "second",
        inputs: ["first.output"],
        outputs: [],
        params: {},
        code: "1",
        ...(reads ? {} : { readsInputsOnly: true as const }),
        run: body,
      });

  it("is on record in full before a step that may look at the record begins", async () => {
    const steps = engineSteps(true, async () => void (await lookTwice()));
    await runWorkflow({ name: "w", seed: 1, steps }, { store, clock });
    expect(found).toEqual([written, written]);
  });

  it("has a file as soon as a step asks where that is", async () => {
    const paths: boolean[] = [];
    const steps = engineSteps(false, async (context) => {
      paths.push(existsSync(await context.pathOf(context.digestOf("first.output"))));
    });
    const { error } = await runWorkflow({ name: "w", seed: 1, steps }, { store, clock });
    expect([error, paths]).toEqual([null, [true]]);
  });

  it("does not wait in memory for ever where the step was given up and writes all the same", async () => {
    let late = Promise.resolve<Digest | null>(null);
    const steps = engineSteps(false, (context) => {
      const codec = { type: "bytes", format: 1 } as Codec<Uint8Array>;
      late = moment().then(() => context.writeBytes("late", codec, new Uint8Array([1])));
      return late.then(() => {});
    }).map((step) => (step.name === "second" ? { ...step, outputs: ["late"], timeoutMs: 5 } : step));
    const { error } = await runWorkflow({ name: "w", seed: 1, steps }, { store, clock });
    expect(error).toMatchObject({ code: "STEP_TIMED_OUT" });
    expect(store.unsynced.isAnnounced((await late)!)).toBe(false);
  });

  it("is written in full at once where its numbers are such that JSON has none", async () => {
    const odd = step({ name: "first", run: ({ record }) => (record({ m: Infinity, n: Number.NaN }), 1) });
    const { runId } = await run(of(step({ name: "second", inputs: { n: odd.output }, run: lookTwice })));
    expect(found).toEqual([written, written]);
    const metrics = await store.database.selectFrom("metrics").select("value").where("run_id", "=", runId).execute();
    expect(metrics.map(({ value }) => value)).toEqual([Infinity, null]);
  });
});
