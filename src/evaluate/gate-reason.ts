import type { Rng } from "../core/rng.ts";
import type { Target } from "../model/estimator.ts";
import type { Predictions } from "../model/model.ts";
import type { GateRule } from "./gate-rule.ts";
import type { EvaluationReport, Slice } from "./report.ts";

/** Why a rule holds or not, as plain JSON. */
export interface GateReason {
  readonly rule: GateRule["rule"] | "audit" | "own";
  readonly metric: string | null;
  /** Name of the slice judged, null for all rows. */
  readonly slice: string | null;
  readonly passed: boolean;
  /** The limit of atLeast and atMost, the champion's value for beatsChampion. */
  readonly limit: number | null;
  readonly actual: number | null;
  /** beatsChampion: how the two differ; positive = the candidate is better. Null where there is nothing to compare. */
  readonly comparison: GateComparison | null;
  /** One sentence for people. */
  readonly text: string;
}

export interface GateComparison {
  readonly version: number;
  readonly difference: number;
  /** 95 % interval. */
  readonly low: number | null;
  readonly high: number | null;
  /** The interval does not include 0. */
  readonly significant: boolean;
  readonly method: string;
}

/** The outcome of the gate. A failed gate is a value, not an error. */
export interface GateVerdict {
  readonly passed: boolean;
  readonly reasons: readonly GateReason[];
}

/** A model's predictions on the test rows; null predictions = not computed, because no rule needs them. */
export interface Contender {
  readonly predictions: Predictions | null;
  readonly threshold: number | null;
}

/** What the gate needs to know of the audit's findings. */
export interface GateFinding {
  readonly rule: string;
  readonly column: string | null;
  readonly severity: "error" | "warning";
  readonly allowed: boolean;
}

export interface GateArguments {
  readonly rules: readonly GateRule[];
  readonly report: EvaluationReport;
  readonly audit: { readonly findings: readonly GateFinding[] } | null;
  /** The version serving now; null = none yet. */
  readonly champion: (Contender & { readonly version: number }) | null;
  /** Needed where a rule is beatsChampion and there is a champion: both on the same test rows, and their truth. */
  readonly candidate: Contender | null;
  readonly target: Target | null;
  /** The rows of each slice, for beatsChampion with a slice. */
  readonly slices?: readonly Slice[];
  readonly rng: Rng;
}

/** "auc", or "auc in region=north". */
export function nameOf(rule: GateRule, slice: string | null): string {
  return slice === null ? rule.metric : `${rule.metric} in ${slice}`;
}

/** A reason without limit and comparison. */
export function reasonOf(
  rule: GateRule,
  slice: string | null,
  passed: boolean,
  actual: number | null,
  text: string,
): GateReason {
  return { rule: rule.rule, metric: rule.metric, slice, passed, limit: null, actual, comparison: null, text };
}
