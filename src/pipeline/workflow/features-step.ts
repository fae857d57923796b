import type { Codec, Step, StepContext } from "../../engine/step.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import type { FittedFeature } from "../../model/fitted-transform.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec, splitCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { stylesOf } from "./ensemble.ts";
import { fitTransforms } from "./fitting.ts";
import { stepOf } from "./step-of.ts";
import type { Labels } from "./target.ts";
import { type Chosen, chosenCodec, fittingParams } from "./tune-step.ts";
import { validationReportCodec } from "./validate-step.ts";
import { divisionOf, firstTestTime, requireSame } from "./warm-start.ts";

export const fittedFeaturesCodec: Codec<readonly FittedFeature[]> = jsonCodec("fitted-features");

/** Fits every transform on the train rows alone. A training that goes on from an earlier version takes what that one learned. */
export function featuresStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "features",
    inputs: ["ingest.dataset", "validate.report", "split.rows", "tune.chosen"],
    outputs: ["fitted"],
    params: { ...fittingParams(spec), division: divisionOf(spec) },
    revision: 2,
    async run(context) {
      const dataset = await context.read("ingest.dataset", datasetCodec(spec.contract, environment.memory));
      const { labels } = await context.read("validate.report", validationReportCodec);
      const chosen = await context.read("tune.chosen", chosenCodec);
      const styles = await stylesOf(chosen);
      const split = await context.read("split.rows", splitCodec);
      const rows = rowsWithCode(split, splitCode.train);
      const fitted = fitTransforms({ spec, dataset, labels }, rows, styles);
      const testsFrom = firstTestTime(spec, dataset, split);
      const features = await lastingFeatures(fitted, { spec, environment, context, chosen, labels, testsFrom });
      await context.write("fitted", fittedFeaturesCodec, features);
      context.record({ features: features.length });
    },
  });
}

/** The features of the version training goes on from, which must be made in the same way; else those fitted now. */
async function lastingFeatures(
  fitted: readonly FittedFeature[],
  args: {
    readonly spec: PipelineSpec;
    readonly environment: WorkflowEnvironment;
    readonly context: StepContext;
    readonly chosen: Chosen;
    readonly labels: Labels;
    readonly testsFrom: number | null;
  },
): Promise<readonly FittedFeature[]> {
  const { spec, environment, context, chosen, labels, testsFrom } = args;
  if (!chosen.start) return fitted;
  const earlier = await environment.loadModel(chosen.start.digest);
  requireSame(earlier, chosen.start, {
    spec,
    labels,
    hyperparameters: chosen.hyperparameters,
    features: fitted,
    dataset: context.digestOf("ingest.dataset"),
    split: context.digestOf("split.rows"),
    testsFrom,
  });
  return earlier.features;
}
