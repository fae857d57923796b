import type { Digest } from "../core/digest.ts";

export interface RunsTable {
  id: string;
  workflow: string;
  seed: number;
  status: "running" | "succeeded" | "failed" | "cancelled" | "interrupted";
  started_at: number;
  finished_at: number | null;
  duration_ms: number | null;
  error_code: string | null;
  error_message: string | null;
  error_remedy: string | null;
  /** The process that executes the run: host, number there, and when that process started. */
  host: string;
  pid: number;
  process_started: string;
  /** Its place among all runs of the store: clocks jump, this number only grows. */
  sequence: number;
  /** 1, and one more each time it was resumed. */
  attempt: number;
  /** The run it is nested in. */
  parent: string | null;
  /** Where code and data came from, as JSON. */
  provenance: string | null;
  /** The pipeline's definition, as JSON. */
  definition: string | null;
}

export interface TagsTable {
  run_id: string;
  tag: string;
  value: string;
}

/** A metric over the steps of a training; null stands for NaN. */
export interface SeriesTable {
  run_id: string;
  metric: string;
  position: number;
  value: number | null;
}

/** One attempt of one step. */
export interface StepsTable {
  run_id: string;
  step: string;
  attempt: number;
  position: number;
  status: "running" | "ran" | "cached" | "failed" | "skipped" | "interrupted";
  cache_key: string | null;
  started_at: number | null;
  duration_ms: number | null;
  error_code: string | null;
  error_message: string | null;
  /** What the cache key was made of, as JSON; null for an attempt that had none. */
  key_parts: string | null;
  /** Why it was skipped. */
  reason: string | null;
}

/** What an attempt printed: lines, each after "o" (stdout) or "e" (stderr). Of much only the first and the last is kept. */
export interface StepLogsTable {
  run_id: string;
  step: string;
  attempt: number;
  head: string;
  tail: string;
  /** Lines left out between the two. */
  dropped: number;
}

/** How a step was to be run, as JSON, where its definition says more than its name: tags, retries, limits, slots. */
export interface StepSettingsTable {
  run_id: string;
  step: string;
  attempt: number;
  settings: string;
}

/** Lineage: what an attempt read, as "step.output". */
export interface StepInputsTable {
  run_id: string;
  step: string;
  attempt: number;
  input: string;
  digest: Digest;
}

/** Lineage: what an attempt wrote. */
export interface StepOutputsTable {
  run_id: string;
  step: string;
  attempt: number;
  output: string;
  digest: Digest;
  type: string;
  format: number;
}

export interface MetricsTable {
  run_id: string;
  step: string;
  attempt: number;
  metric: string;
  /** null stands for NaN, which SQL does not have. */
  value: number | null;
}

export interface ParamsTable {
  run_id: string;
  step: string;
  attempt: number;
  param: string;
  value: string;
}

/** Which attempt answers for a cache key. */
export interface CacheEntriesTable {
  cache_key: string;
  run_id: string;
  step: string;
  attempt: number;
}
