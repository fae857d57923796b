import { nearestName } from "../../core/nearest.ts";
import type { Step } from "../step.ts";
import { producerOf } from "./rule.ts";
import type { WorkflowRule } from "./rule.ts";

export const inputsExist: WorkflowRule = ({ steps }) => {
  const known = new Set(steps.flatMap((step) => step.outputs.map((output) => `${step.name}.${output}`)));
  return steps.flatMap((step) =>
    step.inputs
      .filter((input) => !known.has(input))
      .map((input) => ({
        step: step.name,
        rule: 'must read outputs of other steps as "step.output"',
        actual: `"${input}"`,
        remedy: remedyForUnknown(nearestName(input, [...known])),
      })),
  );
};

function remedyForUnknown(nearest: string | null | undefined): string {
  return nearest ? `Did you mean "${nearest}"?` : "Add the step that makes it, or do not read it.";
}

export const dependsNotOnItself: WorkflowRule = ({ steps }) =>
  inputsFromBehind(steps)
    .filter(({ step, from }) => dependsOn(steps, from, step))
    .map(({ step, input }) => ({
      step,
      rule: "must not depend on itself",
      actual: `the input "${input}"`,
      remedy: "Take the cycle apart: one of its steps must not read from the others.",
    }));

export const inputsComeBefore: WorkflowRule = ({ steps }) =>
  inputsFromBehind(steps)
    // What depends on itself has no right place.
    .filter(({ step, from }) => !dependsOn(steps, from, step))
    .map(({ step, input, from }) => ({
      step,
      rule: "must stand after the steps it reads from",
      actual: `the input "${input}"`,
      remedy: `Put it after "${from}".`,
    }));

interface MisplacedInput {
  readonly step: string;
  readonly input: string;
  readonly from: string;
}

/** Inputs that come from the step itself or from one behind it. */
function inputsFromBehind(steps: readonly Step[]): readonly MisplacedInput[] {
  const position = new Map(steps.map((step, index) => [step.name, index]));
  return steps.flatMap((step, index) =>
    step.inputs
      .map((input) => ({ step: step.name, input, from: producerOf(input) }))
      .filter(({ from }) => (position.get(from) ?? -1) >= index),
  );
}

export const waitsForSteps: WorkflowRule = ({ steps }) => {
  const position = new Map(steps.map((step, index) => [step.name, index]));
  return steps.flatMap((step, index) =>
    (step.after ?? [])
      .filter((name) => (position.get(name) ?? Infinity) >= index)
      .map((name) => ({
        step: step.name,
        rule: "must wait for steps that stand before it",
        actual: `"${name}"`,
        remedy: `Put it after "${name}", or do not wait for that.`,
      })),
  );
};

export const fansOutOverInputs: WorkflowRule = ({ steps }) =>
  steps.flatMap((step) =>
    step.over === undefined || step.inputs.includes(step.over)
      ? []
      : [
          {
            step: step.name,
            rule: "must be fanned out over one of its inputs",
            actual: `"${step.over}"`,
            remedy: "Name it among its inputs.",
          },
        ],
  );

/** Whether `name` reads, directly or through others, what `target` writes; a step depends on itself. */
function dependsOn(steps: readonly Step[], name: string, target: string): boolean {
  const seen = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === target) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    for (const step of steps) if (step.name === next) open.push(...step.inputs.map(producerOf));
  }
  return false;
}
