import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { RunResult, RunListener, Step, Workflow } from "../engine/step.ts";
import { runWorkflow } from "../engine/run.ts";
import { showRun, type RecordedArtifact, type RunDetails } from "../engine/runs.ts";
import { openStore } from "../store/open.ts";
import { findDefinition } from "./find-definition.ts";
import type { LoadedWorkflow } from "./pipelines.ts";
import type { Project } from "./project.ts";
import { refuseToReproduce, requireUnchanged } from "./reproduce-changes.ts";
import { reproducedPipeline } from "./reproduce-pipeline.ts";
import { compileLoaded } from "./run-workflow.ts";
import { runnerFor } from "./runner.ts";

export interface ReproduceOptions {
  readonly listener?: RunListener;
  readonly signal?: AbortSignal;
  /** Default: as many as a run would use. The result must not depend on it. */
  readonly threads?: number;
}

/** One artifact of a run beside what came out of running it again. */
export interface Compared {
  /** "step.output". */
  readonly name: string;
  readonly recorded: Digest;
  /** Null where the step did not get so far. */
  readonly reproduced: Digest | null;
}

export interface Reproduction {
  readonly runId: string;
  readonly equal: boolean;
  /** In the order of the workflow. */
  readonly compared: readonly Compared[];
  /** Steps that made something else of equal inputs: where the difference begins. */
  readonly origins: readonly string[];
  /** What was taken from the record: data as it was read, and what the registry said. */
  readonly taken: readonly string[];
  /** What a step ended with that came to an end this time only. */
  readonly error: MillraceError | null;
}

/**
 * Runs the recorded definition again, from the recorded data, in a scratch store, and compares the digest of every artifact.
 * The data source of a pipeline is not read, the registry not changed. Of a workflow every step that gave an artifact runs
 * again. Throws RUN_NOT_FOUND, RUN_NOT_REPRODUCIBLE or ARTIFACT_MISSING.
 */
export async function reproduceRun(
  project: Project,
  runId: string,
  options: ReproduceOptions = {},
): Promise<Reproduction> {
  const run = await showRun(project.store, runId);
  if (run.isTracked) refuseToReproduce(run, "its code ran outside of Millrace");
  const recorded = recordedArtifacts(run);
  const loaded = await findDefinition(project, run);
  if (loaded?.kind === "workflow") {
    const workflow = await reproducedWorkflow(project, run, loaded);
    const result = await runInScratch(project, workflow, { ...options, jobs: options.threads });
    return compare(runId, workflow, new Set(), recorded, result);
  }
  const workflow = await reproducedPipeline(project, run, loaded, recorded, options.threads);
  const taken = new Set(workflow.steps.filter((step) => step.inputs.length === 0));
  return compare(runId, workflow, taken, recorded, await runInScratch(project, workflow, options));
}

/** The steps of a workflow that the recorded run answered; its file must say of them what it said then. */
async function reproducedWorkflow(project: Project, run: RunDetails, loaded: LoadedWorkflow): Promise<Workflow> {
  const whole = await compileLoaded(project, loaded);
  if (whole.seed !== run.seed) refuseToReproduce(run, "the seed of its workflow is not as it was");
  const answered = new Set(run.steps.filter(isAnswered).map((step) => step.step));
  const steps = whole.steps.filter((step) => answered.has(step.name));
  await requireUnchanged(project.store, run, steps);
  return { ...whole, steps };
}

async function runInScratch(
  project: Project,
  workflow: Workflow,
  { listener, signal, jobs }: ReproduceOptions & { readonly jobs?: number | undefined },
): Promise<RunResult> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "millrace-reproduce-"));
  try {
    const store = await openStore(folder, { clock: project.clock });
    const runner = runnerFor(store);
    try {
      const result = await runWorkflow(workflow, {
        store,
        clock: project.clock,
        cache: false,
        runner,
        ...(listener ? { listener } : {}),
        ...(signal ? { signal } : {}),
        ...(jobs === undefined ? {} : { jobs }),
      });
      if (result.status === "cancelled") throw result.error;
      return result;
    } finally {
      await runner.close();
      await store.close();
    }
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

function compare(
  runId: string,
  workflow: Workflow,
  taken: ReadonlySet<Step>,
  recorded: ReadonlyMap<string, RecordedArtifact>,
  result: RunResult,
): Reproduction {
  const made = new Map<string, Digest>();
  for (const { step, outputs } of result.steps)
    for (const [output, digest] of outputs) made.set(`${step}.${output}`, digest);
  const names = (step: Step): string[] =>
    step.outputs.map((output) => `${step.name}.${output}`).filter((name) => recorded.has(name));
  const isEqual = (name: string): boolean => recorded.get(name)?.digest === made.get(name);
  const again = workflow.steps.filter((step) => !taken.has(step));
  const compared = again
    .flatMap(names)
    .map((name) => ({ name, recorded: recorded.get(name)!.digest, reproduced: made.get(name) ?? null }));
  const origins = again.filter((step) => step.inputs.every(isEqual) && !names(step).every(isEqual));
  return {
    runId,
    equal: compared.every((one) => one.recorded === one.reproduced),
    compared,
    origins: origins.map((step) => step.name),
    taken: [...taken].flatMap(names),
    error: result.error instanceof MillraceError ? result.error : null,
  };
}

function isAnswered({ status }: RunDetails["steps"][number]): boolean {
  return status === "ran" || status === "cached";
}

/** By "step.output", of the last attempt of each step that ended well. */
function recordedArtifacts(run: RunDetails): ReadonlyMap<string, RecordedArtifact> {
  const found = new Map<string, RecordedArtifact>();
  for (const step of run.steps.filter(isAnswered))
    for (const output of step.outputs) found.set(`${step.step}.${output.name}`, output);
  return found.size > 0 ? found : refuseToReproduce(run, `it ${run.status} and left no artifacts`);
}
