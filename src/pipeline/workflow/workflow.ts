import type { Step, Workflow } from "../../engine/step.ts";
import type { OwnStepSpec, PipelineSpec } from "../spec.ts";
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
 * A definition as a workflow: the standard steps in order, own steps where they say. A standard step waits for the
 * own steps before it, so that one of them that throws keeps the model from being promoted.
 */
export function workflowOf(spec: PipelineSpec, environment: WorkflowEnvironment): Workflow {
  const before: string[] = [];
  const steps = standardSteps.flatMap((create) => {
    const standard = create(spec, environment);
    const at = (place: OwnStepSpec["place"]): readonly Step[] =>
      spec.steps
        .filter((own) => own.place === place && own.at === standard.name)
        .map((own) => ownStep(spec, own, environment));
    const preceding = at("before");
    before.push(...preceding.map(({ name }) => name));
    const step = { ...(at("instead")[0] ?? standard), after: [...before] };
    const following = at("after");
    before.push(...following.map(({ name }) => name));
    return [...preceding, step, ...following];
  });
  return Object.freeze({ name: spec.name, seed: spec.seed, steps });
}
