import { MillraceError } from "../core/errors/error.ts";
import { memoryCanBeLimited, memoryIsWhole, slotsAreWhole, timeoutIsPositive } from "./lint/limit-rules.ts";
import { hasSteps, namesAreWellFormed, outputsAreDistinct, stepsAreDistinct } from "./lint/name-rules.ts";
import {
  dependsNotOnItself,
  fansOutOverInputs,
  inputsComeBefore,
  inputsExist,
  waitsForSteps,
} from "./lint/order-rules.ts";
import { paramsArePlain } from "./lint/param-rules.ts";
import type { WorkflowIssue, WorkflowRule } from "./lint/rule.ts";
import { stepsAreUsed } from "./lint/use-rules.ts";
import type { Workflow } from "./step.ts";

export type { WorkflowIssue, WorkflowRule } from "./lint/rule.ts";

const rules: readonly WorkflowRule[] = [
  hasSteps,
  namesAreWellFormed,
  stepsAreDistinct,
  outputsAreDistinct,
  inputsExist,
  dependsNotOnItself,
  inputsComeBefore,
  waitsForSteps,
  fansOutOverInputs,
  paramsArePlain,
  memoryIsWhole,
  memoryCanBeLimited,
  slotsAreWhole,
  timeoutIsPositive,
  stepsAreUsed,
];

/**
 * Everything wrong with a workflow: by the rules every workflow must keep, and by `further` ones of whoever knows what its
 * steps mean. A step may have outputs that nobody reads beside those that somebody does.
 */
export function lintWorkflow(workflow: Workflow, further: readonly WorkflowRule[] = []): readonly WorkflowIssue[] {
  return [...rules, ...further]
    .flatMap((rule) => rule(workflow))
    .map((finding) => ({ ...finding, severity: finding.severity ?? "error" }));
}

/** Throws WORKFLOW_INVALID with the first issue of an unsound workflow; gives what is only to be warned of. */
export function requireSound(workflow: Workflow, further: readonly WorkflowRule[] = []): readonly WorkflowIssue[] {
  const issues = lintWorkflow(workflow, further);
  const first = issues.find(({ severity }) => severity === "error");
  if (first) throw new MillraceError("WORKFLOW_INVALID", { ...first });
  return issues;
}
