import type { Step } from "../step.ts";
import type { Finding, WorkflowRule } from "./rule.ts";

function isWhole(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

function each(find: (step: Step) => Omit<Finding, "step"> | null): WorkflowRule {
  return ({ steps }) =>
    steps.flatMap((step) => {
      const found = find(step);
      return found ? [{ step: step.name, ...found }] : [];
    });
}

export const memoryIsWhole: WorkflowRule = each(({ memoryMb }) =>
  memoryMb === undefined || isWhole(memoryMb, 16)
    ? null
    : {
        rule: "must have a memory of whole MiB, at least 16",
        actual: String(memoryMb),
        remedy: "Give it 16 or more.",
      },
);

export const memoryCanBeLimited: WorkflowRule = each(({ memoryMb, task }) =>
  memoryMb === undefined || task
    ? null
    : {
        rule: "must run in a process of its own to have a memory limit",
        actual: "one that runs in the run's process",
        remedy: 'Leave out `runner: "inline"`, or the limit.',
        severity: "warning",
      },
);

export const slotsAreWhole: WorkflowRule = each(({ slots }) =>
  slots === undefined || slots === "all" || isWhole(slots, 1)
    ? null
    : {
        rule: 'must take a whole number of slots, or "all"',
        actual: String(slots),
        remedy: "Give 1 or more.",
      },
);

export const timeoutIsPositive: WorkflowRule = each(({ timeoutMs }) =>
  timeoutMs === undefined || timeoutMs > 0
    ? null
    : { rule: "must have a timeout above 0 ms", actual: `${timeoutMs} ms`, remedy: "Give it time, or no limit." },
);
