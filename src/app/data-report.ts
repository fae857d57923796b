import type { RunDetails } from "../engine/runs.ts";
import type { Codec } from "../engine/step.ts";
import { ingestReportCodec } from "../pipeline/workflow/ingest-step.ts";
import { comparisonCodec, validationReportCodec } from "../pipeline/workflow/validate-step.ts";
import { type ProfileComparison, renderComparison } from "../validate/compare.ts";
import type { ReasonCount } from "../validate/quarantine.ts";
import type { Project } from "./project.ts";

/** What reading and checking found in the data of a run: rows in = rows ok + rows set aside. */
export interface DataReport {
  readonly nRows: number;
  readonly nOk: number;
  readonly nQuarantined: number;
  /** Rows set aside by rule, the commonest first; a row may break several. */
  readonly quarantinedBy: readonly ReasonCount[];
  /** Violations of rules that only warn. */
  readonly warned: readonly { readonly column: string; readonly code: string; readonly count: number }[];
  readonly cleaned: readonly { readonly column: string; readonly cells: number }[];
  /** What was expected of the snapshot as a whole, does not hold, and only warns. */
  readonly broken: readonly string[];
  /** Beside the snapshot before; null where there is none. */
  readonly comparison: ProfileComparison | null;
}

/** The report of a run; null where it did not get that far. */
export async function dataReportOf(project: Project, run: RunDetails): Promise<DataReport | null> {
  const read = <T>(codec: Codec<T>): Promise<T | null> => readOutput(project, run, codec);
  const report = await read(validationReportCodec);
  if (report === null) return null;
  const { nRows, nQuarantined, issueCounts, broken = [] } = report;
  const quarantinedBy = "quarantinedBy" in report ? report.quarantinedBy : []; // reports of earlier releases have none
  const cleaned = (await read(ingestReportCodec))?.cleaned ?? [];
  const warned = issueCounts.flatMap(([rule, count]) => {
    const border = rule.lastIndexOf(":");
    const [column, code] = [rule.slice(0, border), rule.slice(border + 1)];
    return quarantinedBy.some((one) => one.column === column && one.code === code) ? [] : [{ column, code, count }];
  });
  return {
    nRows,
    nOk: nRows - nQuarantined,
    nQuarantined,
    quarantinedBy,
    warned,
    cleaned: cleaned.filter(({ cells }) => cells > 0),
    broken,
    comparison: await read(comparisonCodec),
  };
}

/** What a run wrote of a type, the last of several; null where it wrote none. */
export async function readOutput<T>(project: Project, run: RunDetails, codec: Codec<T>): Promise<T | null> {
  const found = run.steps.flatMap((step) => step.outputs).findLast(({ type }) => type === codec.type);
  return found ? codec.read(await project.store.artifacts.verifiedPath(found.digest)) : null;
}

export const rowsLine = ({ nRows, nOk, nQuarantined }: DataReport): string =>
  `${nRows} rows in = ${nOk} ok + ${nQuarantined} quarantined`;

export const cleanedLines = ({ cleaned }: DataReport): readonly string[] =>
  cleaned.map(({ column, cells }) => `${cells} cells of ${column} cleaned`);

export const brokenLines = ({ broken }: DataReport): readonly string[] =>
  broken.map((rule) => `warning: expected ${rule}`);

const mostReasons = 10;

/** The report in lines. */
export function renderDataReport(report: DataReport): readonly string[] {
  const { quarantinedBy, warned, comparison } = report;
  const found = [
    ...quarantinedBy.slice(0, mostReasons).map(({ column, code, rows }) => `${rows} by ${column}: ${code}`),
    ...cleanedLines(report),
    ...warned.slice(0, mostReasons).map(({ column, code, count }) => `${count} warned by ${column}: ${code}`),
    ...brokenLines(report),
  ];
  const before = comparison ? renderComparison(comparison) : [];
  const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);
  return [
    rowsLine(report),
    ...indented(found),
    ...(comparison ? ["against the snapshot before:", ...indented(before)] : []),
  ];
}
