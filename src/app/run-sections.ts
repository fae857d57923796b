import { formatDuration } from "../core/duration.ts";
import { runCalled, showRun } from "../engine/runs.ts";
import type { RecordedStep, RunDetails } from "../engine/runs.ts";
import type { CardBar, CardSection } from "../registry/card.ts";
import type { RunReport } from "../serve/pages/run-page.ts";
import { type DataReport, dataReportOf, placeOf } from "./data-report.ts";
import { dataSections } from "./data-sections.ts";
import type { Project } from "./project.ts";
import { provenanceLines } from "./provenance.ts";

/** What is recorded of a run, or of a pipeline's newest: what failed, what checking the data found, its steps. Throws RUN_NOT_FOUND. */
export async function reportOfRun(project: Project, called: string): Promise<RunReport> {
  const run = await showRun(project.store, await runCalled(project.store, called));
  const found = await dataReportOf(project, run);
  const sections = [failure(run), ...dataSections(found, null), violations(found), steps(run), lineage(run)];
  return {
    runId: run.runId,
    workflow: run.workflow,
    status: run.status,
    sections: sections.filter(({ lines, table }) => lines.length > 0 || (table?.rows.length ?? 0) > 0),
  };
}

function failure({ error, steps: tried }: RunDetails): CardSection {
  const failed = tried.findLast(({ status }) => status === "failed");
  const step = failed ? [`step ${failed.step}`] : [];
  const said = error ? [`${error.code}: ${error.message}`, ...(error.remedy === "" ? [] : [error.remedy])] : [];
  return { heading: "What failed", lines: [...step, ...said], table: null };
}

const mostViolations = 50;

/** The first rows that broke a rule; of a run that failed, those it failed by come first. */
function violations(found: DataReport | null): CardSection {
  const rows = (found?.issues ?? [])
    .slice(0, mostViolations)
    .map(({ file, line, row, column, code, expected, actual }) => [
      placeOf(file, line, row),
      column,
      code,
      expected,
      actual,
    ]);
  const head = ["where", "column or check", "rule", "expected", "got"];
  return { heading: "The first violations", lines: [], table: { head, rows } };
}

function steps({ startedAt, steps: tried }: RunDetails): CardSection {
  const head = ["step", "status", "began", "took", "said"];
  const rows = tried.map((step) => [
    step.attempt === 1 ? step.step : `${step.step} (attempt ${step.attempt})`,
    step.status,
    step.startedAt === null ? "" : new Date(step.startedAt).toISOString(),
    step.durationMs === null ? "" : formatDuration(step.durationMs),
    saidBy(step),
  ]);
  return { heading: "Steps", lines: [], table: { head, rows, bars: timesOf(tried, startedAt) } };
}

/** When each step ran, as shares of the time from the first beginning to the last end. */
function timesOf(tried: readonly RecordedStep[], begun: number): readonly (CardBar | null)[] {
  const times = tried.map(({ startedAt, durationMs }) =>
    startedAt === null || durationMs === null ? null : { from: startedAt, to: startedAt + durationMs },
  );
  const first = Math.min(begun, ...times.map((time) => time?.from ?? begun));
  const all = Math.max(0, ...times.map((time) => (time?.to ?? first) - first));
  return times.map((time) =>
    time && all > 0 ? { from: (time.from - first) / all, to: (time.to - first) / all } : null,
  );
}

function saidBy({ error, reason }: RecordedStep): string {
  return error ? `${error.code}: ${error.message}` : (reason ?? "");
}

function lineage(run: RunDetails): CardSection {
  const { startedAt, durationMs, seed, attempt, parent, tags, provenance } = run;
  const lines = [
    `began ${new Date(startedAt).toISOString()}`,
    ...(durationMs === null ? [] : [`took ${formatDuration(durationMs)}`]),
    ...(attempt > 1 ? [`resumed, attempt ${attempt}`] : []),
    ...(parent === null ? [] : [`within run ${parent}`]),
    `seed ${seed}`,
    ...Object.entries(tags).map(([tag, value]) => `tag ${tag} = ${value}`),
    ...provenanceLines(provenance),
  ];
  return { heading: "Where it came from", lines, table: null };
}
