import { describe, expect, it } from "vitest";
import { lintWorkflow, requireSound } from "./lint.ts";
import type { Step } from "./step.ts";

function step(name: string, inputs: readonly string[] = [], outputs: readonly string[] = ["out"]): Step {
  return { name, inputs, outputs, params: {}, code: "1", run: async () => {} };
}

function rulesBroken(...steps: Step[]): string[] {
  return lintWorkflow({ name: "w", seed: 1, steps }).map((issue) => `${issue.step} ${issue.rule}, got ${issue.actual}`);
}

describe("lintWorkflow", () => {
  it("finds nothing wrong with a sound workflow, unread outputs included", () => {
    expect(rulesBroken(step("a", [], ["x", "y"]), step("b", ["a.x"]), step("c", ["a.x", "b.out"]))).toEqual([]);
  });

  it.each([
    ["no steps", [], "w must be one of at least one step"],
    ["a name with a dot", [step("a.b")], "a.b and its outputs must be named"],
    ["an output named __proto__.x", [step("a", [], ["__proto__.x"])], "a and its outputs must be named"],
    ["two steps of one name", [step("a"), step("a")], "a must be the only one"],
    ["an output twice", [step("a", [], ["x", "x"])], "a must name each output once"],
    ["an unknown step", [step("a", ["b.out"])], "a must read outputs of other steps"],
    ["an unknown output", [step("a"), step("b", ["a.no"])], "b must read outputs of other steps"],
    ["an input without a dot", [step("a"), step("b", ["a"])], "b must read outputs of other steps"],
    ["a step before its input", [step("b", ["a.out"]), step("a")], "b must stand after"],
    ["a step that reads itself", [step("a", ["a.out"])], "a must not depend on itself"],
    ["a cycle", [step("a", ["c.out"]), step("b", ["a.out"]), step("c", ["b.out"])], "a must not depend on itself"],
    ["a wait for a later step", [{ ...step("a"), after: ["b"] }, step("b")], "a must wait for steps that stand before"],
    ["a fan-out over no input", [{ ...step("a"), over: "x.y" }], "a must be fanned out over one of its inputs"],
    ["a parameter JSON cannot say", [{ ...step("a"), params: { x: [Number.NaN] } }], "got NaN at params.x[0]"],
    [
      "a memory of half a MiB",
      [{ ...step("a"), memoryMb: 0.5, task: { file: "a.ts", step: "a", env: [] } }],
      "a must have a memory of whole MiB",
    ],
    ["a memory limit nobody can keep", [{ ...step("a"), memoryMb: 64 }], "a must run in a process of its own"],
    ["a timeout of no time", [{ ...step("a"), timeoutMs: 0 }], "a must have a timeout above 0 ms"],
    ["no slots", [{ ...step("a"), slots: 0 }], "a must take a whole number of slots"],
  ])("refuses %s", (_, steps, issue) => {
    expect(rulesBroken(...steps)).toEqual([expect.stringContaining(issue)]);
  });

  it("warns of a step that is defined beside the others and comes to nothing", () => {
    expect(lintWorkflow({ name: "w", seed: 1, steps: [step("a")], leftOut: ["forgotten"] })).toEqual([
      expect.objectContaining({ step: "forgotten", severity: "warning", remedy: expect.stringContaining("`steps`") }),
    ]);
  });

  it("names the output that was probably meant", () => {
    const [issue] = lintWorkflow({ name: "w", seed: 1, steps: [step("load"), step("b", ["laod.out"])] });
    expect(issue!.remedy).toBe('Did you mean "load.out"?');
  });

  it("gives every issue a remedy of its own", () => {
    const broken = [{ ...step("a", ["b.out", "a.out", "c.x"]), over: "x.y", slots: 0, timeoutMs: 0 }, step("b")];
    const remedies = lintWorkflow({ name: "w", seed: 1, steps: broken }).map(({ remedy }) => remedy);
    expect(new Set(remedies).size).toBe(remedies.length);
  });

  it("throws the first issue where a sound workflow is required", () => {
    expect(() => requireSound({ name: "w", seed: 1, steps: [] })).toThrow(
      expect.objectContaining({ code: "WORKFLOW_INVALID" }),
    );
  });
});
