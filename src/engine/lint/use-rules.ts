import type { WorkflowRule } from "./rule.ts";

/** A step that stands in the file and comes to nothing was mostly forgotten in the list of those wanted. */
export const stepsAreUsed: WorkflowRule = ({ leftOut = [] }) =>
  leftOut.map((step) => ({
    step,
    rule: "should be read by another step or be wanted itself",
    actual: "a step whose output nobody uses",
    remedy: "Name it in `steps` of the workflow, or remove it.",
    severity: "warning",
  }));
