import { repeated } from "./rule.ts";
import type { WorkflowRule } from "./rule.ts";

const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

export const hasSteps: WorkflowRule = ({ name, steps }) =>
  steps.length > 0
    ? []
    : [{ step: name, rule: "must be one of at least one step", actual: "no steps", remedy: "Add a step." }];

export const namesAreWellFormed: WorkflowRule = ({ steps }) =>
  steps.flatMap((step) =>
    [step.name, ...step.outputs]
      .filter((name) => !namePattern.test(name))
      .map((name) => ({
        step: step.name,
        rule: "and its outputs must be named with letters, digits, - and _, at most 64",
        actual: JSON.stringify(name),
        remedy: "Rename it.",
      })),
  );

export const stepsAreDistinct: WorkflowRule = ({ steps }) =>
  repeated(steps.map((step) => step.name)).map((name) => ({
    step: name,
    rule: "must be the only one of its name",
    actual: "another of the same name",
    remedy: "Rename one of them.",
  }));

export const outputsAreDistinct: WorkflowRule = ({ steps }) =>
  steps.flatMap((step) =>
    repeated(step.outputs).map((output) => ({
      step: step.name,
      rule: "must name each output once",
      actual: `"${output}" twice`,
      remedy: "Rename one of them.",
    })),
  );
