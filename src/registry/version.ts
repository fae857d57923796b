import type { Digest } from "../core/digest.ts";
import type { JsonObject } from "../core/json.ts";
import type { JudgementsTable, VersionsTable } from "../store/model-tables.ts";

/** What the gate said, as recorded. */
export interface RecordedVerdict {
  readonly passed: boolean;
  readonly reasons: readonly JsonObject[];
}

/** An immutable numbered model artifact, with the last judgement of a gate on it. */
export interface ModelVersion {
  readonly model: string;
  /** From 1, without gaps within a model. */
  readonly version: number;
  readonly digest: Digest;
  /** The run that first registered it. */
  readonly runId: string;
  readonly createdAt: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly gatePassed: boolean;
  readonly verdict: RecordedVerdict;
  /** The champion the gate compared it with; null where there was none. */
  readonly comparedWith: Digest | null;
}

/** JSON has no NaN: a metric that could not be computed is written as null. */
export function versionOf(row: VersionsTable, judgement: JudgementsTable): ModelVersion {
  const metrics = Object.entries(JSON.parse(judgement.metrics) as Record<string, number | null>);
  return Object.freeze({
    model: row.model,
    version: row.version,
    digest: row.digest,
    runId: row.run_id,
    createdAt: row.created_at,
    metrics: Object.freeze(Object.fromEntries(metrics.map(([name, value]) => [name, value ?? Number.NaN]))),
    gatePassed: judgement.gate_passed === 1,
    verdict: JSON.parse(judgement.verdict) as RecordedVerdict,
    comparedWith: judgement.compared_with,
  });
}
