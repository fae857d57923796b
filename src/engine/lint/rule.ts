import type { Workflow } from "../step.ts";

/** One thing wrong with a workflow. */
export interface WorkflowIssue {
  /** Where: the step it is about, or the workflow's name. */
  readonly step: string;
  readonly rule: string;
  readonly actual: string;
  readonly remedy: string;
  /** A warning does not keep a workflow from running. */
  readonly severity: "error" | "warning";
}

/** What a rule finds; an error unless it says otherwise. */
export type Finding = Omit<WorkflowIssue, "severity"> & Partial<Pick<WorkflowIssue, "severity">>;

/** Looks for one kind of mistake. */
export type WorkflowRule = (workflow: Workflow) => readonly Finding[];

/** The step an input "step.output" comes from. */
export function producerOf(input: string): string {
  return input.slice(0, input.indexOf("."));
}

/** What stands more than once in a list, each once. */
export function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
