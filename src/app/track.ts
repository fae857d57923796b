import type { Digest } from "../core/digest.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";

export interface TrackOptions {
  /** What the runs of this code are listed as. */
  readonly name: string;
  /** The project folder whose store keeps the run. Default: the current folder. */
  readonly project?: string;
  readonly params?: JsonObject;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A run of any training code, while it lasts. */
export interface TrackedRun {
  readonly runId: string;
  /** Records a number at a step of the training; default: one more than this metric's last. */
  metric(name: string, value: number, step?: number): void;
  tag(name: string, value: string): void;
  param(name: string, value: JsonValue): void;
  /** Keeps bytes, or a copy of the file at a path, as an artifact of the run. */
  artifact(name: string, content: Uint8Array | string): Promise<Digest>;
  /** A run within this one: a fold, a trial. */
  nested<T>(options: Omit<TrackOptions, "project">, work: (run: TrackedRun) => T | Promise<T>): Promise<T>;
}

/**
 * Records any training code as a run: parameters, metrics over its steps, tags, artifacts, nested runs. Gives what `work`
 * gives; what it throws ends the run as failed and is thrown on. Numbers are written within half a second; a process that
 * dies leaves the run "interrupted".
 */
export async function track<T>(options: TrackOptions, work: (run: TrackedRun) => T | Promise<T>): Promise<T> {
  const { systemClock } = await import("../core/clock.ts");
  const { openProject } = await import("./project.ts");
  const { collectProvenance } = await import("./provenance.ts");
  const root = options.project ?? process.cwd();
  const project = await openProject(root, { clock: systemClock });
  try {
    const provenance = await collectProvenance(project.root, 1);
    return await trackIn(project, { ...options, provenance }, work);
  } finally {
    await project.close();
  }
}

async function trackIn<T>(
  project: import("./project.ts").Project,
  options: TrackOptions & { readonly provenance: JsonValue; readonly parent?: string },
  work: (run: TrackedRun) => T | Promise<T>,
): Promise<T> {
  const { startTracking, whileTracking } = await import("../engine/tracking.ts");
  const tracking = await startTracking(project.store, project.clock, {
    name: options.name,
    params: options.params ?? {},
    tags: options.tags ?? {},
    provenance: options.provenance,
    ...(options.parent === undefined ? {} : { parent: options.parent }),
  });
  const { finish: _, ...recorder } = tracking;
  const run: TrackedRun = Object.freeze({
    ...recorder,
    nested: <N>(inner: Omit<TrackOptions, "project">, innerWork: (run: TrackedRun) => N | Promise<N>): Promise<N> =>
      trackIn(project, { ...inner, provenance: options.provenance, parent: tracking.runId }, innerWork),
  });
  return whileTracking(tracking, () => work(run));
}
