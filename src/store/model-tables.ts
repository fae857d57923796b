import type { Digest } from "../core/digest.ts";

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
