import type { JsonObject } from "../../core/json.ts";
import type { Step } from "../../engine/step.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import { planSplit } from "../../prepare/split.ts";
import type { PipelineSpec } from "../spec.ts";
import { splitCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { stepOf } from "./step-of.ts";
import { requireLearnable } from "./target.ts";
import { quarantineCodec } from "./validate-step.ts";

/** Decides once, before anything learns, which rows train, which stop training early and choose the threshold, and which judge. */
export function splitStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "split",
    inputs: ["ingest.dataset", "validate.quarantine"],
    outputs: ["rows"],
    params: { plan: spec.split, roles: spec.roles, task: spec.task } as unknown as JsonObject,
    revision: 2,
    async run(context) {
      const frame = await context.read("ingest.dataset", datasetCodec(spec.contract));
      const quarantine = await context.read("validate.quarantine", quarantineCodec);
      const codes = planSplit(spec.split, {
        frame,
        roles: spec.roles,
        task: spec.task,
        rng: context.rng,
        excluded: Uint32Array.from(quarantine),
      });
      requireLearnable(spec, frame, rowsWithCode(codes, splitCode.train));
      await context.write("rows", splitCodec, codes);
      context.record({
        train: rowsWithCode(codes, splitCode.train).length,
        validation: rowsWithCode(codes, splitCode.validation).length,
        test: rowsWithCode(codes, splitCode.test).length,
      });
    },
  });
}
