import type { Step } from "../../engine/step.ts";
import type { WorkflowEnvironment } from "./environment.ts";

/**
 * A standard step: its code is named by the package version and a revision raised when the step computes something else.
 * It uses every core itself, so no other step runs beside it.
 */
export function stepOf(
  environment: WorkflowEnvironment,
  step: Omit<Step, "code"> & { readonly revision: number },
): Step {
  const { revision, ...rest } = step;
  return Object.freeze({
    slots: "all" as const,
    ...rest,
    code: `millrace@${environment.packageVersion} ${step.name}/${revision}`,
  });
}
