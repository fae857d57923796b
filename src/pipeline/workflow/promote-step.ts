import type { Codec, Step } from "../../engine/step.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { gateOutcomeCodec } from "./gate-step.ts";
import { registeredCodec } from "./register-step.ts";
import { stepOf } from "./step-of.ts";

export interface Promoted {
  readonly version: number;
  readonly promoted: boolean;
}

export const promotedCodec: Codec<Promoted> = jsonCodec("promoted");

/** Makes the version the champion if its gate passed. */
export function promoteStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "promote",
    inputs: ["register.version", "gate.outcome"],
    outputs: ["result"],
    params: { model: spec.name },
    revision: 1,
    async run(context) {
      const { version } = await context.read("register.version", registeredCodec);
      const { verdict } = await context.read("gate.outcome", gateOutcomeCodec);
      if (verdict.passed) {
        await environment.registry.promote(spec.name, version, {
          by: "pipeline",
          reason: `run ${context.runId} passed its gate`,
        });
      }
      await context.write("result", promotedCodec, { version, promoted: verdict.passed });
      context.record({ promoted: verdict.passed ? 1 : 0 });
    },
  });
}
