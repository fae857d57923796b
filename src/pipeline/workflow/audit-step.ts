import type { JsonObject } from "../../core/json.ts";
import type { Codec, Step } from "../../engine/step.ts";
import { columnsRead } from "../../frame/expression-check.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import { auditLeaks, type AuditReport } from "../../validate/audit.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec, splitCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { featureColumnsOf } from "./features.ts";
import { stepOf } from "./step-of.ts";

export const auditReportCodec: Codec<AuditReport> = jsonCodec("audit-report");

/** Looks for leakage before anything learns; its errors fail the gate. */
export function auditStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  const features = featureColumnsOf(spec).map((f) => f.name);
  const reads = [...new Set(spec.expressions.flatMap(({ expression }) => columnsRead(expression)))];
  return stepOf(environment, {
    name: "audit",
    inputs: ["ingest.dataset", "split.rows"],
    outputs: ["report"],
    params: { roles: spec.roles, allow: spec.allow, features, reads, by: spec.split.by } as unknown as JsonObject,
    revision: 4,
    async run(context) {
      const report = auditLeaks({
        frame: await context.read("ingest.dataset", datasetCodec(spec.contract, environment.memory)),
        target: spec.roles.target,
        splitCodes: await context.read("split.rows", splitCodec),
        contract: spec.contract,
        roles: spec.roles,
        allow: spec.allow,
        features,
        reads,
        by: spec.split.by,
      });
      await context.write("report", auditReportCodec, report);
      context.record({ findings: report.findings.length });
    },
  });
}
