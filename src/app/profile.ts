import { existsSync } from "node:fs";
import path from "node:path";
import { systemClock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { showRun } from "../engine/runs.ts";
import { inspectSource } from "../ingest/inspect.ts";
import { parquet } from "../ingest/source.ts";
import { profileCodec } from "../pipeline/workflow/validate-step.ts";
import { compareProfiles, type ProfileComparison } from "../validate/compare.ts";
import { type DatasetProfile, profileFrame } from "../validate/profile.ts";
import { openProject, type Project } from "./project.ts";

/**
 * The profile of what `subject` names: a file (or a pattern, or an address), a run, whose snapshot is meant, or a snapshot
 * by its digest.
 *
 * Throws SOURCE_NOT_FOUND where it is none of them, and what reading throws.
 */
export async function profileSubject(root: string, subject: string, signal?: AbortSignal): Promise<DatasetProfile> {
  if (/^sha256:[0-9a-f]{64}$/.test(subject))
    return withProject(root, (project) => profileSnapshot(project, subject as Digest, signal));
  const isRun = /^\d{8}-\d{6}-/.test(subject) && !existsSync(path.resolve(subject));
  if (isRun) return withProject(root, (project) => profileRun(project, subject));
  const { frame, types } = await inspectSource(subject, { signal });
  return profileFrame(frame, types);
}

/** Two of them side by side. */
export async function diffSubjects(
  root: string,
  before: string,
  after: string,
  signal?: AbortSignal,
): Promise<ProfileComparison> {
  return compareProfiles(await profileSubject(root, before, signal), await profileSubject(root, after, signal));
}

async function withProject<T>(root: string, work: (project: Project) => Promise<T>): Promise<T> {
  const project = await openProject(root, { clock: systemClock });
  try {
    return await work(project);
  } finally {
    await project.close();
  }
}

async function profileSnapshot(project: Project, digest: Digest, signal?: AbortSignal): Promise<DatasetProfile> {
  const file = await project.store.artifacts.verifiedPath(digest);
  return profileFrame((await inspectSource(file, { source: parquet(file), signal })).frame);
}

async function profileRun(project: Project, runId: string): Promise<DatasetProfile> {
  const run = await showRun(project.store, runId);
  const outputs = run.steps.filter(({ step }) => step === "validate").flatMap((step) => step.outputs);
  const artifact = outputs.findLast(({ type }) => type === "profile");
  if (!artifact) {
    const remedy = "Give a run whose step validate succeeded: `millrace show RUN` lists the steps.";
    throw new MillraceError("SOURCE_EMPTY", { path: runId, found: "a run that did not get to a profile", remedy });
  }
  return profileCodec.read(await project.store.artifacts.verifiedPath(artifact.digest));
}
