import { MillraceError } from "../core/errors/error.ts";
import type { Step, Workflow } from "./step.ts";

/** One thing wrong with a workflow. */
export interface WorkflowIssue {
  readonly step: string;
  readonly rule: string;
  readonly actual: string;
  readonly remedy: string;
  /** A warning does not keep a workflow from running. */
  readonly severity: "error" | "warning";
}

/** Looks for one kind of mistake. */
export type WorkflowRule = (workflow: Workflow) => readonly Finding[];
type Finding = Omit<WorkflowIssue, "severity" | "remedy"> & Partial<Pick<WorkflowIssue, "severity" | "remedy">>;
type Rule = WorkflowRule;

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

const waitsForSteps: Rule = ({ steps }) => {
  const position = new Map(steps.map((step, index) => [step.name, index]));
  return steps.flatMap((step, index) =>
    (step.after ?? [])
      .filter((name) => (position.get(name) ?? Infinity) >= index)
      .map((name) => ({ step: step.name, rule: "must wait for steps that stand before it", actual: `"${name}"` })),
  );
};

const fansOutOverInputs: Rule = ({ steps }) =>
  steps.flatMap((step) =>
    step.over === undefined || step.inputs.includes(step.over)
      ? []
      : [{ step: step.name, rule: "must be fanned out over one of its inputs", actual: `"${step.over}"` }],
  );

const paramsArePlain: Rule = ({ steps }) =>
  steps.flatMap((step) =>
    unsayable(step.params, "params").map((actual) => ({
      step: step.name,
      rule: "must have plain JSON parameters",
      actual,
      remedy: "Give numbers, texts, true, false, null, lists and plain objects.",
    })),
  );

const limitsAreSensible: Rule = ({ steps }) =>
  steps.flatMap(({ name, memoryMb, slots, timeoutMs, task }): Finding[] => {
    const found: Finding[] = [];
    const isWhole = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least;
    if (memoryMb !== undefined && !isWhole(memoryMb, 16))
      found.push({ step: name, rule: "must have a memory of whole MiB, at least 16", actual: String(memoryMb) });
    else if (memoryMb !== undefined && !task)
      found.push({
        step: name,
        rule: "must run in a process of its own to have a memory limit",
        actual: "one that runs in the run's process",
        severity: "warning",
      });
    if (slots !== undefined && slots !== "all" && !isWhole(slots, 1))
      found.push({ step: name, rule: 'must take a whole number of slots, or "all"', actual: String(slots) });
    if (timeoutMs !== undefined && !(timeoutMs > 0))
      found.push({ step: name, rule: "must have a timeout above 0 ms", actual: `${timeoutMs} ms` });
    return found;
  });

const rules: readonly Rule[] = [
  hasSteps,
  namesAreWellFormed,
  stepsAreDistinct,
  outputsAreDistinct,
  inputsExist,
  inputsComeBefore,
  waitsForSteps,
  fansOutOverInputs,
  paramsArePlain,
  limitsAreSensible,
];

const usualRemedy = "Change the order or the names of the steps.";

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

/** What JSON cannot say in a value, with its place. */
function unsayable(value: unknown, at: string): string[] {
  if (value === null || typeof value === "string" || typeof value === "boolean") return [];
  if (typeof value === "number") return Number.isFinite(value) ? [] : [`${value} at ${at}`];
  if (Array.isArray(value)) return (value as unknown[]).flatMap((item, i) => unsayable(item, `${at}[${i}]`));
  if (typeof value !== "object") return value === undefined ? [] : [`a ${typeof value} at ${at}`];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    return [`a ${value.constructor?.name ?? "class"} at ${at}`];
  return Object.entries(value).flatMap(([name, member]) => unsayable(member, `${at}.${name}`));
}

/**
 * Everything wrong with a workflow: by the rules every workflow must keep, and by `further` ones of whoever knows what its
 * steps mean. Outputs that nobody reads are allowed.
 */
export function lintWorkflow(workflow: Workflow, further: readonly WorkflowRule[] = []): readonly WorkflowIssue[] {
  return [...rules, ...further]
    .flatMap((rule) => rule(workflow))
    .map((finding) => ({ severity: "error", remedy: usualRemedy, ...finding }));
}

/** Throws WORKFLOW_INVALID with the first issue of an unsound workflow. */
export function requireSound(workflow: Workflow): void {
  const first = lintWorkflow(workflow).find(({ severity }) => severity === "error");
  if (first) throw new MillraceError("WORKFLOW_INVALID", { ...first });
}
