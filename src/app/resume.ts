import { MillraceError } from "../core/errors/error.ts";
import { listRuns, showRun, type RunSummary } from "../engine/runs.ts";
import type { RunResult } from "../engine/step.ts";
import { isStopped, runsHere } from "../store/processes.ts";
import { leaseMs, listLeases, watchLeases, type LeaseWatch } from "../store/leases.ts";
import { interruptOrphans } from "../store/orphans.ts";
import { findDefinition } from "./find-definition.ts";
import type { Project } from "./project.ts";
import { runPipeline, type RunOptions, type RunOutcome } from "./run-pipeline.ts";
import { runLoadedWorkflow } from "./run-workflow.ts";

const lookMs = 250;

/** How often a run may be begun before nobody resumes it but a person: some runs kill every process they get. */
export const mostAttempts = 3;

/**
 * The interrupted runs worth resuming, oldest first: of each pipeline the newest run, where it was interrupted. Waits, at
 * most as long as a lease lasts, for those whose process stands still or is on another machine.
 */
export async function findResumable(project: Project): Promise<readonly RunSummary[]> {
  const watch = watchLeases(project.clock.monotonic);
  const start = project.clock.monotonic();
  for (;;) {
    await markOrphans(project, watch);
    const limitMs = await longestWait(project);
    if (limitMs === null || project.clock.monotonic() - start > limitMs) break;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  return newestInterrupted(project);
}

/** Marks what lost its process as interrupted; of what that one committed last the files may not be made. */
async function markOrphans({ store, clock }: Project, watch: LeaseWatch): Promise<void> {
  const found = await interruptOrphans(store.database, clock, watch);
  if (found.length > 0) await store.unsynced.putBack();
}

/** How long the silent holders of runs are to be watched; null where there are none. */
async function longestWait(project: Project): Promise<number | null> {
  const held = (await listLeases(project.store.database)).filter((lease) => lease.resource.startsWith("run:"));
  if (held.some((lease) => !runsHere(lease.host))) return leaseMs.elsewhere + 2 * lookMs;
  return held.some((lease) => isStopped(lease.pid)) ? leaseMs.here + 2 * lookMs : null;
}

/** Of each pipeline the newest run, where it was interrupted; oldest first. */
async function newestInterrupted(project: Project): Promise<readonly RunSummary[]> {
  const found = await listRuns(project.store, { status: "interrupted", newest: true, limit: 1000 });
  return found.filter((run) => !run.isTracked).toReversed();
}

/** Marks what lost its process meanwhile as interrupted and gives what may be resumed without asking a person. */
export async function findOrphans(project: Project, watch: LeaseWatch): Promise<readonly RunSummary[]> {
  await markOrphans(project, watch);
  return (await newestInterrupted(project)).filter((run) => run.attempt < mostAttempts);
}

/** What came of a resumed run, by what defines it. */
export type Resumed =
  | { readonly kind: "pipeline"; readonly result: RunResult; readonly outcome: RunOutcome }
  | { readonly kind: "workflow"; readonly result: RunResult };

/**
 * Goes on with an interrupted run from its last committed step, under its own id. Throws RUN_NOT_FOUND, RUN_HELD or
 * RUN_NOT_RESUMABLE.
 */
export async function resumeRun(project: Project, run: RunSummary, options: RunOptions = {}): Promise<Resumed> {
  if (run.isTracked) {
    throw new MillraceError("RUN_NOT_RESUMABLE", { run: run.runId, reason: "its code ran outside of Millrace" });
  }
  const given = { ...options, resume: run.runId };
  const loaded = await findDefinition(project, await showRun(project.store, run.runId));
  if (loaded?.kind === "pipeline") {
    const outcome = await runPipeline(project, loaded.spec, { ...given, file: loaded.file });
    return { kind: "pipeline", result: outcome.result, outcome };
  }
  if (loaded) return { kind: "workflow", result: await runLoadedWorkflow(project, loaded, given) };
  const reason = `there is no pipeline "${run.workflow}" in this project`;
  throw new MillraceError("RUN_NOT_RESUMABLE", { run: run.runId, reason });
}
