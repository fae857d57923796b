import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { file, onlyIf, step } from "./define.ts";
import type { AnyStep, DefinedWorkflow } from "./define-types.ts";
import { showRun } from "./runs.ts";
import type { RunOptions } from "./run.ts";
import { lastValue, of, run, store } from "./define.fixtures.ts";

describe("workflow()", () => {
  it("takes in what the wanted steps need, and hands each the values of its inputs", async () => {
    const load = step({ name: "load", run: () => [1, 2, 3] });
    const scale = step({
      name: "scale",
      inputs: { rows: load.output },
      params: { factor: 2 },
      run: async ({ inputs, params }) => inputs.rows.map((row) => row * params.factor),
    });
    const total = step({
      name: "total",
      inputs: { a: load.output, b: scale.output },
      run: ({ inputs }) => [...inputs.a, ...inputs.b].reduce((x, y) => x + y, 0),
    });
    const result = await run(of(total));
    expect(result.steps.map((s) => s.step)).toEqual(["load", "scale", "total"]);
    expect(await lastValue(result)).toBe(18);
    expect((await run(of(total))).steps.map((s) => s.status)).toEqual(["cached", "cached", "cached"]);
  });

  it("keeps bytes as they were returned, whoever changes what was returned or given afterwards", async () => {
    const returned = Uint8Array.of(1, 2, 3);
    const make = step({ name: "make", outputs: { raw: "bytes" }, run: () => ({ raw: returned }) });
    const change = step({
      name: "change",
      inputs: { raw: make.outputs.raw },
      run: ({ inputs }) => {
        returned[0] = 9;
        inputs.raw[1] = 9;
        return 0;
      },
    });
    const look = step({
      name: "look",
      inputs: { raw: make.outputs.raw, after: change.output },
      run: ({ inputs }) => [...inputs.raw],
    });
    expect(await lastValue(await run(of(look)))).toEqual([1, 2, 3]);
  });

  it("keeps bytes, typed arrays and files as they are, and gives every reader a copy of its own", async () => {
    const make = step({
      name: "make",
      outputs: { raw: "bytes", numbers: "array", note: "file", facts: "json" },
      run: async ({ scratch }) => {
        const path = join(await scratch(), "note.txt");
        await writeFile(path, "hello");
        return {
          raw: Uint8Array.of(1, 2, 255),
          numbers: Float64Array.of(0.1, Number.NaN, -0),
          note: file(path),
          facts: { n: 1 },
        };
      },
    });
    const use = step({
      name: "use",
      inputs: { ...make.outputs },
      run: async ({ inputs }) => {
        const { readFile } = await import("node:fs/promises");
        inputs.numbers[0] = 7;
        return {
          raw: [...inputs.raw],
          numbers: [...inputs.numbers].map(String),
          isFloat64: inputs.numbers instanceof Float64Array,
          negativeZero: Object.is(inputs.numbers[2], -0),
          note: await readFile(inputs.note.path, "utf8"),
          n: inputs.facts.n,
        };
      },
    });
    expect(await lastValue(await run(of(use)))).toEqual({
      raw: [1, 2, 255],
      numbers: ["7", "NaN", "0"],
      isFloat64: true,
      negativeZero: true,
      note: "hello",
      n: 1,
    });
  });

  it.each([
    ["nothing", () => undefined, "a value as"],
    ["NaN", () => ({ a: [Number.NaN] }), "NaN at output.a[0]"],
    ["a date", () => ({ at: new Date(0) }), "a Date at output.at"],
    ["a map", () => new Map(), "a Map at output"],
    ["a function", () => [() => 1], "a function at output[0]"],
    ["a bigint", () => 1n, "a bigint at output"],
    ["a typed array", () => new Float64Array(2), "a Float64Array at output"],
    ["an undefined element", () => [undefined], "undefined at output[0]"],
    [
      "a circle",
      () => {
        const a: unknown[] = [];
        a.push(a);
        return a;
      },
      "contains itself at output[0]",
    ],
  ])("refuses a step that returns %s, which JSON cannot say", async (_, returned, words) => {
    const result = await run(of(step({ name: "s", run: returned as unknown as () => number })));
    expect(result.error).toMatchObject({ code: "STEP_OUTPUT_INVALID" });
    expect(String(result.error)).toContain(words);
  });

  it.each([
    ["one that is missing", { a: 1 }, "nothing"],
    ["one that is not declared", { a: 1, b: new Uint8Array(1), c: 2 }, 'another member "c"'],
    ["one of another kind", { a: 1, b: "text" }, "a string"],
    ["no object", 3, "3"],
  ])("refuses declared outputs with %s", async (_, returned, words) => {
    const bad = step({
      name: "s",
      outputs: { a: "json", b: "bytes" },
      run: () => returned as { a: number; b: Uint8Array },
    });
    const result = await run(of(bad));
    expect(result.error).toMatchObject({ code: "STEP_OUTPUT_INVALID" });
    expect(String(result.error)).toContain(words);
  });

  it("repeats a step when a parameter changes, and the next one only if what it reads changed", async () => {
    const make = (factor: number): DefinedWorkflow => {
      const load = step({ name: "load", params: { factor }, run: () => "same" });
      return of(step({ name: "use", inputs: { x: load.output }, run: ({ inputs }) => inputs.x }));
    };
    await run(make(1));
    expect((await run(make(2))).steps.map((s) => s.status)).toEqual(["ran", "cached"]);
  });
});

