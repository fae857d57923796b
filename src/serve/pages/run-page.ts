import { formatDuration } from "../../core/duration.ts";
import type { CardSection } from "../../registry/card.ts";
import type { Html } from "./html.ts";
import { html } from "./html.ts";
import { runPath } from "./layout.ts";
import { renderSection, renderTable } from "./sections.ts";

/** A run described by what is recorded of it, as plain data. */
export interface RunReport {
  readonly runId: string;
  readonly workflow: string;
  readonly status: string;
  readonly sections: readonly CardSection[];
}

/** A run in a list of them. */
export interface ListedRun {
  readonly runId: string;
  readonly workflow: string;
  readonly status: string;
  /** UTC milliseconds. */
  readonly startedAt: number;
  /** Null while it runs. */
  readonly durationMs: number | null;
}

/** Where pages of runs get them from. */
export interface RunSource {
  /** The newest runs, newest first. */
  list(): Promise<readonly ListedRun[]>;
  /** A run by its id, or the newest of a pipeline by its name. Throws RUN_NOT_FOUND. */
  report(called: string): Promise<RunReport>;
}

/** A run for people. */
export function runPage({ runId, workflow, status, sections }: RunReport): Html {
  return html`<div class="hero">
      <h1>${workflow}</h1>
      <p>Run ${runId}: ${status}.</p>
    </div>
    ${sections.map(renderSection)}`;
}

/** The newest runs for people, each leading to its page. */
export function runsPage(runs: readonly ListedRun[]): Html {
  return html`<div class="hero">
      <h1>Runs</h1>
      <p>${runs.length === 0 ? "Nothing has run yet." : "The newest first."}</p>
    </div>
    ${runs.length > 0 && runsTable(runs)}`;
}

function runsTable(runs: readonly ListedRun[]): Html {
  const rows = runs.map(({ runId, workflow, status, startedAt, durationMs }) => [
    html`<a href="${runPath(runId)}">${runId}</a>`,
    workflow,
    status,
    new Date(startedAt).toISOString(),
    durationMs === null ? "" : formatDuration(durationMs),
  ]);
  return renderTable(["run", "pipeline", "status", "began", "took"], rows);
}
