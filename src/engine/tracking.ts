import { createReadStream, createWriteStream } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { pipeline as pump } from "node:stream/promises";
import type { Compilable } from "kysely";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { isAbsent } from "../core/errors/absent.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { invalidDefinition } from "../frame/definition-fault.ts";
import type { StoredArtifact } from "../store/artifacts.ts";
import { requireFence } from "../store/leases.ts";
import type { Store } from "../store/open.ts";
import { stepError } from "./journal.ts";
import { beginRun, endRun } from "./run-record.ts";
import type { HeldRun } from "./run-record.ts";
import { trackedDefinition } from "./runs.ts";
import { createTrackingBuffer } from "./tracking-buffer.ts";
import type { TrackingBuffer } from "./tracking-buffer.ts";

/** The one step a tracked run is recorded as. */
export const trackedStep = "track";

export interface TrackingOptions {
  readonly name: string;
  readonly params: JsonObject;
  readonly tags: Readonly<Record<string, string>>;
  readonly provenance?: JsonValue;
  readonly parent?: string;
}

/** The record of training code that runs elsewhere than in a step. */
export interface Tracking {
  readonly runId: string;
  /** A number, at a position of a training (default: one more than this metric's last). NaN is kept as such. */
  metric(name: string, value: number, position?: number): void;
  tag(name: string, value: string): void;
  param(name: string, value: JsonValue): void;
  /** Keeps bytes, or a copy of the file at a path. Each name once. */
  artifact(name: string, content: Uint8Array | string): Promise<Digest>;
  finish(error: unknown): Promise<void>;
}

/** Begins the record of a tracked run. Its numbers are written within half a second; a crash leaves it "interrupted". */
export async function startTracking(store: Store, clock: Clock, options: TrackingOptions): Promise<Tracking> {
  const { name: workflow, params, tags, provenance, parent } = options;
  const held = await beginRun(store, clock, {
    workflow,
    seed: 0,
    definition: JSON.parse(trackedDefinition) as JsonValue,
    ...(provenance === undefined ? {} : { provenance }),
    ...(parent === undefined ? {} : { parent }),
  });
  const buffer = createTrackingBuffer(store, held);
  const key = { run_id: held.runId, step: trackedStep, attempt: 1 };
  const start = clock.monotonic();
  const step = { ...key, position: 0, status: "running" as const, started_at: clock.now() };
  buffer.add(store.database.insertInto("steps").values(step));
  const recorder = createRecorder(store, key, buffer);
  for (const [param, value] of Object.entries(params)) recorder.param(param, value);
  for (const [tag, value] of Object.entries(tags)) recorder.tag(tag, value);
  const finish = (error: unknown): Promise<void> =>
    finishTracking(store, clock, held, buffer, {
      workflow,
      error: error === null ? null : stepError(workflow, error),
      durationMs: clock.monotonic() - start,
    });
  await buffer.flush().catch(async (error: unknown) => {
    await finish(error).catch(() => {});
    throw error;
  });
  return { runId: held.runId, ...recorder, finish };
}

/**
 * Gives what `work` gives and ends the run with it, or as failed with what it throws. That is thrown on, even where the
 * record cannot be ended.
 */
export async function whileTracking<T>({ finish }: Tracking, work: () => T | Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await finish(error).catch(() => {});
    throw error;
  }
  await finish(null);
  return result;
}

