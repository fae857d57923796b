import { availableParallelism } from "node:os";
import { runWorkflow } from "../engine/run.ts";
import { inlineRunner } from "../engine/runner.ts";
import type { RunResult, Step, Workflow } from "../engine/step.ts";
import { sourceOf } from "./code.ts";
import type { LoadedWorkflow } from "./pipelines.ts";
import type { Project } from "./project.ts";
import { collectProvenance } from "./provenance.ts";
import type { RunOptions } from "./run-pipeline.ts";
import { runnerFor } from "./runner.ts";

/** A loaded workflow as the engine runs it. */
export async function compileLoaded(project: Project, { file, workflow }: LoadedWorkflow): Promise<Workflow> {
  return workflow.compile(await sourceOf(file, project.root, "workflow"));
}

/** Runs a workflow of steps in this project. A failed step is in the result; it does not throw. */
export async function runLoadedWorkflow(
  project: Project,
  loaded: LoadedWorkflow,
  { inline = false, ...options }: RunOptions = {},
): Promise<RunResult> {
  const runner = inline ? inlineRunner : runnerFor(project.store);
  try {
    const first = firstInProcess(loaded);
    if (first) runner.warm?.(first);
    const workflow = await compileLoaded(project, loaded);
    const provenance = await collectProvenance(project.root, availableParallelism(), loaded.file);
    return await runWorkflow(workflow, { store: project.store, clock: project.clock, runner, ...options, provenance });
  } finally {
    await runner.close();
  }
}

/** The first step that runs in a process of its own. Known before the code of all steps is read, which takes a while. */
function firstInProcess({ file, workflow }: LoadedWorkflow): Step | undefined {
  const unread = { file, defined: [], codeOf: () => ({ digest: "", parts: {} }) };
  return workflow.compile(unread).steps.find((step) => step.task);
}
