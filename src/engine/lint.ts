import { MillraceError } from "../core/errors/error.ts";
import type { Step, Workflow } from "./step.ts";

/** One thing wrong with a workflow. */
export interface WorkflowIssue {
  readonly step: string;
  readonly rule: string;
  readonly actual: string;
}

type Rule = (workflow: Workflow) => WorkflowIssue[];

const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

const hasSteps: Rule = ({ name, steps }) =>
  steps.length > 0 ? [] : [{ step: name, rule: "must be one of at least one step", actual: "no steps" }];

const namesAreWellFormed: Rule = ({ steps }) =>
  steps.flatMap((step) =>
    [step.name, ...step.outputs]
      .filter((name) => !namePattern.test(name))
      .map((name) => ({
        step: step.name,
        rule: "and its outputs must be named with letters, digits, - and _, at most 64",
        actual: JSON.stringify(name),
      })),
  );

const stepsAreDistinct: Rule = ({ steps }) =>
  repeated(steps.map((step) => step.name)).map((name) => ({
    step: name,
    rule: "must be the only one of its name",
    actual: "another of the same name",
  }));

const outputsAreDistinct: Rule = ({ steps }) =>
  steps.flatMap((step) =>
    repeated(step.outputs).map((output) => ({
      step: step.name,
      rule: "must name each output once",
      actual: `"${output}" twice`,
    })),
  );

const inputsExist: Rule = ({ steps }) => {
  const known = new Set(steps.flatMap((step) => step.outputs.map((output) => `${step.name}.${output}`)));
  return steps.flatMap((step) =>
    step.inputs
      .filter((input) => !known.has(input))
      .map((input) => ({
        step: step.name,
        rule: 'must read outputs of other steps as "step.output"',
        actual: `"${input}"`,
      })),
  );
};

const inputsComeBefore: Rule = ({ steps }) => {
  const position = new Map(steps.map((step, index) => [step.name, index]));
  return steps.flatMap((step, index) =>
    step.inputs
      .filter((input) => (position.get(producerOf(input)) ?? -1) >= index)
      .map((input) => ({
        step: step.name,
        rule: dependsOn(steps, producerOf(input), step.name)
          ? "must not depend on itself"
          : "must stand after the steps it reads from",
        actual: `the input "${input}"`,
      })),
  );
};

const rules: readonly Rule[] = [
  hasSteps,
  namesAreWellFormed,
  stepsAreDistinct,
  outputsAreDistinct,
  inputsExist,
  inputsComeBefore,
];

function producerOf(input: string): string {
  return input.slice(0, input.indexOf("."));
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

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

/** Everything that keeps a workflow from running; empty for a sound one. Outputs that nobody reads are allowed. */
export function lintWorkflow(workflow: Workflow): readonly WorkflowIssue[] {
  return rules.flatMap((rule) => rule(workflow));
}

/** Throws WORKFLOW_INVALID with the first issue of an unsound workflow. */
export function requireSound(workflow: Workflow): void {
  const [first] = lintWorkflow(workflow);
  if (first) throw new MillraceError("WORKFLOW_INVALID", { ...first });
}
