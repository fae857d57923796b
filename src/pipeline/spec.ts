import type { ApprovalRule } from "../registry/approvals.ts";
import type { Duration } from "../core/duration.ts";
import type { GateRule } from "../evaluate/gate-rule.ts";
import type { PreparationChoice } from "../features/transform.ts";
import type { Contract } from "../frame/contract.ts";
import type { RetryPolicy } from "../engine/step.ts";
import type { FeatureExpression } from "../frame/expression-node.ts";
import type { SourceDescription } from "../ingest/source.ts";
import type { EstimatorChoice } from "../model/estimator.ts";
import type { Roles, Task } from "../model/model.ts";
import type { SplitPlan } from "../prepare/split.ts";
import type { AcceptedColumn } from "../validate/audit.ts";
import type { RowCheck } from "../validate/row-checks.ts";
import type { SnapshotRules } from "../validate/snapshot-rules.ts";
import type { CleanSpec } from "./clean-options.ts";

/** What `pipeline({ ... })` was given, checked and completed, as plain data (but for the functions of own steps). */
export interface PipelineSpec {
  readonly name: string;
  readonly source: SourceDescription;
  readonly contract: Contract;
  /** What must hold between the columns of a row. */
  readonly checks: readonly RowCheck[];
  /** What is cleaned on the way in. */
  readonly clean: CleanSpec;
  /** What a snapshot as a whole must be; null = nothing is asked. */
  readonly expect: SnapshotRules | null;
  readonly roles: Roles;
  /** Contract columns a request sends: all but target and weight. */
  readonly inputs: readonly string[];
  readonly task: Task;
  readonly expressions: readonly FeatureExpression[];
  /** By feature (contract column or derived feature); features without an entry get the default of their kind. */
  readonly prepare: readonly PreparationChoice[];
  readonly split: SplitPlan;
  /** The column that names each row's fold, for a search and for an ensemble; absent = folds are drawn in the manner of the split. */
  readonly folds?: string;
  readonly model: EstimatorChoice;
  readonly gate: readonly GateRule[];
  /** Findings of the audit that are accepted, by column. */
  readonly allow: readonly AcceptedColumn[];
  readonly steps: readonly OwnStepSpec[];
  readonly retrain: RetrainSpec | null;
  readonly monitor: MonitorSpec;
  /** Who must approve a version before it is promoted; absent = nobody. */
  readonly approvals?: readonly ApprovalRule[];
  readonly seed: number;
}

export interface OwnStepSpec {
  readonly name: string;
  /** The step whose results it is given: the one it follows, or the last such before the one it precedes or replaces. */
  readonly after: "ingest" | "validate" | "train" | "evaluate" | "gate" | "promote";
  readonly place: "after" | "before" | "instead";
  /** The standard step it stands after, before or instead of. */
  readonly at: string;
  /** Absent = one attempt. */
  readonly retry?: RetryPolicy;
  readonly timeoutMs: number | null;
  /** Working memory in MiB; null = what Node gives. */
  readonly memoryMb: number | null;
  /** Environment variables it may see beside the common ones. */
  readonly env: readonly string[];
  /** Absent = none. */
  readonly tags?: readonly string[];
  /** The user's function; its context's type depends on `after`, its answer on `place` and `at`. */
  readonly run: (context: never) => unknown;
}

export interface RetrainSpec {
  /** Cron expression (croner), in `timeZone` (default UTC); null = no schedule. */
  readonly cron: string | null;
  readonly timeZone: string;
  /** Retrain when the monitor finds drift. */
  readonly onDrift: boolean;
}

export interface MonitorSpec {
  /** Size of the window of the prediction log compared with the reference. */
  readonly window: Duration;
  /** How often `up` looks. */
  readonly every: Duration;
  /** PSI from which a column counts as drifted. */
  readonly psi: number;
  /** Fewer logged predictions than this are not judged. */
  readonly minRows: number;
  /** Columns the prediction log does not keep; absent = none. */
  readonly redact?: readonly string[];
}
