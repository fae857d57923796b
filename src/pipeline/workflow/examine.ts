import { MillraceError } from "../../core/errors/error.ts";
import { checkContract, type ContractCheck } from "../../frame/check.ts";
import { isMissing } from "../../frame/column.ts";
import type { Issue } from "../../frame/contract.ts";
import { columnOf, type Frame } from "../../frame/frame.ts";
import type { IngestReport } from "../../ingest/ingest.ts";
import { type CleanedRow, cleanedRows, warnedRows } from "../../validate/cleaning.ts";
import type { Reason } from "../../validate/quarantine.ts";
import { type BrokenCheck, brokenChecks, checkIssue } from "../../validate/row-checks.ts";
import type { PipelineSpec } from "../spec.ts";

/** Issues looked at for the reasons of rows set aside. */
const mostIssues = 200_000;

/** What the contract and the checks between columns say of each row. */
export interface Examination {
  readonly nRows: number;
  /** How often which rule is broken, by `${column}:${code}`. */
  readonly issueCounts: readonly (readonly [rule: string, count: number])[];
  /** Of the rules that fail the run, of their rows the first 1,000; then, within as many, of the others. */
  readonly issues: readonly Issue[];
  /** Rows set aside, ascending, and why. */
  readonly quarantine: readonly number[];
  readonly reasons: ReadonlyMap<number, readonly Reason[]>;
  /** Rules with the policy "fail" that are broken. */
  readonly failed: readonly (readonly [rule: string, count: number])[];
  /** What the run fails with; null where it does not. */
  readonly failure: MillraceError | null;
}

/** Asks every rule of the definition about every row. */
export function examine(spec: PipelineSpec, frame: Frame, ingested: IngestReport): Examination {
  const check = checkContract(frame, spec.contract, { limit: mostIssues });
  const broken = brokenChecks(frame, spec.checks);
  const { issues, counts } = merged(ingested, check, broken, frame);
  const failed = failedRules(spec, counts);
  const reasons = reasonsOf(spec, frame, ingested, check, broken);
  const quarantine = [...reasons.keys()].sort((a, b) => a - b);
  const warned = warnedRows(frame, spec.clean, new Set(quarantine));
  const all = [...warned.slice(0, mostOfACheck).map(({ row, reason }) => ({ row, ...reason })), ...issues];
  const isFailing = isOfRules(failed);
  return {
    nRows: frame.nRows,
    issueCounts: [...counts, ...countWarned(warned)],
    issues: [...all.filter(isFailing), ...all.filter((issue) => !isFailing(issue))].slice(0, 1000),
    quarantine,
    reasons,
    failed,
    failure: contractFailure(issues, failed) ?? weightFailure(spec, frame),
  };
}

/** Tells the issues of some rules from those of others. */
export function isOfRules(rules: readonly (readonly [rule: string, count: number])[]): (issue: Reason) => boolean {
  const names = new Set(rules.map(([rule]) => rule));
  return ({ column, code }) => names.has(`${column}:${code}`);
}

