import type { Codec, Step } from "../../engine/step.ts";
import { rulesAsJson } from "../../registry/approvals.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { definedMetrics } from "./defined-metrics.ts";
import { evaluationReportCodec } from "./evaluate-step.ts";
import { gateOutcomeCodec } from "./gate-step.ts";
import { stepOf } from "./step-of.ts";

export interface Registered {
  readonly model: string;
  readonly version: number;
}

export const registeredCodec: Codec<Registered> = jsonCodec("registered");

/** Gives the model a version number. A version that failed its gate is kept too, with the verdict, but cannot be promoted. */
export function registerStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "register",
    inputs: ["train.model", "evaluate.report", "gate.outcome"],
    outputs: ["version"],
    params: { model: spec.name, ...(spec.approvals && { approvals: rulesAsJson(spec.approvals) }) },
    revision: 1,
    async run(context) {
      const { metrics } = await context.read("evaluate.report", evaluationReportCodec);
      const { verdict, comparedWith } = await context.read("gate.outcome", gateOutcomeCodec);
      const { version } = await environment.registry.register({
        model: spec.name,
        digest: context.digestOf("train.model"),
        runId: context.runId,
        metrics: definedMetrics(metrics),
        verdict,
        comparedWith: comparedWith?.digest ?? null,
        ...(spec.approvals && { approvals: spec.approvals }),
        author: environment.author,
        fence: context.fence,
      });
      await context.write("version", registeredCodec, { model: spec.name, version });
      context.record({ version });
    },
  });
}
