import type { Digest } from "../core/digest.ts";
import type {
  AliasesTable,
  FeedbackTable,
  JudgementsTable,
  RolloutTalliesTable,
  RolloutsTable,
  VersionsTable,
} from "./model-tables.ts";
import type {
  CacheEntriesTable,
  MetricsTable,
  ParamsTable,
  RunsTable,
  SeriesTable,
  StepInputsTable,
  StepLogsTable,
  StepOutputsTable,
  StepSettingsTable,
  StepsTable,
  TagsTable,
} from "./run-tables.ts";

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

/** A digest over rows that no longer change, or change together: "run:" and an id, "model:" and a name, "keys"; of "audit" it is the last entry's. */
export interface SealsTable {
  subject: string;
  digest: Digest;
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

/** The end of a step, until the rows it says are written: at most one of each run under way. */
export interface StepEndsTable {
  /** Of the lease of the run. */
  token: number;
  run_id: string;
  /** As JSON. */
  said: string;
  /** Of all three (`digestOfEnd`). */
  digest: Digest;
}

/** Artifacts whose bytes were taken away because of what they held. */
export interface ForgottenTable {
  digest: Digest;
  /** What holds the rest. */
  replacement: Digest;
  at: number;
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

/** Times are milliseconds since 1970 UTC; JSON is text; truth is 0 or 1: types every SQL engine shares. */
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
  step_ends: StepEndsTable;
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
