import type { RunDetails } from "../engine/runs.ts";
import { ingestReportCodec } from "../pipeline/workflow/ingest-step.ts";
import { comparisonCodec, validationReportCodec } from "../pipeline/workflow/validate-step.ts";
import { renderComparison } from "../validate/compare.ts";
import type { Project } from "./project.ts";

const mostReasons = 10;

/** What validation found in a run, in lines: rows in, ok and set aside, why, and how the snapshot differs from the one before. */
export async function validationLines(project: Project, run: RunDetails): Promise<readonly string[]> {
  const outputs = run.steps.flatMap((step) => step.outputs);
  const pathOf = async (type: string): Promise<string | null> => {
    const artifact = outputs.find((output) => output.type === type);
    return artifact ? project.store.artifacts.verifiedPath(artifact.digest) : null;
  };
  const reportPath = await pathOf("validation-report");
  if (reportPath === null) return [];
  const report = await validationReportCodec.read(reportPath);
  const { nRows, nQuarantined } = report;
  const quarantinedBy = "quarantinedBy" in report ? report.quarantinedBy : []; // reports of earlier releases have none
  const ingestedPath = await pathOf("ingest-report");
  const { cleaned = [] } = ingestedPath === null ? {} : await ingestReportCodec.read(ingestedPath);
  const comparisonPath = await pathOf("comparison");
  const comparison = comparisonPath === null ? null : await comparisonCodec.read(comparisonPath);
  return [
    `${nRows} rows in = ${nRows - nQuarantined} ok + ${nQuarantined} quarantined`,
    ...quarantinedBy.slice(0, mostReasons).map(({ column, code, rows }) => `  ${rows} by ${column}: ${code}`),
    ...cleaned.filter(({ cells }) => cells > 0).map(({ column, cells }) => `  ${cells} cells of ${column} cleaned`),
    ...report.issueCounts
      .filter(([rule]) => !quarantinedBy.some(({ column, code }) => rule === `${column}:${code}`))
      .slice(0, mostReasons)
      .map(([rule, count]) => `  ${count} warned by ${rule.replace(/:(?=[^:]*$)/, ": ")}`),
    ...(report.broken ?? []).map((rule) => `  warning: expected ${rule}`),
    ...(comparison ? ["against the snapshot before:", ...renderComparison(comparison).map((line) => `  ${line}`)] : []),
  ];
}
