import type { Codec, Step } from "../../engine/step.ts";
import { shuffle, type Rng } from "../../core/rng.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import { explain, isExplainable, meanContributions } from "../../model/explain.ts";
import { importanceOf } from "../../model/importance.ts";
import type { Model } from "../../model/model.ts";
import type { Frame } from "../../frame/frame.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec, modelCodec, splitCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { inputFrame } from "./input-frame.ts";
import { stepOf } from "./step-of.ts";

export type Importance = readonly {
  readonly feature: string;
  /** Share of what the whole model leans on. */
  readonly importance: number;
  /** Mean size of what the feature adds to a row's raw score; null for clusters. */
  readonly contribution: number | null;
}[];

const sampledRows = 1000;

export const importanceCodec: Codec<Importance> = jsonCodec("importance");

/** Which features the model leans on. */
export function explainStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "explain",
    inputs: ["ingest.dataset", "split.rows", "train.model"],
    outputs: ["importance"],
    params: {},
    revision: 2,
    async run(context) {
      const model = await context.read("train.model", modelCodec);
      const split = await context.read("split.rows", splitCodec);
      const columns = spec.contract.columns.filter(({ name }) => model.inputs.includes(name));
      const dataset = await context.read("ingest.dataset", datasetCodec({ columns }, environment.memory));
      const contributions = sampledContributions(model, dataset, split, context.rng);
      const importance: Importance = importanceOf(model).map((one) => ({
        ...one,
        contribution: contributions?.get(one.feature) ?? null,
      }));
      await context.write("importance", importanceCodec, importance);
    },
  });
}

/** Over validation rows, or train rows where there are none; at most a thousand, drawn without replacement. */
function sampledContributions(
  model: Model,
  dataset: Frame,
  split: Uint8Array,
  rng: Rng,
): ReadonlyMap<string, number> | null {
  if (!isExplainable(model)) return null;
  const validation = rowsWithCode(split, splitCode.validation);
  const rows = validation.length > 0 ? validation : rowsWithCode(split, splitCode.train);
  if (rows.length > sampledRows) shuffle(rows, rng.fork("sample"));
  const { contributions } = explain(model, inputFrame(model, dataset, rows.slice(0, sampledRows).sort()));
  return new Map(meanContributions(contributions).map(({ feature, mean }) => [feature, mean]));
}
