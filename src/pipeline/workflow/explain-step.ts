import type { Codec, Step } from "../../engine/step.ts";
import { importanceOf } from "../../model/importance.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec, modelCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { stepOf } from "./step-of.ts";

export type Importance = readonly { readonly feature: string; readonly importance: number }[];

export const importanceCodec: Codec<Importance> = jsonCodec("importance");

/** Which features the model leans on. */
export function explainStep(_spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "explain",
    inputs: ["train.model"],
    outputs: ["importance"],
    params: {},
    revision: 1,
    async run(context) {
      const importance = importanceOf(await context.read("train.model", modelCodec));
      await context.write("importance", importanceCodec, importance);
    },
  });
}
