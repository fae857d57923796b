import type { Step } from "../../engine/step.ts";
import type { WorkflowEnvironment } from "./environment.ts";

/** A standard step: its code is named by the package version and a revision raised when the step computes something else. */
export function stepOf(
  environment: WorkflowEnvironment,
  step: Omit<Step, "code"> & { readonly revision: number },
): Step {
  const { revision, ...rest } = step;
  return Object.freeze({ ...rest, code: `millrace@${environment.packageVersion} ${step.name}/${revision}` });
}
