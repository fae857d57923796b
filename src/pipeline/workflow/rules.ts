import type { WorkflowRule } from "../../engine/lint.ts";
import type { PipelineSpec } from "../spec.ts";

/** What `check` looks for in a pipeline, beside what every workflow must keep. */
export function pipelineRules(spec: PipelineSpec): readonly WorkflowRule[] {
  return [promotesWhatIsJudged(spec), gateIsReadByPromote, stepsAreReplacedOnce(spec)];
}

/** Without a rule the gate passes whatever the audit lets through. */
function promotesWhatIsJudged({ gate, steps }: PipelineSpec): WorkflowRule {
  const hasOwn = steps.some(({ place, at }) => place === "instead" && at === "gate");
  return () =>
    gate.length > 0 || hasOwn
      ? []
      : [
          {
            step: "promote",
            rule: "should stand behind a gate with a rule",
            actual: "an empty gate: every model is promoted",
            remedy: 'Add a rule such as gate: [beatsChampion("rmse")].',
            severity: "warning",
          },
        ];
}

const gateIsReadByPromote: WorkflowRule = ({ steps }) =>
  steps
    .filter(({ name, inputs }) => name === "promote" && !inputs.includes("gate.outcome"))
    .map(({ name }) => ({
      step: name,
      rule: "must read what the gate said",
      actual: "no gate.outcome",
      remedy: "Leave the gate before it.",
    }));

function stepsAreReplacedOnce({ steps }: PipelineSpec): WorkflowRule {
  const replaced = steps.filter(({ place }) => place === "instead").map(({ at }) => at);
  const twice = [...new Set(replaced.filter((at, index) => replaced.indexOf(at) !== index))];
  return () =>
    twice.map((step) => ({
      step,
      rule: "must have one step in its place",
      actual: `${replaced.filter((at) => at === step).length} of them`,
      remedy: "Keep one of them.",
    }));
}
