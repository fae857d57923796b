import type { Selectable, SelectQueryBuilder } from "kysely";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Store } from "../store/open.ts";
import type { RunsTable, StepsTable } from "../store/run-tables.ts";
import type { Database } from "../store/schema.ts";
import type { KeyParts } from "./cache-key.ts";
import type { StepSettings } from "./entry-rows.ts";
import type { Step } from "./step.ts";

export type RunStatus = RunsTable["status"];

export interface RunSummary {
  readonly runId: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly durationMs: number | null;
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string } | null;
  /** 1, and one more each time it was resumed. */
  readonly attempt: number;
  /** The run it is nested in. */
  readonly parent: string | null;
  /** Recorded by `track()`, not executed: it can be neither resumed nor reproduced. */
  readonly isTracked: boolean;
}

/** Which runs to list; every member narrows. */
export interface RunFilter {
  readonly workflow?: string;
  readonly status?: RunStatus;
  /** A tag by name, with its value or whatever its value. */
  readonly tag?: { readonly name: string; readonly value?: string };
  /** Runs in which a step recorded such a number. */
  readonly metric?: MetricFilter;
  /** UTC milliseconds. */
  readonly sinceMs?: number;
  /** Only the last run of each workflow. */
  readonly newest?: boolean;
  /** Default 50. */
  readonly limit?: number;
}

/** A number of any step, or of one where the name is "step.metric", against a limit. */
export interface MetricFilter {
  readonly name: string;
  readonly comparison: ">" | ">=" | "<" | "<=" | "=";
  readonly value: number;
}

export interface RecordedStep {
  readonly step: string;
  readonly attempt: number;
  readonly status: StepsTable["status"];
  readonly startedAt: number | null;
  readonly durationMs: number | null;
  readonly cacheKey: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Why it was skipped; null otherwise. */
  readonly reason: string | null;
  /** What its definition says of tags, retries, timeout, memory and slots. */
  readonly settings: StepSettings;
  readonly params: JsonObject;
  readonly metrics: Readonly<Record<string, number>>;
  /** What it read; the name is "step.output". */
  readonly inputs: readonly { readonly name: string; readonly digest: Digest }[];
  readonly outputs: readonly RecordedArtifact[];
}

/** The parts of a cache key as they are recorded. */
export type RecordedKey = KeyParts & Pick<Step, "codeParts">;

export interface RecordedArtifact {
  readonly name: string;
  readonly digest: Digest;
  readonly type: string;
  readonly format: number;
  readonly size: number;
}

export interface RunDetails extends RunSummary {
  readonly seed: number;
  /** Where code and data came from; null for a run of an earlier release. */
  readonly provenance: JsonValue;
  /** What the run followed, where that is plain data. */
  readonly definition: JsonValue;
  readonly tags: Readonly<Record<string, string>>;
  /** In the order of the workflow. */
  readonly steps: readonly RecordedStep[];
}

/** The definition recorded for a run that was tracked. */
export const trackedDefinition = '{"tracked":true}';

function summaryOf(row: RunsTable): RunSummary {
  return {
    runId: row.id,
    workflow: row.workflow,
    status: row.status,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    durationMs: row.duration_ms,
    error:
      row.error_code === null
        ? null
        : { code: row.error_code, message: row.error_message ?? "", remedy: row.error_remedy ?? "" },
    attempt: row.attempt,
    parent: row.parent,
    isTracked: row.definition === trackedDefinition,
  };
}

/** The runs of the store, newest first: by the order they began in, whatever the clock said. */
export async function listRuns(store: Store, filter: RunFilter = {}): Promise<readonly RunSummary[]> {
  const { workflow, status, tag, sinceMs, limit = 50 } = filter;
  let query = store.database.selectFrom("runs").selectAll().orderBy("sequence", "desc").limit(limit);
  if (workflow !== undefined) query = query.where("workflow", "=", workflow);
  if (status !== undefined) query = query.where("status", "=", status);
  if (sinceMs !== undefined) query = query.where("started_at", ">=", sinceMs);
  if (tag !== undefined) {
    const { name, value } = tag;
    query = query.where("id", "in", (e) => {
      const tagged = e.selectFrom("tags").select("run_id").where("tag", "=", name);
      return value === undefined ? tagged : tagged.where("value", "=", value);
    });
  }
  if (filter.metric !== undefined) query = withMetric(query, filter.metric);
  if (filter.newest) {
    query = query.where((e) => {
      const later = e.selectFrom("runs as later").select("later.id").whereRef("later.workflow", "=", "runs.workflow");
      return e.not(e.exists(later.whereRef("later.sequence", ">", "runs.sequence")));
    });
  }
  return (await query.execute()).map(summaryOf);
}

type RunsQuery = SelectQueryBuilder<Database, "runs", Selectable<RunsTable>>;

