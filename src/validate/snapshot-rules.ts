import { formatDuration } from "../core/duration.ts";
import type { ColumnData } from "../frame/column.ts";
import type { ProfileComparison } from "./compare.ts";

/** What a snapshot as a whole must be, as plain data; null = not asked. */
export interface SnapshotRules {
  readonly minRows: number | null;
  readonly maxRows: number | null;
  /** Age of the newest row at the time of the run. */
  readonly newestMs: number | null;
  /** Largest share by which the number of rows may differ from the previous snapshot's. */
  readonly change: number | null;
  /** Largest population stability index of a column against the previous snapshot. */
  readonly drift: number | null;
  /** Columns, their kinds and their types in the source must be those of the previous snapshot. */
  readonly schema: boolean;
  readonly onViolation: "fail" | "warn";
}

export interface SnapshotFacts {
  readonly nRows: number;
  /** The column that says when a row happened; null where none does. */
  readonly time: ColumnData | null;
  readonly nowMs: number;
  /** Against the previous snapshot; null where there is none. */
  readonly comparison: ProfileComparison | null;
}

/** The rules that a snapshot breaks, a sentence each. */
export function brokenRules(rules: SnapshotRules, facts: SnapshotFacts): readonly string[] {
  const { nRows, comparison } = facts;
  const broken: string[] = [];
  if (rules.minRows !== null && nRows < rules.minRows) broken.push(`at least ${rules.minRows} rows, got ${nRows}`);
  if (rules.maxRows !== null && nRows > rules.maxRows) broken.push(`at most ${rules.maxRows} rows, got ${nRows}`);
  if (rules.newestMs !== null) broken.push(...staleness(rules.newestMs, facts));
  if (comparison) broken.push(...changes(rules, comparison));
  return broken;
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
  const { columns } = comparison;
  const [before, after] = comparison.nRows;
  const broken: string[] = [];
  const share = before === 0 ? 0 : Math.abs(after - before) / before;
  if (rules.change !== null && share > rules.change) {
    const allowed = `${(100 * rules.change).toFixed(0)} %`;
    broken.push(`a number of rows within ${allowed} of the previous snapshot's ${before}, got ${after}`);
  }
  if (rules.schema) broken.push(...schemaChanges(comparison));
  const { drift } = rules;
  if (drift === null) return broken;
  for (const { column, psi } of columns)
    if (psi !== null && psi > drift)
      broken.push(`"${column}" distributed as in the previous snapshot (PSI up to ${drift}), got ${psi.toFixed(3)}`);
  return broken;
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