function countWarned(warned: readonly CleanedRow[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of warned) {
    const key = `${reason.column}:${reason.code}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Why each row is set aside, by row. */
function reasonsOf(
  spec: PipelineSpec,
  frame: Frame,
  ingested: IngestReport,
  check: ContractCheck,
  broken: readonly BrokenCheck[],
): ReadonlyMap<number, readonly Reason[]> {
  const reasons = new Map<number, Reason[]>();
  const add: AddReason = (row, reason) => {
    const known = reasons.get(row);
    if (known) known.push(reason);
    else reasons.set(row, [reason]);
  };
  addViolations(spec, ingested, check, add);
  for (const { check: rule, rows } of broken) {
    if (rule.onViolation !== "quarantine") continue;
    for (const row of rows) add(row, reasonOf(checkIssue(frame, rule, row)));
  }
  for (const row of unusableWeights(spec, frame))
    add(row, { code: "min", column: spec.roles.weight!, expected: "a weight of 0 or more", actual: "none" });
  for (const row of missingTargetRows(spec, frame)) {
    if (reasons.get(row)?.some(({ column }) => column === spec.roles.target)) continue;
    add(row, { code: "missing", column: spec.roles.target!, expected: "a target", actual: "missing" });
  }
  const gone = new Set([...reasons.keys(), ...check.rows("quarantine")]);
  for (const { row, reason } of cleanedRows(frame, spec.clean, gone)) add(row, reason);
  // Beyond the issues that are looked at, that a row is set aside is known, but not all of why.
  for (const row of check.rows("quarantine"))
    if (!reasons.has(row))
      add(row, { code: "check", column: "", expected: "the contract to hold", actual: "not listed" });
  return reasons;
}

type AddReason = (row: number, reason: Reason) => void;

/** What columns with a quarantine could not be read as, and what breaks their rules. */
function addViolations(spec: PipelineSpec, ingested: IngestReport, check: ContractCheck, add: AddReason): void {
  const columnsWith = new Set(spec.contract.columns.filter((c) => c.onViolation === "quarantine").map((c) => c.name));
  const unread = new Set<string>();
  for (const { row, reason } of unreadCells(ingested, columnsWith)) {
    unread.add(`${row} ${reason.column}`);
    add(row, reason);
  }
  for (const { code, column, row, expected, actual } of check.issues) {
    const isTold = code === "missing" && unread.has(`${row} ${column}`);
    if (row >= 0 && columnsWith.has(column) && !isTold) add(row, { code, column, expected, actual });
  }
}

/** The cells of these columns that ingest could not read; of some it says what they held. */
function* unreadCells(
  { issues, badRows }: IngestReport,
  columns: ReadonlySet<string>,
): Generator<{ readonly row: number; readonly reason: Reason }> {
  const shown = new Map(issues.map((issue) => [`${issue.row} ${issue.column}`, issue] as const));
  const unknown = { expected: "a value of its kind", actual: "another" };
  for (const { column, rows } of badRows) {
    if (!columns.has(column)) continue;
    for (const row of rows) {
      const { expected, actual } = shown.get(`${row} ${column}`) ?? unknown;
      yield { row, reason: { code: "kind", column, expected, actual } };
    }
  }
}

function reasonOf({ code, column, expected, actual }: Issue): Reason {
  return { code, column, expected, actual };
}

const mostOfACheck = 100;

/**
 * What ingest and the checks found. A cell that ingest could not read is missing from then on: it is one violation, of its
 * kind, and not a second one as a missing value.
 */
function merged(
  ingested: IngestReport,
  check: ContractCheck,
  broken: readonly BrokenCheck[],
  frame: Frame,
): { readonly issues: readonly Issue[]; readonly counts: ReadonlyMap<string, number> } {
  const unreadable = new Map(ingested.badRows.map(({ column, rows }) => [column, new Set(rows)] as const));
  const found = check.issues.filter(({ code, column, row }) => code !== "missing" || !unreadable.get(column)?.has(row));
  const counts = new Map<string, number>(ingested.issueCounts);
  for (const [key, count] of check.counts) {
    const column = key.slice(0, key.lastIndexOf(":"));
    const told = key.endsWith(":missing") ? (counts.get(`${column}:kind`) ?? 0) : 0;
    if (count > told) counts.set(key, (counts.get(key) ?? 0) + count - told);
  }
  const ofChecks = broken.flatMap(({ check: rule, rows }) => {
    counts.set(`${rule.name}:check`, rows.length);
    return Array.from(rows.subarray(0, mostOfACheck), (row) => checkIssue(frame, rule, row));
  });
  return { issues: [...ingested.issues, ...ofChecks, ...found], counts };
}

/** Columns and checks whose policy is "fail" (the default). */
function failingNames({ contract, checks }: PipelineSpec): ReadonlySet<string> {
  return new Set(
    [...contract.columns, ...checks].filter((rule) => rule.onViolation === "fail").map(({ name }) => name),
  );
}

function failedRules(
  spec: PipelineSpec,
  counts: ReadonlyMap<string, number>,
): readonly (readonly [rule: string, count: number])[] {
  const failing = failingNames(spec);
  return [...counts].filter(([key]) => failing.has(key.slice(0, key.lastIndexOf(":"))));
}

function contractFailure(
  issues: readonly Issue[],
  failed: readonly (readonly [rule: string, count: number])[],
): MillraceError | null {
  if (failed.length === 0) return null;
  const first = issues.find(isOfRules(failed));
  return new MillraceError("CONTRACT_VIOLATED", {
    subject: "the dataset",
    count: failed.reduce((sum, [, count]) => sum + count, 0),
    ...(failed.length > 1 && { rules: listRules(failed) }),
    first: first ? describeIssue(first) : "(beyond the first 1,000 issues)",
  });
}

const mostRules = 8;

/** How often which rule is broken, the commonest first. */
function listRules(broken: readonly (readonly [rule: string, count: number])[]): string {
  const sorted = broken.toSorted((a, b) => b[1] - a[1]);
  const named = sorted.slice(0, mostRules).map(([rule, count]) => `${rule.replace(/:(?=[^:]*$)/, ": ")} ${count}`);
  return named.join(", ") + (sorted.length > mostRules ? ` and ${sorted.length - mostRules} more rules` : "");
}

/** One issue as a sentence: column, row counted from 1, rule, what was found. */
function describeIssue(issue: Issue): string {
  if (issue.code === "check") return `check "${issue.column}", row ${issue.row + 1}: ${issue.actual}`;
  const place = issue.row < 0 ? `column "${issue.column}"` : `column "${issue.column}", row ${issue.row + 1}`;
  return `${place}: expected ${issue.expected}, got ${issue.actual}`;
}

/** Rows whose weight is missing, infinite or below 0: no metric and no loss has a meaning with them. */
function unusableWeights(spec: PipelineSpec, frame: Frame): number[] {
  const name = spec.roles.weight;
  const column = name === null ? null : columnOf(frame, name);
  if (column?.kind !== "number") return [];
  const rows: number[] = [];
  for (let row = 0; row < frame.nRows; ++row)
    if (!(column.values[row]! >= 0 && column.values[row]! < Infinity)) rows.push(row);
  return rows;
}

/** They fail the run, whatever the contract says of the column's range, unless its policy sets its bad rows aside. */
function weightFailure(spec: PipelineSpec, frame: Frame): MillraceError | null {
  const [first, ...others] = unusableWeights(spec, frame);
  const name = spec.roles.weight;
  const policy = spec.contract.columns.find((c) => c.name === name)?.onViolation;
  if (first === undefined || policy === "quarantine") return null;
  const column = columnOf(frame, name!);
  const value = column.kind === "number" ? column.values[first]! : Number.NaN;
  return new MillraceError("CONTRACT_VIOLATED", {
    subject: "the weight",
    count: 1 + others.length,
    first: `column "${name}", row ${first + 1}: expected a number of 0 or more, got ${Number.isNaN(value) ? "nothing" : value}`,
  });
}

/** Rows without a target can neither train nor test. */
function missingTargetRows(spec: PipelineSpec, frame: Frame): number[] {
  const name = spec.roles.target;
  if (name === null) return [];
  const rows: number[] = [];
  const column = columnOf(frame, name);
  for (let row = 0; row < frame.nRows; ++row) if (isMissing(column, row)) rows.push(row);
  return rows;
}
