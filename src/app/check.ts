import { MillraceError, toMillraceError } from "../core/errors/error.ts";
import { systemClock } from "../core/clock.ts";
import { lintWorkflow } from "../engine/lint.ts";
import { workflowOf } from "../pipeline/workflow/workflow.ts";
import { environmentOf } from "./environment.ts";
import { loadPipeline, pipelineNames } from "./pipelines.ts";
import { openProject, type Project } from "./project.ts";

export interface CheckResult {
  readonly pipeline: string;
  readonly problems: readonly { readonly code: string; readonly message: string; readonly remedy: string }[];
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
  try {
    const { spec } = await loadPipeline(project.root, name);
    const environment = environmentOf(project, spec);
    const problems = lintWorkflow(workflowOf(spec, environment)).map(
      (issue) => new MillraceError("WORKFLOW_INVALID", issue),
    );
    await environment.fingerprint();
    return problems.map(({ code, message, remedy }) => ({ code, message, remedy }));
  } catch (error) {
    const { code, message, remedy } = toMillraceError(error);
    return [{ code, message, remedy }];
  }
}
