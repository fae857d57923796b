import type { Metric } from "../metrics/metric-names.ts";
import { metricDirection } from "../metrics/metric-names.ts";
import { formatMetric } from "./format.ts";
import type { GateVerdict } from "./gate-reason.ts";
import type { EvaluationReport } from "./report.ts";

/** The report as lines for people: metrics beside the baseline, then the gate's reasons, one a line. No colours. */
export function renderReport(report: EvaluationReport, verdict: GateVerdict | null): string[] {
  const lines = renderMetrics(report);
  if (verdict === null) return lines;
  lines.push("", verdict.passed ? "gate passed" : "gate failed");
  for (const reason of verdict.reasons) lines.push(`  ${reason.passed ? "pass" : "FAIL"}  ${reason.text}`);
  if (verdict.reasons.length === 0) lines.push("  the pipeline has no gate rules");
  return lines;
}

function renderMetrics(report: EvaluationReport): string[] {
  const withBaseline = Object.keys(report.baseline).length > 0;
  const rows = Object.entries(report.metrics).map(([name, value]) => {
    const baseline = report.baseline[name] ?? null;
    const row = [name, formatMetric(value)];
    return withBaseline ? [...row, formatMetric(baseline), verdictOn(name, value, baseline)] : row;
  });
  const head = ["metric", `${report.split} (${report.nRows} rows)`, ...(withBaseline ? ["baseline", ""] : [])];
  const lines = alignColumns([head, ...rows]);
  if (report.threshold !== null) {
    const positive = String(report.labels[1] ?? "positive");
    lines.push(`"${positive}" is answered from a probability of ${formatMetric(report.threshold)}`);
  }
  return lines;
}

function verdictOn(name: string, value: number | null, baseline: number | null): string {
  if (value === null || baseline === null) return "";
  if (value === baseline) return "as the baseline";
  return value > baseline === (metricDirection[name as Metric["any"]] === "higher") ? "better" : "worse";
}

/** Names to the left, numbers to the right. */
function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const last = rows[0]!.length - 1;
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || (column === last && last === 3) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join("  ")
      .trimEnd(),
  );
}