function withMetric(query: RunsQuery, { name, comparison, value }: MetricFilter): RunsQuery {
  const dot = name.indexOf(".");
  const [step, metric] = [name.slice(0, Math.max(dot, 0)), name.slice(dot + 1)];
  return query.where(({ exists, selectFrom }) =>
    exists(
      selectFrom("metrics")
        .select("metrics.run_id")
        .whereRef("metrics.run_id", "=", "runs.id")
        .where("value", comparison, value)
        .where((e) => e.or([e("metric", "=", name), e.and([e("step", "=", step), e("metric", "=", metric)])])),
    ),
  );
}

/** The id of the run a person means: by its id, or by the name of a workflow its newest. Throws RUN_NOT_FOUND. */
export async function runCalled(store: Store, called: string): Promise<string> {
  if (await findRun(store, called)) return called;
  const [newest] = await listRuns(store, { workflow: called, limit: 1 });
  if (newest) return newest.runId;
  throw await notFound(store, called);
}

/** Throws RUN_NOT_FOUND, with the nearest name there is. */
export async function requireRun(store: Store, runId: string): Promise<RunsTable> {
  const run = await findRun(store, runId);
  if (run) return run;
  throw await notFound(store, runId);
}

function findRun({ database }: Store, runId: string): Promise<RunsTable | undefined> {
  return database.selectFrom("runs").selectAll().where("id", "=", runId).executeTakeFirst();
}

async function notFound(store: Store, called: string): Promise<MillraceError> {
  const latest = await listRuns(store, { limit: 1000 });
  const names = new Set(latest.flatMap(({ runId, workflow }) => [runId, workflow]));
  return new MillraceError("RUN_NOT_FOUND", { run: called, nearest: nearestName(called, [...names]) });
}

/** Everything recorded of one run. Throws RUN_NOT_FOUND. */
export async function showRun(store: Store, runId: string): Promise<RunDetails> {
  const { database } = store;
  const run = await requireRun(store, runId);
  const steps = await database
    .selectFrom("steps")
    .selectAll()
    .where("run_id", "=", runId)
    .orderBy("position")
    .orderBy("attempt")
    .execute();
  const details = await readDetails(store, runId);
  const parsed = (text: string | null): JsonValue => (text === null ? null : (JSON.parse(text) as JsonValue));
  return {
    ...summaryOf(run),
    seed: run.seed,
    provenance: parsed(run.provenance),
    definition: parsed(run.definition),
    tags: Object.fromEntries(details.tags.map(({ tag, value }) => [tag, value])),
    steps: steps.map((row) => recordedStep(row, details)),
  };
}

/** What the cache key of each step of a run was made of, in its last attempt that had one. */
export async function recordedKeys({ database }: Store, runId: string): Promise<ReadonlyMap<string, RecordedKey>> {
  const rows = await database
    .selectFrom("steps")
    .select(["step", "key_parts"])
    .where("run_id", "=", runId)
    .where("key_parts", "is not", null)
    .orderBy("attempt")
    .execute();
  return new Map(rows.map(({ step, key_parts }) => [step, JSON.parse(key_parts!) as RecordedKey]));
}

type Details = Awaited<ReturnType<typeof readDetails>>;

async function readDetails({ database }: Store, runId: string) {
  const params = await database.selectFrom("params").selectAll().where("run_id", "=", runId).orderBy("param").execute();
  const metrics = await database
    .selectFrom("metrics")
    .selectAll()
    .where("run_id", "=", runId)
    .orderBy("metric")
    .execute();
  const inputs = await database
    .selectFrom("step_inputs")
    .selectAll()
    .where("run_id", "=", runId)
    .orderBy("input")
    .execute();
  const outputs = await database
    .selectFrom("step_outputs")
    .innerJoin("artifacts", "artifacts.digest", "step_outputs.digest")
    .select(["step", "attempt", "output", "artifacts.digest", "type", "format", "size"])
    .where("run_id", "=", runId)
    .orderBy("output")
    .execute();
  const settings = await database.selectFrom("step_settings").selectAll().where("run_id", "=", runId).execute();
  const tags = await database.selectFrom("tags").selectAll().where("run_id", "=", runId).orderBy("tag").execute();
  return { params, metrics, inputs, outputs, settings, tags };
}

function recordedStep(row: StepsTable, details: Details): RecordedStep {
  const isOfStep = (other: { step: string; attempt: number }): boolean =>
    other.step === row.step && other.attempt === row.attempt;
  return {
    step: row.step,
    attempt: row.attempt,
    status: row.status,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    cacheKey: row.cache_key,
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? "" },
    reason: row.reason,
    settings: JSON.parse(details.settings.find(isOfStep)?.settings ?? "{}") as StepSettings,
    params: Object.fromEntries(details.params.filter(isOfStep).map((p) => [p.param, JSON.parse(p.value) as JsonValue])),
    metrics: Object.fromEntries(details.metrics.filter(isOfStep).map((m) => [m.metric, m.value ?? Number.NaN])),
    inputs: details.inputs.filter(isOfStep).map(({ input, digest }) => ({ name: input, digest })),
    outputs: details.outputs
      .filter(isOfStep)
      .map(({ output, digest, type, format, size }) => ({ name: output, digest, type, format, size })),
  };
}
