import type { Digest } from "../../core/digest.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Codec, Step, StepContext } from "../../engine/step.ts";
import { judgeGate, type GateVerdict } from "../../evaluate/gate.ts";
import { rowsWithCode, splitCode } from "../../frame/split-codes.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import type { PipelineSpec } from "../spec.ts";
import { auditReportCodec } from "./audit-step.ts";
import { jsonCodec, modelCodec, splitCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { evaluationReportCodec, slicedColumns, slicesOf } from "./evaluate-step.ts";
import { predictionsAt } from "./input-frame.ts";
import { stepOf } from "./step-of.ts";
import { targetOf } from "./target.ts";
import { championOf } from "./warm-start.ts";

/** The gate's verdict and which champion (null = none yet) the candidate was compared with. */
export interface GateOutcome {
  readonly verdict: GateVerdict;
  readonly comparedWith: { readonly version: number; readonly digest: Digest } | null;
}

export const gateOutcomeCodec: Codec<GateOutcome> = jsonCodec("gate-outcome");

/** Compares the candidate with fixed limits and, on the same test rows, with the champion. A failed gate is a result. */
export function gateStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "gate",
    inputs: ["ingest.dataset", "split.rows", "train.model", "evaluate.report", "audit.report"],
    outputs: ["outcome"],
    params: { rules: spec.gate } as unknown as JsonObject,
    revision: 1,
    observe: async (inputs) => rivalOf(spec, environment, inputs.get("train.model")!),
    async run(context) {
      const rival = context.observed as unknown as GateOutcome["comparedWith"];
      const verdict = judgeGate({
        rules: spec.gate,
        report: await context.read("evaluate.report", evaluationReportCodec),
        audit: await context.read("audit.report", auditReportCodec),
        ...(await comparison(spec, environment, context, rival)),
        rng: context.rng,
      });
      await context.write("outcome", gateOutcomeCodec, { verdict, comparedWith: rival });
      context.record({ passed: verdict.passed ? 1 : 0 });
    },
  });
}

/**
 * The version to compare a candidate with: the champion. A candidate that is the champion already keeps the verdict it was
 * promoted on, so the rival is the one it was compared with then.
 */
async function rivalOf(
  spec: PipelineSpec,
  environment: WorkflowEnvironment,
  candidate: Digest,
): Promise<{ readonly version: number; readonly digest: Digest } | null> {
  const champion = await championOf(spec, environment);
  if (!champion) return null;
  if (champion.digest !== candidate) return { version: champion.version, digest: champion.digest };
  if (champion.comparedWith === null) return null;
  const versions = await environment.registry.versions(spec.name);
  const rival = versions.find((version) => version.digest === champion.comparedWith);
  return rival ? { version: rival.version, digest: rival.digest } : null;
}

async function comparison(
  spec: PipelineSpec,
  environment: WorkflowEnvironment,
  context: StepContext,
  rival: { readonly version: number; readonly digest: Digest } | null,
): Promise<Pick<Parameters<typeof judgeGate>[0], "champion" | "candidate" | "target" | "slices">> {
  const needsRival = rival !== null && spec.gate.some((rule) => rule.rule === "beatsChampion");
  if (!needsRival)
    return {
      champion: rival && { version: rival.version, predictions: null, threshold: null },
      candidate: null,
      target: null,
    };
  const model = await context.read("train.model", modelCodec);
  const dataset = await context.read("ingest.dataset", datasetCodec(spec.contract, environment.memory));
  const rows = rowsWithCode(await context.read("split.rows", splitCodec), splitCode.test);
  const champion = await environment.loadModel(rival.digest);
  const { threads } = environment;
  return {
    champion: {
      version: rival.version,
      predictions: await predictionsAt(champion, dataset, rows, threads),
      threshold: champion.threshold,
    },
    candidate: { predictions: await predictionsAt(model, dataset, rows, threads), threshold: model.threshold },
    target: targetOf(spec, dataset, model.labels, rows),
    slices: slicedColumns(spec).flatMap((name) => slicesOf(dataset, name, rows)),
  };
}
