import type { ColumnDrift, DriftReport } from "./drift-report.ts";

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function cellsOf(column: ColumnDrift): string[] {
  return [
    column.column,
    column.psi.toFixed(3),
    column.chanceBound.toFixed(3),
    `${percent(column.missing)} (${percent(column.referenceMissing)})`,
    percent(column.unknown),
    column.reasons.length ? `drift: ${column.reasons.join(", ")}` : "ok",
  ];
}

const head = ["column", "psi", "by chance up to", "missing (was)", "unknown", "verdict"];

function alignRight(cell: string, width: number, position: number): string {
  return position === 0 || position === head.length - 1 ? cell.padEnd(width) : cell.padStart(width);
}

function headline(report: DriftReport): string {
  const rows = report.nRows.toLocaleString("en");
  if (report.verdict === "tooFewRows")
    return `${report.model}: too few rows to judge (${rows}; at least ${report.limits.minRows.toLocaleString("en")} are needed)`;
  const drifted = report.columns.filter((column) => column.reasons.length);
  const found = [...drifted, ...(report.prediction?.reasons.length ? [report.prediction] : [])].length;
  const against = `${rows} rows against ${report.nReference.toLocaleString("en")} of training`;
  if (report.verdict === "ok") return `${report.model}: no data drift (${against})`;
  return `${report.model}: drift in ${found} ${found === 1 ? "column" : "columns"} (${against})`;
}

/** A drift report as lines of text: a verdict, then a table with the largest PSI first. Column names are cut at 40 characters. */
export function renderDrift(report: DriftReport): string[] {
  const lines = [headline(report)];
  const listed = [...report.columns, ...(report.prediction ? [{ ...report.prediction, column: "(prediction)" }] : [])];
  if (listed.length) {
    const rows = [head, ...listed.map(cellsOf)];
    for (const row of rows) row[0] = row[0]!.length > 40 ? `${row[0]!.slice(0, 39)}…` : row[0]!;
    const widths = head.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
    lines.push(
      "",
      ...rows.map((row) =>
        row
          .map((cell, i) => alignRight(cell, widths[i]!, i))
          .join("  ")
          .trimEnd(),
      ),
    );
  }
  const { nRows, share, codes, isDrifted } = report.outOfContract;
  if (nRows > 0) {
    const why = codes.map(([code, count]) => `${code} ${count}`).join(", ");
    lines.push("", `refused rows: ${nRows} (${percent(share)}${isDrifted ? ", drift" : ""}): ${why}`);
  }
  return lines;
}
