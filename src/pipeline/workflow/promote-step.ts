import type { Digest } from "../../core/digest.ts";
import type { Codec, Step } from "../../engine/step.ts";
import { standingOf, type Standing } from "../../registry/champions.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { gateOutcomeCodec } from "./gate-step.ts";
import { registeredCodec } from "./register-step.ts";
import { stepOf } from "./step-of.ts";

/** What became of a version: champion, or not, and on what standing; each promotion is another one. */
export interface Promoted extends Standing {
  readonly version: number;
  readonly promoted: boolean;
}

export const promotedCodec: Codec<Promoted> = jsonCodec("promoted");

/**
 * Makes the version the champion if its gate passed and nobody has rolled it back. Which champion is live is state outside
 * the workflow, so the step is answered from the cache only where no promotion or rollback came between.
 */
export function promoteStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "promote",
    inputs: ["train.model", "register.version", "gate.outcome"],
    outputs: ["result"],
    params: { model: spec.name },
    revision: 2,
    observe: async (inputs) => ({ ...(await standing(spec, environment, inputs.get("train.model")!)) }),
    async run(context) {
      const { version } = await context.read("register.version", registeredCodec);
      const { verdict } = await context.read("gate.outcome", gateOutcomeCodec);
      const stands = await standing(spec, environment, context.digestOf("train.model"));
      const promoted = verdict.passed && !stands.isWithdrawn;
      if (promoted) {
        await environment.registry.promote(spec.name, version, {
          by: "pipeline",
          reason: `run ${context.runId} passed its gate`,
          fence: context.fence,
        });
      }
      await context.write("result", promotedCodec, { version, promoted, ...stands });
      context.record({ promoted: promoted ? 1 : 0 });
    },
  });
}

async function standing(spec: PipelineSpec, environment: WorkflowEnvironment, digest: Digest): Promise<Standing> {
  const versions = await environment.registry.versions(spec.name);
  const { version } = versions.find((candidate) => candidate.digest === digest)!;
  return standingOf(await environment.registry.history(spec.name), version);
}
