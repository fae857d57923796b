import type { Digest } from "../core/digest.ts";
import { listRuns, type RecordedArtifact, showRun } from "../engine/runs.ts";
import { profileCodec } from "../pipeline/workflow/validate-step.ts";
import type { DatasetProfile } from "../validate/profile.ts";
import type { Project } from "./project.ts";

const mostRuns = 20;

/** The profile of the newest snapshot of a pipeline other than `dataset`, among its last 20 runs; null where there is none. */
export async function findPreviousProfile(
  project: Project,
  workflow: string,
  dataset: Digest,
): Promise<{ readonly digest: Digest; readonly profile: DatasetProfile } | null> {
  for (const { runId } of await listRuns(project.store, { workflow, limit: mostRuns })) {
    const outputs = (await showRun(project.store, runId)).steps.flatMap((step) => step.outputs);
    const ofType = (type: string): RecordedArtifact | undefined => outputs.find((artifact) => artifact.type === type);
    const [snapshot, profile] = [ofType("dataset"), ofType("profile")];
    if (!snapshot || !profile || snapshot.digest === dataset) continue;
    const read = await readProfile(project, profile.digest);
    if (read) return { digest: profile.digest, profile: read };
  }
  return null;
}

/** null for a profile that is gone, or that an older release wrote without sketches. */
async function readProfile(project: Project, digest: Digest): Promise<DatasetProfile | null> {
  try {
    const profile = await profileCodec.read(await project.store.artifacts.verifiedPath(digest));
    return profile.columns.every(({ sketch }) => (sketch as unknown) !== undefined) ? profile : null;
  } catch {
    return null;
  }
}
