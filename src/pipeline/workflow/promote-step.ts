import type { Digest } from "../../core/digest.ts";
import { isMillraceError } from "../../core/errors/error.ts";
import type { Codec, Step, StepContext } from "../../engine/step.ts";
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
  /** Why a version that passed its gate was not promoted; null where nothing stood against it. */
  readonly refusal: string | null;
}

export const promotedCodec: Codec<Promoted> = jsonCodec("promoted");

/**
 * Makes the version the champion if its gate passed, nobody has rolled it back or archived it, its reviewers have approved it,
 * and callers of the champion go on to be answered. Which champion is live is state outside the workflow, so the step is
 * answered from the cache only where no promotion, rollback or approval came between.
 */
export function promoteStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "promote",
    inputs: ["train.model", "register.version", "gate.outcome"],
    outputs: ["result"],
    params: { model: spec.name },
    revision: 5,
    observe: async (inputs) => ({ ...(await standing(spec, environment, inputs.get("train.model")!)) }),
    async run(context) {
      const { version } = await context.read("register.version", registeredCodec);
      const { verdict } = await context.read("gate.outcome", gateOutcomeCodec);
      const stands = await standing(spec, environment, context.digestOf("train.model"));
      const refusal = !verdict.passed
        ? null
        : stands.isWithdrawn
          ? "it was rolled back"
          : await promotionRefusal(spec, environment, version, context);
      const promoted = verdict.passed && refusal === null;
      await context.write("result", promotedCodec, { version, promoted, refusal, ...stands });
      context.record({ promoted: promoted ? 1 : 0 });
    },
  });
}

/** Promotes; where the registry says no, says why. What went wrong otherwise is thrown. */
async function promotionRefusal(
  spec: PipelineSpec,
  { registry }: WorkflowEnvironment,
  version: number,
  { runId, fence }: StepContext,
): Promise<string | null> {
  try {
    await registry.promote(spec.name, version, { by: "pipeline", reason: `run ${runId} passed its gate`, fence });
    return null;
  } catch (error) {
    const refusals: readonly string[] = ["CONTRACT_INCOMPATIBLE", "VERSION_ARCHIVED", "APPROVAL_MISSING"];
    if (isMillraceError(error) && refusals.includes(error.code)) return error.message;
    throw error;
  }
}

async function standing(spec: PipelineSpec, environment: WorkflowEnvironment, digest: Digest): Promise<Standing> {
  const versions = await environment.registry.versions(spec.name);
  const { version } = versions.find((candidate) => candidate.digest === digest)!;
  return standingOf(await environment.registry.history(spec.name), version);
}
