import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { Step, Workflow } from "./step.ts";

/** Which steps of a workflow a run takes in, and which it repeats. */
export interface Selection {
  /** Repeat these steps. */
  readonly force?: readonly string[];
  /** Repeat this step and all that come after it. */
  readonly from?: string;
  /** Run this step and what it needs, and nothing else. */
  readonly until?: string;
}

export interface Plan {
  isIncluded(step: string): boolean;
  isForced(step: string): boolean;
}

/** Throws STEP_UNKNOWN for a name that is no step. */
export function planRun(workflow: Workflow, selection: Selection): Plan {
  const { force = [], from, until } = selection;
  for (const name of [...force, ...(from === undefined ? [] : [from]), ...(until === undefined ? [] : [until])])
    requireStep(workflow, name);
  const forced = new Set(force);
  if (from !== undefined) for (const name of downstreamOf(workflow.steps, from)) forced.add(name);
  const included = until === undefined ? null : upstreamOf(workflow.steps, until);
  return {
    isIncluded: (step) => included === null || included.has(step),
    isForced: (step) => forced.has(step),
  };
}

/** Names of the steps a step waits for. */
export function dependenciesOf(step: Step): readonly string[] {
  return [...new Set([...step.inputs.map((input) => input.slice(0, input.indexOf("."))), ...(step.after ?? [])])];
}

function requireStep(workflow: Workflow, name: string): void {
  const found = workflow.steps.map((step) => step.name);
  if (found.includes(name)) return;
  const nearest = nearestName(name, found);
  throw new MillraceError("STEP_UNKNOWN", { step: name, workflow: workflow.name, found, nearest });
}

function upstreamOf(steps: readonly Step[], name: string): ReadonlySet<string> {
  const wanted = new Set([name]);
  // Steps stand after what they need, so one pass from the end finds everything.
  for (const step of steps.toReversed())
    if (wanted.has(step.name)) for (const needed of dependenciesOf(step)) wanted.add(needed);
  return wanted;
}

function downstreamOf(steps: readonly Step[], name: string): ReadonlySet<string> {
  const reached = new Set([name]);
  for (const step of steps) if (dependenciesOf(step).some((needed) => reached.has(needed))) reached.add(step.name);
  return reached;
}
