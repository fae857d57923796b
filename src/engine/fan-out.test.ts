import { beforeEach, describe, expect, it } from "vitest";
import { map, step } from "./define.ts";
import type { DefinedWorkflow } from "./define-types.ts";
import { showRun } from "./runs.ts";
import { lastValue, of, run, store } from "./define.fixtures.ts";

describe("map()", () => {
  const list = (items: readonly number[]) =>
    step({ name: "list", params: { items }, run: ({ params }) => [...params.items] });
  let calls: number[] = [];
  beforeEach(() => {
    calls = [];
  });
  const squares = (items: readonly number[]): DefinedWorkflow => {
    const each = map(list(items).output, (n) =>
      step({ name: "square", inputs: { n }, run: ({ inputs }) => (calls.push(inputs.n), inputs.n ** 2) }),
    );
    return of(
      step({ name: "sum", inputs: { all: each.output }, run: ({ inputs }) => [inputs.all.length, ...inputs.all] }),
    );
  };

  it("runs a step for each element and gathers the results in order", async () => {
    expect(await lastValue(await run(squares([3, 1, 2])))).toEqual([3, 9, 1, 4]);
    expect(await lastValue(await run(squares([])))).toEqual([0]);
  });

  it("repeats only the elements that are new, wherever they stand", async () => {
    await run(squares([1, 2, 3]));
    calls = [];
    const again = await run(squares([3, 4, 1]));
    expect(calls).toEqual([4]);
    expect(await lastValue(again)).toEqual([3, 9, 16, 1]);
    calls = [];
    expect((await run(squares([3, 4, 1]))).steps.map((s) => s.status)).toEqual(["cached", "cached", "cached"]);
    expect(calls).toEqual([]);
  });

  it("maps over the results of a map, arrays and files included", async () => {
    const parts = map(list([1, 2]).output, (n) =>
      step({
        name: "parts",
        inputs: { n },
        outputs: { part: "array" },
        run: ({ inputs }) => ({ part: Int32Array.of(inputs.n, inputs.n) }),
      }),
    );
    const sums = map(parts.outputs.part, (part) =>
      step({ name: "sums", inputs: { part }, run: ({ inputs }) => inputs.part[0]! + inputs.part[1]! }),
    );
    expect(
      await lastValue(
        await run(of(step({ name: "end", inputs: { s: sums.output }, run: ({ inputs }) => [...inputs.s] }))),
      ),
    ).toEqual([2, 4]);
  });

  it("records each element with its lineage, and fails with the element that failed", async () => {
    const each = map(list([1, 2, 3]).output, (n) =>
      step({
        name: "each",
        inputs: { n },
        run: ({ inputs }) => {
          if (inputs.n === 2) throw new Error("no two");
          return inputs.n;
        },
      }),
    );
    const result = await run(of(each), { jobs: 1 });
    expect(result.error).toMatchObject({ code: "STEP_FAILED", message: 'step "each[1]" failed: no two' });
    const { steps } = await showRun(store, result.runId);
    expect(steps.map((s) => [s.step, s.status])).toEqual([
      ["list", "ran"],
      ["each", "failed"],
      ["each[0]", "ran"],
      ["each[1]", "failed"],
    ]);
  });

  it("refuses to fan out over what is no list", async () => {
    const one = step({ name: "one", run: () => 3 as unknown as number[] });
    const each = map(one.output, (n) => step({ name: "each", inputs: { n }, run: ({ inputs }) => inputs.n }));
    expect((await run(of(each))).error).toMatchObject({ code: "WORKFLOW_INVALID" });
  });
});
