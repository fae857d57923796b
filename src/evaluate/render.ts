import type { Metric } from "../metrics/metric-names.ts";
import { metricDirection } from "../metrics/metric-names.ts";
import { formatMetric } from "./format.ts";
import type { GateVerdict } from "./gate-reason.ts";
import type { Task } from "../model/model.ts";
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
  const nRows = report.nRows.toLocaleString("en");
  const head = ["metric", `${report.split} (${nRows} rows)`, ...(withBaseline ? ["baseline", ""] : [])];
  return [...alignColumns([head, ...rows]), ...notesOn(report)];
}

const baselineText: { readonly [T in Task]?: string } = {
  regression: "the mean of the train rows",
  ranking: "the same score, and any order is as likely",
};

/** What it takes to read the table: which way is better, what the baseline knows, where the labels come from. */
function notesOn({ task, metrics, baseline, threshold, labels }: EvaluationReport): string[] {
  const lower = Object.keys(metrics).filter((name) => metricDirection[name as Metric["any"]] === "lower");
  const named = lower.map((name) => (name === "ece" ? "ece (calibration error)" : name));
  const notes: string[] = [];
  if (named.length > 0) notes.push(`less is better: ${named.join(", ")}`);
  if (Object.keys(baseline).length > 0)
    notes.push(`baseline: every row gets ${baselineText[task] ?? "the labels' shares of the train rows"}`);
  if (threshold !== null) {
    const positive = String(labels[1] ?? "positive");
    notes.push(
      `"${positive}" is answered from a probability of ${formatMetric(threshold)}, chosen for the best f1, not for accuracy`,
    );
  }
  return notes;
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
