import { formatDuration } from "../core/duration.ts";
import type { ColumnData } from "../frame/column.ts";
import { type ColumnChange, hasDrifted, type ProfileComparison } from "./compare.ts";

/** What a snapshot as a whole must be, as plain data; null = not asked. */
export interface SnapshotRules {
  readonly minRows: number | null;
  readonly maxRows: number | null;
  /** Age of the newest row at the time of the run. */
  readonly newestMs: number | null;
  /** Largest share of the rows that may be set aside; absent in definitions of earlier releases. */
  readonly quarantined?: number | null;
  /** Largest share by which the number of rows may differ from the previous snapshot's. */
  readonly change: number | null;
  /** Columns that are compared with those of the previous snapshot. */
  readonly columns: readonly ColumnRules[];
  /** Columns, their kinds and their types in the source must be those of the previous snapshot. */
  readonly schema: boolean;
  readonly onViolation: "fail" | "warn";
}

/** What a column must be beside the previous snapshot's; null = not asked. */
export interface ColumnRules {
  readonly column: string;
  /** Largest population stability index. What chance explains breaks no limit. */
  readonly drift: number | null;
  /** Largest difference of the shares of missing values. */
  readonly missing: number | null;
  readonly onViolation: "fail" | "warn";
}

/** A rule that does not hold: what was expected and what is there. */
export interface BrokenRule {
  readonly text: string;
  readonly onViolation: "fail" | "warn";
}

export interface SnapshotFacts {
  readonly nRows: number;
  /** Rows set aside, and records that were none, of all there were. */
  readonly nQuarantined: number;
  readonly nIn: number;
  /** The column that says when a row happened; null where none does. */
  readonly time: ColumnData | null;
  readonly nowMs: number;
  /** Against the previous snapshot; null where there is none. */
  readonly comparison: ProfileComparison | null;
}

/** The rules that a snapshot breaks, those of the whole first. */
export function brokenRules(rules: SnapshotRules, facts: SnapshotFacts): readonly BrokenRule[] {
  const { nRows, comparison } = facts;
  const broken: string[] = [];
  if (rules.minRows !== null && nRows < rules.minRows) broken.push(`at least ${rules.minRows} rows, got ${nRows}`);
  if (rules.maxRows !== null && nRows > rules.maxRows) broken.push(`at most ${rules.maxRows} rows, got ${nRows}`);
  broken.push(...setAside(rules.quarantined ?? null, facts));
  if (rules.newestMs !== null) broken.push(...staleness(rules.newestMs, facts));
  if (comparison) broken.push(...changes(rules, comparison));
  const ofWhole = broken.map((text) => ({ text, onViolation: rules.onViolation }));
  return comparison ? [...ofWhole, ...rules.columns.flatMap((column) => moves(column, comparison))] : ofWhole;
}

function setAside(limit: number | null, { nQuarantined, nIn }: SnapshotFacts): string[] {
  // 0.29 * 100 is less than 29.
  if (limit === null || nIn === 0 || nQuarantined / nIn <= limit) return [];
  return [`at most ${percent(limit)} of the rows set aside, got ${nQuarantined} of ${nIn}`];
}

function staleness(newestMs: number, { time, nowMs }: SnapshotFacts): string[] {
  let latest = -Infinity;
  if (time?.kind === "timestamp") for (const value of time.values) if (value > latest) latest = value;
  const age = nowMs - latest;
  if (age <= newestMs) return [];
  const actual = age === Infinity ? "no row with a time" : `one of ${formatDuration(age)} ago`;
  return [`a row of the last ${formatDuration(newestMs)}, got ${actual}`];
}

function changes(rules: SnapshotRules, comparison: ProfileComparison): string[] {
  const [before, after] = comparison.nRows;
  const broken: string[] = [];
  const share = before === 0 ? 0 : Math.abs(after - before) / before;
  if (rules.change !== null && share > rules.change) {
    const allowed = `${(100 * rules.change).toFixed(0)} %`;
    broken.push(`a number of rows within ${allowed} of the previous snapshot's ${before}, got ${after}`);
  }
  if (rules.schema) broken.push(...schemaChanges(comparison));
  return broken;
}

function moves(rules: ColumnRules, { columns }: ProfileComparison): BrokenRule[] {
  const { drift, missing, onViolation } = rules;
  const change = columns.find(({ column }) => column === rules.column);
  if (!change) return [];
  const texts: string[] = [];
  if (drift !== null && hasDrifted(change, drift)) texts.push(driftText(change, drift));
  const [before, after] = change.missing;
  if (missing !== null && Math.abs(after - before) > missing) {
    const allowed = `${percent(missing)} of the previous snapshot's ${percent(before)}`;
    texts.push(`a share of missing values of "${change.column}" within ${allowed}, got ${percent(after)}`);
  }
  return texts.map((text) => ({ text, onViolation }));
}

function driftText({ column, psi }: ColumnChange, limit: number): string {
  return `"${column}" distributed as in the previous snapshot (PSI up to ${limit}), got ${psi!.toFixed(3)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function schemaChanges({ added, removed, columns }: ProfileComparison): string[] {
  const as = "as in the previous snapshot";
  const changed = columns.flatMap(({ column, kinds, types }) => {
    if (kinds[0] !== kinds[1]) return [`"${column}" of kind ${kinds[0]} ${as}, got ${kinds[1]}`];
    return types ? [`"${column}" read from ${types[0]} ${as}, got ${types[1]}`] : [];
  });
  return [
    ...added.map((name) => `the columns ${as}, got "${name}" as well`),
    ...removed.map((name) => `"${name}" ${as}, got no such column`),
    ...changed,
  ];
}
