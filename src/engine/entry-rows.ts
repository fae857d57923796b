import type { StepRows } from "../store/step-rows.ts";
import type { StepRecord } from "./context.ts";
import type { StepEntry } from "./journal.ts";
import type { Step } from "./step.ts";

/** How a step is to be run, as far as its definition says more than the default. */
export type StepSettings = Partial<Pick<Step, "tags" | "retry" | "timeoutMs" | "memoryMb" | "slots">>;

function settingsOf({ name, step }: StepEntry): string | null {
  // Those of an element are the step's.
  if (name !== step.name) return null;
  const { tags, retry, timeoutMs, memoryMb, slots } = step;
  const given = Object.entries({ tags, retry, timeoutMs, memoryMb, slots }).filter(([, value]) => value !== undefined);
  return given.length === 0 ? null : JSON.stringify(Object.fromEntries(given));
}

const nothing = { artifacts: [], unsynced: [], outputs: [], inputs: [], metrics: [], params: [], answers: null };

/** An entry as the store records it; `attemptsBefore` = those before the run was resumed. */
export function rowsOf(runId: string, entry: StepEntry, attemptsBefore: number): StepRows {
  const { status, cacheKey, error } = entry;
  const step: StepRows["step"] = {
    run_id: runId,
    step: entry.name,
    attempt: attemptsBefore + entry.attempt,
    position: entry.position,
    status,
    cache_key: cacheKey?.digest ?? null,
    key_parts: cacheKey?.parts ?? null,
    reason: entry.reason,
    started_at: entry.startedAt,
    duration_ms: entry.durationMs,
    error_code: error?.code ?? null,
    error_message: error?.message ?? null,
  };
  const log = status === "running" ? null : (entry.log?.kept() ?? null);
  const told = { ...nothing, step, log, settings: settingsOf(entry) };
  // What a step wrote before it failed says why, and answers nobody.
  if (status === "failed") return { ...told, ...written(entry) };
  if (status !== "ran" && status !== "cached") return told;
  const answers = status === "ran" && cacheKey !== null ? cacheKey.digest : null;
  return { ...told, ...written(entry), ...details(entry), answers };
}

type Written = Pick<StepRows, "artifacts" | "unsynced" | "outputs" | "inputs">;

function written({ record, inputs }: StepEntry): Written {
  const outputs = [...record.outputs.values()];
  return {
    artifacts: outputs.map(({ digest, size }) => ({ digest, size })),
    unsynced: unsyncedOf(record),
    outputs: outputs.map(({ output, digest, type, format }) => ({ output, digest, type, format })),
    inputs: [...inputs].map(([input, digest]) => ({ input, digest })),
  };
}

function unsyncedOf({ unsynced }: StepRecord): StepRows["unsynced"] {
  return [...unsynced].map(([digest, { buffer, byteOffset, byteLength }]) => ({
    digest,
    bytes: Buffer.from(buffer, byteOffset, byteLength).toString("base64"),
  }));
}

function details({ record, step }: StepEntry): Pick<StepRows, "metrics" | "params"> {
  return {
    metrics: [...record.metrics].map(([metric, value]) => ({ metric, value })),
    params: Object.entries(step.params).map(([param, value]) => ({ param, value: JSON.stringify(value) })),
  };
}
