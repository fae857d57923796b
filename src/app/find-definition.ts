import type { JsonValue } from "../core/json.ts";
import type { RunSummary } from "../engine/runs.ts";
import { loadDefinition, pipelineNames, type LoadedPipeline, type LoadedWorkflow } from "./pipelines.ts";
import type { Project } from "./project.ts";

export type Loaded = LoadedPipeline | LoadedWorkflow;

/**
 * What defines a run in this project now: the file it was run from, else whichever of `pipelines/` defines something of its
 * name; null where there is none.
 */
export async function findDefinition(
  project: Project,
  run: Pick<RunSummary, "workflow"> & { readonly provenance: JsonValue },
): Promise<Loaded | null> {
  const recorded = (run.provenance as { readonly file?: string | null } | null)?.file;
  const places = [...(recorded ? [`./${recorded}`] : []), ...(await pipelineNames(project.root))];
  for (const place of places) {
    const loaded = await loadDefinition(project.root, place).catch(() => null);
    if (loaded !== null && nameOf(loaded) === run.workflow) return loaded;
  }
  return null;
}

function nameOf(loaded: Loaded): string {
  return loaded.kind === "pipeline" ? loaded.spec.name : loaded.workflow.name;
}
