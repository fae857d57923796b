import { MillraceError, toMillraceError } from "../core/errors/error.ts";
import { systemClock } from "../core/clock.ts";
import { lintWorkflow } from "../engine/lint.ts";
import { pipelineRules } from "../pipeline/workflow/rules.ts";
import type { WorkflowEnvironment } from "../pipeline/workflow/environment.ts";
import { workflowOf } from "../pipeline/workflow/workflow.ts";
import { environmentOf } from "./environment.ts";
import { loadDefinition, pipelineNames } from "./pipelines.ts";
import { compileLoaded } from "./run-workflow.ts";
import { openProject, type Project } from "./project.ts";

export interface CheckedProblem {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** A warning does not keep it from running. */
  readonly severity: "error" | "warning";
}

export interface CheckResult {
  readonly pipeline: string;
  readonly problems: readonly CheckedProblem[];
}

/** Loads each pipeline, lints its workflow and looks whether its data is there. No names = every pipeline of the project. */
export async function checkPipelines(root: string, names: readonly string[]): Promise<CheckResult[]> {
  const wanted = names.length > 0 ? names : await pipelineNames(root);
  if (wanted.length === 0) return [];
  const project = await openProject(root, { clock: systemClock });
  try {
    const results: CheckResult[] = [];
    for (const pipeline of wanted) results.push({ pipeline, problems: await problemsOf(project, pipeline) });
    return results;
  } finally {
    await project.close();
  }
}

async function problemsOf(project: Project, name: string): Promise<CheckResult["problems"]> {
  let environment: WorkflowEnvironment | null = null;
  try {
    const loaded = await loadDefinition(project.root, name);
    environment = loaded.kind === "pipeline" ? environmentOf(project, loaded.spec) : null;
    const workflow =
      loaded.kind === "pipeline" ? workflowOf(loaded.spec, environment!) : await compileLoaded(project, loaded);
    const issues = lintWorkflow(workflow, loaded.kind === "pipeline" ? pipelineRules(loaded.spec) : []);
    await environment?.fingerprint();
    return issues.map((issue) => {
      const { code, message, remedy } = new MillraceError("WORKFLOW_INVALID", { ...issue });
      return { code, message, remedy, severity: issue.severity };
    });
  } catch (error) {
    const { code, message, remedy } = toMillraceError(error);
    return [{ code, message, remedy, severity: "error" }];
  } finally {
    await environment?.fetcher.close();
  }
}
