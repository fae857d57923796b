import type { WorkflowSource } from "../engine/define-types.ts";
import { packageVersion } from "./package-version.ts";

/** The file of a pipeline or workflow as the source of its steps: each step's code is what it depends on. */
export async function sourceOf(file: string, root: string, kind: "pipeline" | "workflow"): Promise<WorkflowSource> {
  const { readModuleGraph } = await import("../engine/code/graph.ts");
  const { ownStepNames, pipelineStepCode, workflowStepCode } = await import("../engine/code/roots.ts");
  const graph = await readModuleGraph(file, root, packageVersion());
  const codeOf = kind === "pipeline" ? pipelineStepCode : workflowStepCode;
  const defined = kind === "pipeline" ? [] : ownStepNames(graph);
  return { file, defined, codeOf: (step) => codeOf(graph, step) };
}
