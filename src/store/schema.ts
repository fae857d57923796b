import type { Digest } from "../core/digest.ts";

/** Times are milliseconds since 1970 UTC; JSON is text; truth is 0 or 1: types every SQL engine shares. */
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

export interface ArtifactsTable {
  digest: Digest;
  size: number;
  created_at: number;
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
  created_at: number;
}

export interface VersionsTable {
  model: string;
  version: number;
  digest: Digest;
  run_id: string;
  created_at: number;
}

/** What a gate said of a version, append-only: one version can be judged again by another gate. */
export interface JudgementsTable {
  model: string;
  version: number;
  sequence: number;
  run_id: string;
  judged_at: number;
  gate_passed: number;
  metrics: string;
  verdict: string;
  compared_with: Digest | null;
}

export interface AliasesTable {
  model: string;
  alias: "champion" | "challenger";
  version: number;
  moved_at: number;
}

/** Append-only, hash-chained: each digest covers the entry and the digest before it. */
export interface AuditTable {
  sequence: number;
  at: number;
  actor: string;
  action: string;
  subject: string;
  details: string;
  previous_digest: Digest | "";
  digest: Digest;
}

export interface MemoTable {
  memo_key: string;
  value: string;
  updated_at: number;
}

export interface Database {
  runs: RunsTable;
  steps: StepsTable;
  step_inputs: StepInputsTable;
  step_outputs: StepOutputsTable;
  artifacts: ArtifactsTable;
  metrics: MetricsTable;
  params: ParamsTable;
  cache_entries: CacheEntriesTable;
  versions: VersionsTable;
  judgements: JudgementsTable;
  aliases: AliasesTable;
  audit: AuditTable;
  memo: MemoTable;
}
