import type { JsonObject } from "../../core/json.ts";
import type { Codec, Step } from "../../engine/step.ts";
import { fitFeatures } from "../../features/fit.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import type { FittedFeature } from "../../model/fitted-transform.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec, splitCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { stylesOf } from "./ensemble.ts";
import { featureColumnsOf, featureFrame } from "./features.ts";
import { stepOf } from "./step-of.ts";
import { targetOf } from "./target.ts";
import { chosenCodec, fittingParams } from "./tune-step.ts";
import { validationReportCodec } from "./validate-step.ts";

export const fittedFeaturesCodec: Codec<readonly FittedFeature[]> = jsonCodec("fitted-features");

/** Fits every transform on the train rows alone. */
export function featuresStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "features",
    inputs: ["ingest.dataset", "validate.report", "split.rows", "tune.chosen"],
    outputs: ["fitted"],
    params: fittingParams(spec) as JsonObject,
    revision: 1,
    async run(context) {
      const dataset = await context.read("ingest.dataset", datasetCodec(spec.contract));
      const { labels } = await context.read("validate.report", validationReportCodec);
      const styles = await stylesOf(await context.read("tune.chosen", chosenCodec));
      const rows = rowsWithCode(await context.read("split.rows", splitCodec), splitCode.train);
      const toFit = {
        frame: featureFrame(spec, dataset, rows),
        features: featureColumnsOf(spec),
        prepare: spec.prepare,
        target: targetOf(spec, dataset, labels, rows),
      };
      const features = styles.flatMap((style) => fitFeatures({ ...toFit, style }));
      await context.write("fitted", fittedFeaturesCodec, features);
      context.record({ features: features.length });
    },
  });
}
