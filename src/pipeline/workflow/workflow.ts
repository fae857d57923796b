import type { Step, Workflow } from "../../engine/step.ts";
import type { PipelineSpec } from "../spec.ts";
import { auditStep } from "./audit-step.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { evaluateStep } from "./evaluate-step.ts";
import { explainStep } from "./explain-step.ts";
import { featuresStep } from "./features-step.ts";
import { gateStep } from "./gate-step.ts";
import { ingestStep } from "./ingest-step.ts";
import { ownStep } from "./own-step.ts";
import { promoteStep } from "./promote-step.ts";
import { registerStep } from "./register-step.ts";
import { splitStep } from "./split-step.ts";
import { trainStep } from "./train-step.ts";
import { tuneStep } from "./tune-step.ts";
import { validateStep } from "./validate-step.ts";

const standardSteps: readonly ((spec: PipelineSpec, environment: WorkflowEnvironment) => Step)[] = [
  ingestStep,
  validateStep,
  splitStep,
  auditStep,
  tuneStep,
  featuresStep,
  trainStep,
  evaluateStep,
  explainStep,
  gateStep,
  registerStep,
  promoteStep,
];

/**
 * A definition as a workflow: the standard steps in order, own steps right after the step they follow. A standard step
 * waits for the own steps before it, so that one of them that throws keeps the model from being promoted.
 */
export function workflowOf(spec: PipelineSpec, environment: WorkflowEnvironment): Workflow {
  const before: string[] = [];
  const steps = standardSteps.flatMap((create) => {
    const standard = create(spec, environment);
    const step = { ...standard, after: [...before] };
    const own = spec.steps.filter(({ after }) => after === step.name).map((one) => ownStep(spec, one, environment));
    before.push(...own.map(({ name }) => name));
    return [step, ...own];
  });
  return Object.freeze({ name: spec.name, seed: spec.seed, steps });
}
