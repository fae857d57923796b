import type { RunDetails } from "../engine/runs.ts";
import type { Codec } from "../engine/step.ts";
import { ingestReportCodec } from "../pipeline/workflow/ingest-step.ts";
import { comparisonCodec, type PlacedIssue, validationReportCodec } from "../pipeline/workflow/validate-step.ts";
import { type ProfileComparison, renderComparison } from "../validate/compare.ts";
import type { ReasonCount } from "../validate/quarantine.ts";
import type { Project } from "./project.ts";

export interface RuleCount {
  readonly column: string;
  readonly code: string;
  readonly count: number;
}

/** What reading and checking found in the data of a run: rows in = rows ok + rows set aside. */
export interface DataReport {
  /** Rows in: those of the snapshot, and records of the source that were no rows. */
  readonly nRows: number;
  readonly nOk: number;
  readonly nQuarantined: number;
  /** Of those set aside, the ones that were no rows, such as malformed lines. */
  readonly nUnreadable: number;
  /** The run failed by what was found. */
  readonly hasFailed: boolean;
  /** Rules of rows the run failed by, the commonest first; the rows that broke them stand in the artifact `quarantined`. */
  readonly failed: readonly RuleCount[];
  /** The first 1,000 violations, with file and line. */
  readonly issues: readonly PlacedIssue[];
  /** Rows set aside by rule, the commonest first; a row may break several. */
  readonly quarantinedBy: readonly ReasonCount[];
  /** Violations of rules that only warn. */
  readonly warned: readonly RuleCount[];
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
  const { issueCounts, broken = [], nUnreadable = 0, failed = [], issues } = report;
  const [nRows, nQuarantined] = [report.nRows + nUnreadable, report.nQuarantined + nUnreadable];
  const quarantinedBy = "quarantinedBy" in report ? report.quarantinedBy : []; // reports of earlier releases have none
  const cleaned = (await read(ingestReportCodec))?.cleaned ?? [];
  const broke = failed.map(ruleCount).toSorted((a, b) => b.count - a.count);
  const warned = issueCounts.map(ruleCount).filter(({ column, code }) => {
    const isIt = (one: Pick<RuleCount, "column" | "code">): boolean => one.column === column && one.code === code;
    return !quarantinedBy.some(isIt) && !broke.some(isIt);
  });
  return {
    nRows,
    nOk: nRows - nQuarantined,
    nQuarantined,
    nUnreadable,
    hasFailed: run.steps.findLast(({ step }) => step === "validate")?.status === "failed",
    failed: broke,
    issues: issues.map((issue) => ({ ...nowhere, ...issue })),
    quarantinedBy,
    warned,
    cleaned: cleaned.filter(({ cells }) => cells > 0),
    broken,
    comparison: await read(comparisonCodec),
  };
}

/** Reports of earlier releases say no place. */
const nowhere = { file: null, line: null };

function ruleCount([rule, count]: readonly [rule: string, count: number]): RuleCount {
  const border = rule.lastIndexOf(":");
  return { column: rule.slice(0, border), code: rule.slice(border + 1), count };
}

/** What a run wrote of a type, the last of several; null where it wrote none. */
export async function readOutput<T>(project: Project, run: RunDetails, codec: Codec<T>): Promise<T | null> {
  const found = run.steps.flatMap((step) => step.outputs).findLast(({ type }) => type === codec.type);
  return found ? codec.read(await project.store.artifacts.verifiedPath(found.digest)) : null;
}

export const rowsLine = ({ nRows, nOk, nQuarantined, hasFailed }: DataReport): string =>
  hasFailed
    ? `${nRows} rows in, of which none is used: they are not what the definition asks for`
    : `${nRows} rows in = ${nOk} ok + ${nQuarantined} quarantined`;

export const cleanedLines = ({ cleaned }: DataReport): readonly string[] =>
  cleaned.map(({ column, cells }) => `${cells} cells of ${column} cleaned`);

export const brokenLines = ({ broken, hasFailed }: DataReport): readonly string[] =>
  broken.map((rule) => `${hasFailed ? "not as" : "warning:"} expected ${rule}`);

const mostReasons = 10;

/** What the run failed by, and the first rows with their place. */
export function failedLines({ failed, issues }: DataReport): readonly string[] {
  const rules = new Set(failed.map(({ column, code }) => `${column}:${code}`));
  const first = issues.filter(({ column, code }) => rules.has(`${column}:${code}`)).slice(0, mostReasons);
  return [
    ...failed.slice(0, mostReasons).map(({ column, code, count }) => `${count} failed by ${column}: ${code}`),
    ...first.map(
      ({ file, line, row, column, expected, actual }) =>
        `${placeOf(file, line, row)}: ${column}: expected ${expected}, got ${actual}`,
    ),
  ];
}

/** Where a row came from. */
export function placeOf(file: string | null, line: number | null, row: number): string {
  if (row < 0) return "the whole";
  if (file === null) return `row ${row + 1}`;
  return line === null ? `${file}, row ${row + 1}` : `${file}, line ${line}`;
}

export const unreadableLines = ({ nUnreadable }: DataReport): readonly string[] =>
  nUnreadable === 0 ? [] : [`${nUnreadable} that were no rows, such as malformed lines`];

/** The report in lines. */
export function renderDataReport(report: DataReport): readonly string[] {
  const { quarantinedBy, warned, comparison } = report;
  const found = [
    ...failedLines(report),
    ...unreadableLines(report),
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
