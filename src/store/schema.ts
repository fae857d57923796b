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

/** Numbers that only grow. `twin` is always `-value`, so that no changed bit goes unseen. */
export interface CountersTable {
  counter: "order";
  value: number;
  twin: number;
}

/** Who executes what at present. The row goes when its holder is done. */
export interface LeasesTable {
  /** "run:" and a run's id, "gc" or "backup:" and a number. */
  resource: string;
  /** Larger than that of every lease before: what a holder of an earlier one writes is refused. */
  token: number;
  /** Grows while the holder lives. */
  beat: number;
  host: string;
  pid: number;
  process_started: string;
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

/** A digest over rows that no longer change, or change together: "run:" and an id, "model:" and a name, "keys"; of "audit" it is the last entry's. */
export interface SealsTable {
  subject: string;
  digest: Digest;
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

export interface ArtifactsTable {
  digest: Digest;
  size: number;
}

/** Small artifacts whose files may not last yet. */
export interface UnsyncedTable {
  digest: Digest;
  /** In base64. */
  bytes: string;
}

/** Artifacts whose bytes were taken away because of what they held. */
export interface ForgottenTable {
  digest: Digest;
  /** What holds the rest. */
  replacement: Digest;
  at: number;
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
  /** "champion", "challenger", or a name that people gave. */
  alias: string;
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
  /** Of key and value. */
  digest: Digest;
}

/** Keys of the server: what is kept of a secret tells nobody the secret. */
export interface KeysTable {
  /** The public part of the key's text. */
  id: string;
  name: string;
  role: "predict" | "observe" | "admin";
  salt: string;
  /** HMAC-SHA-256 of the secret under the salt, in hexadecimal. */
  hash: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

/** What became true of a prediction, beside what was predicted. */
export interface FeedbackTable {
  model: string;
  prediction_id: string;
  version: number;
  predicted_at: number;
  /** The answer, as JSON. */
  output: string;
  /** The true value, as JSON. */
  actual: string;
  received_at: number;
  /** Of all other columns. */
  digest: Digest;
}

/** Traffic given to a version beside the champion. */
export interface RolloutsTable {
  model: string;
  sequence: number;
  version: number;
  champion: number;
  /** As JSON: kind, shares, bake time, key. */
  plan: string;
  status: "running" | "promoted" | "rolledBack" | "stopped";
  /** When each step began that did, as JSON: UTC milliseconds. */
  steps_at: string;
  ended_at: number | null;
  /** Why it ended. */
  reason: string | null;
}

/** What one server counted in a rollout. */
export interface RolloutTalliesTable {
  model: string;
  sequence: number;
  server: string;
  /** As JSON. */
  tally: string;
  /** Of all other columns. */
  digest: Digest;
}

export interface Database {
  counters: CountersTable;
  leases: LeasesTable;
  runs: RunsTable;
  steps: StepsTable;
  step_inputs: StepInputsTable;
  step_outputs: StepOutputsTable;
  step_logs: StepLogsTable;
  step_settings: StepSettingsTable;
  artifacts: ArtifactsTable;
  unsynced: UnsyncedTable;
  forgotten: ForgottenTable;
  metrics: MetricsTable;
  params: ParamsTable;
  cache_entries: CacheEntriesTable;
  versions: VersionsTable;
  judgements: JudgementsTable;
  aliases: AliasesTable;
  audit: AuditTable;
  tags: TagsTable;
  series: SeriesTable;
  seals: SealsTable;
  memo: MemoTable;
  keys: KeysTable;
  feedback: FeedbackTable;
  rollouts: RolloutsTable;
  rollout_tallies: RolloutTalliesTable;
}