/** Throws what kept numbers from being written: without them the run ends as failed, for it must not look whole. */
async function finishTracking(
  store: Store,
  clock: Clock,
  held: HeldRun,
  buffer: TrackingBuffer,
  { workflow, error, durationMs }: { workflow: string; error: MillraceError | null; durationMs: number },
): Promise<void> {
  const unwritten = await buffer.end().then(
    () => null,
    (reason: unknown) => ({ reason }),
  );
  const fault = error ?? (unwritten && stepError(workflow, unwritten.reason));
  const step = {
    status: fault ? ("failed" as const) : ("ran" as const),
    duration_ms: durationMs,
    error_code: fault?.code ?? null,
    error_message: fault?.message ?? null,
  };
  const status = fault ? ("failed" as const) : ("succeeded" as const);
  const ending = { status, finished_at: clock.now(), duration_ms: durationMs };
  await store.database.transaction().execute(async (transaction) => {
    await requireFence(transaction, held.fence);
    await transaction.updateTable("steps").set(step).where("run_id", "=", held.runId).execute();
    await endRun(transaction, held, ending, fault);
  });
  if (unwritten) throw unwritten.reason;
}

type Recorder = Omit<Tracking, "runId" | "finish">;

/** The attempt of the one step that a tracked run has. */
interface TrackedKey {
  readonly run_id: string;
  readonly step: string;
  readonly attempt: number;
}

function createRecorder(store: Store, key: TrackedKey, buffer: TrackingBuffer): Recorder {
  const { database } = store;
  const positions = new Map<string, number>();
  return {
    metric(metric, given, position = (positions.get(metric) ?? -1) + 1) {
      requireName("metric", metric);
      if (!Number.isSafeInteger(position))
        throw invalidDefinition("a metric's step", "must be a whole number", String(position));
      positions.set(metric, position);
      const value = Number.isNaN(given) ? null : given;
      buffer.number({ ...key, metric, value }, { run_id: key.run_id, metric, position, value });
    },
    tag(tag, value) {
      requireName("tag", tag);
      const tags = database.insertInto("tags").values({ run_id: key.run_id, tag, value });
      buffer.add(tags.onConflict((conflict) => conflict.columns(["run_id", "tag"]).doUpdateSet({ value })));
    },
    param(param, given) {
      requireName("parameter", param);
      const value = JSON.stringify(given);
      if (value === undefined) throw invalidDefinition(`the parameter "${param}"`, "must be plain JSON", typeof given);
      const names = ["run_id", "step", "attempt", "param"] as const;
      const params = database.insertInto("params").values({ ...key, param, value });
      buffer.add(params.onConflict((conflict) => conflict.columns(names).doUpdateSet({ value })));
    },
    async artifact(output, content) {
      requireName("artifact", output);
      const { digest, size } = await adopt(store, content);
      const type = typeof content === "string" ? "file" : "bytes";
      for (const query of artifactQueries(store, { ...key, output }, { digest, size, type })) buffer.add(query);
      await buffer.flush();
      return digest;
    },
  };
}

function artifactQueries(
  { database }: Store,
  key: TrackedKey & { readonly output: string },
  { digest, size, type }: StoredArtifact & { readonly type: string },
): readonly Compilable[] {
  const kept = database.insertInto("artifacts").values({ digest, size });
  const row = { digest, type, format: 1 };
  const names = ["run_id", "step", "attempt", "output"] as const;
  const outputs = database.insertInto("step_outputs").values({ ...key, ...row });
  return [
    kept.onConflict((conflict) => conflict.column("digest").doNothing()),
    outputs.onConflict((conflict) => conflict.columns(names).doUpdateSet(row)),
  ];
}

async function adopt(store: Store, content: Uint8Array | string): Promise<StoredArtifact> {
  const path = store.artifacts.temporaryPath();
  try {
    if (typeof content === "string") await pump(createReadStream(content), createWriteStream(path));
    else await writeFile(path, content);
    return await store.artifacts.adopt(path);
  } catch (error) {
    if (typeof content === "string" && isAbsent(error))
      throw new MillraceError("SOURCE_NOT_FOUND", { path: content }, { cause: error });
    throw error;
  } finally {
    await rm(path, { force: true });
  }
}

function requireName(what: string, name: string): void {
  if (typeof name === "string" && name.length > 0 && name.length <= 250) return;
  throw invalidDefinition(`the name of a ${what}`, "must be a text of 1 to 250 characters", JSON.stringify(name));
}
