import pc from "picocolors";
import type { RunOutcome } from "../app/run-pipeline.ts";
import type { RunResult } from "../engine/step.ts";
import { formatDuration } from "../core/duration.ts";
import { renderReport } from "../evaluate/render.ts";
import { renderProfile } from "../validate/profile-table.ts";
import type { Output } from "./output.ts";

/** Prints what a run found: profile, audit, metrics beside the baseline, the gate's verdict with reasons, the version. */
export function printOutcome(output: Output, name: string, outcome: RunOutcome): void {
  const section = (title: string, lines: readonly string[]): void => {
    if (lines.length === 0) return;
    output.line();
    output.line(pc.bold(title));
    for (const line of lines) output.line(line === "" ? "" : `  ${coloured(line)}`);
  };
  if (outcome.profile) section("data", renderProfile(outcome.profile));
  section("audit", auditLines(outcome));
  if (outcome.importance) section("what the model leans on", importanceLines(outcome.importance));
  if (outcome.report) section("metrics", renderReport(outcome.report, outcome.verdict));
  output.line();
  if (outcome.version !== null) output.line(standingLine(name, outcome));
  printResult(output, outcome.result);
}

/** One line about the run as a whole. */
export function printResult(output: Output, { runId, steps, durationMs }: RunResult): void {
  const cached = steps.filter((step) => step.status === "cached").length;
  output.line(`run ${runId}: ${steps.length} steps in ${formatDuration(durationMs)}, ${cached} from the cache`);
}

/** The verdict stands out: what passed is green, what failed or warns is not. */
function coloured(line: string): string {
  if (/^(gate passed|  pass )/.test(line)) return pc.green(line);
  if (/^(gate failed|  FAIL |error:)/.test(line)) return pc.red(line);
  return line.startsWith("warning:") ? pc.yellow(line) : line;
}

function standingLine(name: string, { version, promoted, withdrawn, refusal }: RunOutcome): string {
  if (promoted) return `${name} version ${version} is registered and is the champion`;
  const why = withdrawn
    ? `it was rolled back, and only \`millrace promote ${name} ${version}\` makes it champion again`
    : `the champion stays${refusal === null ? "" : `: ${refusal}`}`;
  return `${name} version ${version} is registered; ${why}`;
}

function auditLines({ audit }: RunOutcome): string[] {
  if (audit?.findings.length === 0)
    return [
      "nothing suspicious: no target proxy, feature from the future, shared entity, identifier, dead column, repeated row or shift",
    ];
  return (audit?.findings ?? []).map(
    (finding) =>
      `${finding.allowed ? "allowed" : finding.severity}: ${finding.column ?? "dataset"}: ${finding.evidence}. ${finding.reason ?? finding.remedy}`,
  );
}

function importanceLines(importance: NonNullable<RunOutcome["importance"]>): string[] {
  const shown = importance.slice(0, 8);
  const width = Math.max(...shown.map((entry) => entry.feature.length));
  const lines = shown.map(
    ({ feature, importance: share, contribution }) =>
      `${feature.padEnd(width)}  ${(100 * share).toFixed(1).padStart(5)} %  ${contributionText(contribution)}${"#".repeat(Math.round(40 * share))}`,
  );
  if (shown.every(({ contribution }) => contribution === null)) return lines;
  return [...lines, "share of the whole, then what a row's score moves by it on average"];
}

function contributionText(contribution: number | null): string {
  return contribution === null ? "" : `±${String(Number(contribution.toPrecision(3))).padEnd(9)} `;
}

/** The same for programs. */
export function outcomeDocument(name: string, outcome: RunOutcome): object {
  const { result, report, audit, verdict, importance, version, promoted, withdrawn, refusal } = outcome;
  return {
    pipeline: name,
    ...resultDocument(result),
    report,
    audit,
    importance,
    verdict,
    version,
    promoted,
    withdrawn,
    refusal,
  };
}

/** A run and its steps for programs. */
export function resultDocument(result: RunResult): object {
  return {
    run: result.runId,
    status: result.status,
    durationMs: Math.round(result.durationMs),
    steps: result.steps.map((step) => ({
      ...step,
      outputs: Object.fromEntries(step.outputs),
      durationMs: Math.round(step.durationMs),
    })),
  };
}
