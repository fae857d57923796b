import type { JsonObject } from "../../core/json.ts";
import type { Step } from "../../engine/step.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import { groupCodes } from "../../prepare/keys.ts";
import { planSplit } from "../../prepare/split.ts";
import { invalidDefinition } from "../../frame/definition-fault.ts";
import { columnOf, type Frame } from "../../frame/frame.ts";
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
      const frame = await context.read("ingest.dataset", datasetCodec(spec.contract, environment.memory));
      const quarantine = await context.read("validate.quarantine", quarantineCodec);
      const codes = planSplit(spec.split, {
        frame,
        roles: spec.roles,
        task: spec.task,
        rng: context.rng,
        excluded: Uint32Array.from(quarantine),
      });
      if (spec.task === "ranking") refuseDividedGroups(spec, frame, codes);
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

/** A split by time or by a column may part rows that are ranked among each other. */
function refuseDividedGroups({ roles, split }: PipelineSpec, frame: Frame, codes: Uint8Array): void {
  const rows = rowsWithCode(codes, splitCode.train, splitCode.validation, splitCode.test);
  const groups = groupCodes(columnOf(frame, roles.group!), rows);
  const codeOf = new Int16Array(groups.count).fill(-1);
  let divided = 0;
  rows.forEach((row, i) => {
    const group = groups.codes[i]!;
    if (codeOf[group] === -1) codeOf[group] = codes[row]!;
    else if (codeOf[group] !== -2 && codeOf[group] !== codes[row]) {
      codeOf[group] = -2;
      ++divided;
    }
  });
  if (divided > 0)
    throw invalidDefinition(
      "split",
      "must keep the rows of a group together where they are ranked",
      `${divided} of ${groups.count} groups divided by ${split.by}`,
      'Use split: { by: "group" }.',
    );
}