describe("a condition", () => {
  it("skips a step and what needs it, with the reason, and the run succeeds", async () => {
    const score = step({ name: "score", run: () => 0.4 });
    const ship = step({
      name: "ship",
      when: onlyIf(score.output, (s) => s > 0.5, "the score is too low"),
      run: () => 1,
    });
    const tell = step({ name: "tell", inputs: { x: ship.output }, run: ({ inputs }) => inputs.x });
    const result = await run(of(tell));
    expect(result.status).toBe("succeeded");
    expect(result.steps.map((s) => [s.status, s.reason])).toEqual([
      ["ran", null],
      ["skipped", "the score is too low"],
      ["skipped", 'it needs "ship", which was skipped'],
    ]);
  });
});

describe("a failing step", () => {
  const flaky = (fails: number, attempts: number): { tries: () => number; defined: DefinedWorkflow } => {
    let tries = 0;
    const one = step({
      name: "flaky",
      retry: { attempts, delay: "1ms" },
      run: ({ rng }) => {
        tries += 1;
        if (tries <= fails) throw new Error(`try ${tries}`);
        return rng.next();
      },
    });
    return { tries: () => tries, defined: of(one) };
  };

  it("is tried again as often as it may, with the same random stream, each attempt on record", async () => {
    const retried: number[] = [];
    const { defined } = flaky(2, 3);
    const result = await run(defined, { listener: { stepRetried: ({ attempt }) => void retried.push(attempt) } });
    expect([result.status, result.steps[0]!.attempts, retried]).toEqual(["succeeded", 3, [1, 2]]);
    expect((await showRun(store, result.runId)).steps.map((s) => [s.attempt, s.status])).toEqual([
      [1, "failed"],
      [2, "failed"],
      [3, "ran"],
    ]);
    expect(await lastValue(result)).toBe(await lastValue(await run(flaky(0, 1).defined, { cache: false })));
  });

  it("fails in the end with its last error, after no more attempts than allowed", async () => {
    const { defined, tries } = flaky(9, 3);
    expect((await run(defined)).error).toMatchObject({ code: "STEP_FAILED", message: 'step "flaky" failed: try 3' });
    expect(tries()).toBe(3);
  });

  it("is ended when its time is up, and hears of it", async () => {
    let heard: unknown;
    const slow = step({
      name: "slow",
      timeout: "20ms",
      run: ({ signal }) => new Promise<number>(() => signal.addEventListener("abort", () => (heard = signal.reason))),
    });
    const result = await run(of(slow));
    expect(result.error).toMatchObject({ code: "STEP_TIMED_OUT" });
    expect(heard).toMatchObject({ code: "STEP_TIMED_OUT" });
  });

  it("leaves what runs beside it to finish, and begins nothing new", async () => {
    const begun: string[] = [];
    let finish: (() => void) | undefined;
    const beside = step({
      name: "beside",
      run: () =>
        new Promise<number>((resolve) => {
          begun.push("beside");
          finish = () => resolve(1);
        }),
    });
    const bad = step({
      name: "bad",
      run: () => {
        setTimeout(() => finish?.(), 20);
        throw new Error("bad");
      },
    });
    const third = step({ name: "third", run: () => (begun.push("third"), 1) });
    const result = await run(of(beside, bad, third), { jobs: 2 });
    expect(result.steps.map((s) => s.status)).toEqual(["ran", "failed", "skipped"]);
    expect(begun).toEqual(["beside"]);
    expect(result.steps[2]!.reason).toBe('step "bad" failed');
  });
});

describe("a selection of steps", () => {
  const calls: string[] = [];
  const chain = (): DefinedWorkflow => {
    const a = step({ name: "a", run: () => (calls.push("a"), 1) });
    const b = step({ name: "b", inputs: { a: a.output }, run: ({ inputs }) => (calls.push("b"), inputs.a) });
    const c = step({ name: "c", inputs: { b: b.output }, run: ({ inputs }) => (calls.push("c"), inputs.b) });
    return of(c);
  };
  const called = async (options: Partial<RunOptions>): Promise<string[]> => {
    calls.length = 0;
    await run(chain(), options);
    return [...calls];
  };

  it("forces one step, all from one on, or stops at one", async () => {
    expect(await called({ until: "b" })).toEqual(["a", "b"]);
    expect(await called({})).toEqual(["c"]);
    expect(await called({ force: ["a"] })).toEqual(["a"]);
    expect(await called({ from: "b" })).toEqual(["b", "c"]);
    expect(await called({ cache: false })).toEqual(["a", "b", "c"]);
    await expect(run(chain(), { from: "bb" })).rejects.toMatchObject({
      code: "STEP_UNKNOWN",
      remedy: 'Did you mean "b"?',
    });
  });
});

describe("branches", () => {
  it("run at once up to `jobs`, and no further", async () => {
    for (const [jobs, most] of [
      [1, 1],
      [3, 3],
    ] as const) {
      let now = 0;
      let seen = 0;
      const branch = (name: string): AnyStep =>
        step({
          name,
          run: async () => {
            seen = Math.max(seen, ++now);
            await new Promise((resolve) => setTimeout(resolve, 15));
            now -= 1;
            return name;
          },
        });
      await run(of(...["a", "b", "c", "d", "e"].map(branch)), { jobs, cache: false });
      expect(seen).toBe(most);
    }
  });
});
