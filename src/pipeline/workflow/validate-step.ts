import { MillraceError } from "../../core/errors/error.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Codec, Step } from "../../engine/step.ts";
import { checkContract, type ContractCheck } from "../../frame/check.ts";
import { isMissing } from "../../frame/column.ts";
import type { Issue } from "../../frame/contract.ts";
import { columnOf, type Frame } from "../../frame/frame.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import type { IngestReport } from "../../ingest/ingest.ts";
import { rowOrigins } from "../../ingest/row-origin.ts";
import { type CleanedRow, cleanedRows, warnedRows } from "../../validate/cleaning.ts";
import { compareProfiles, type ProfileComparison } from "../../validate/compare.ts";
import { type DatasetProfile, profileFrame } from "../../validate/profile.ts";
import { countReasons, type Reason, type ReasonCount, writeQuarantine } from "../../validate/quarantine.ts";
import { type BrokenCheck, brokenChecks, checkIssue } from "../../validate/row-checks.ts";
import { brokenRules, type SnapshotRules } from "../../validate/snapshot-rules.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { ingestReportCodec } from "./ingest-step.ts";
import { stepOf } from "./step-of.ts";
import { type Labels, labelsOf } from "./target.ts";

/** What validation found. Rows in = rows ok + rows set aside; each of those stands in the artifact `quarantined`, with reasons. */
export interface ValidationReport {
  readonly nRows: number;
  readonly nQuarantined: number;
  readonly issueCounts: readonly (readonly [rule: string, count: number])[];
  /** The first 1,000. */
  readonly issues: readonly Issue[];
  /** Rows set aside by rule; a row may break several. */
  readonly quarantinedBy: readonly ReasonCount[];
  /** What is expected of the snapshot as a whole and does not hold, a sentence each; absent where all of it holds. */
  readonly broken?: readonly string[];
  readonly labels: Labels;
}

export const validationReportCodec: Codec<ValidationReport> = jsonCodec("validation-report");
export const profileCodec: Codec<DatasetProfile> = jsonCodec("profile");
export const quarantineCodec: Codec<readonly number[]> = jsonCodec("rows");
/** null where there is no previous snapshot. */
export const comparisonCodec: Codec<ProfileComparison | null> = jsonCodec("comparison");

/**
 * Checks the dataset against the contract, the checks between columns and what is expected of the whole: fails, sets rows
 * aside or warns as each policy says; profiles it and compares it with the previous snapshot.
 */
export function validateStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  const { contract, roles, checks, expect } = spec;
  const rows = { duplicates: spec.clean.duplicates, outliers: spec.clean.outliers };
  return stepOf(environment, {
    name: "validate",
    inputs: ["ingest.dataset", "ingest.report"],
    outputs: ["report", "quarantine", "quarantined", "profile", "comparison"],
    params: { contract, roles, checks, expect, rows } as unknown as JsonObject,
    revision: 10,
    observe: async (inputs) => {
      const previous = await environment.previousProfile(inputs.get("ingest.dataset")!);
      return { previous: previous?.digest ?? null, time: timeSlot(expect, environment.clock.now()) };
    },
    async run(context) {
      const frame = await context.read("ingest.dataset", datasetCodec(contract));
      const ingested = await context.read("ingest.report", ingestReportCodec);
      const found = examine(spec, frame, ingested);
      const labels = labelsOf(spec, frame);
      const profile = profileFrame(frame, ingested.types);
      const previous = await environment.previousProfile(context.digestOf("ingest.dataset"));
      const comparison = previous && compareProfiles(previous.profile, profile);
      const broken = snapshotWarnings(spec, frame, comparison, environment.clock.now());
      await context.write("report", validationReportCodec, {
        ...found.report,
        ...(broken.length > 0 && { broken }),
        labels,
      });
      await context.write("quarantine", quarantineCodec, found.quarantine);
      await context.writeFile("quarantined", { type: "quarantined-rows", format: 1 }, (path) =>
        writeQuarantine(
          path,
          frame,
          found.quarantine,
          found.reasons,
          rowOrigins(ingested.origins),
          ingested.refused ?? [],
        ),
      );
      await context.write("profile", profileCodec, profile);
      await context.write("comparison", comparisonCodec, comparison);
      const quarantined = found.quarantine.length;
      context.record({ rows: frame.nRows, ok: frame.nRows - quarantined, quarantined });
    },
  });
}

/** What is too old now was not when the result was kept: how often that is looked at again, a twentieth of the limit. */
function timeSlot(expect: SnapshotRules | null, nowMs: number): number | null {
  return expect?.newestMs ? Math.floor((20 * nowMs) / expect.newestMs) : null;
}

/** The rules of the whole that only warn and are broken; throws where one that fails is. */
function snapshotWarnings(
  spec: PipelineSpec,
  frame: Frame,
  comparison: ProfileComparison | null,
  nowMs: number,
): readonly string[] {
  if (spec.expect === null) return [];
  const { time } = spec.roles;
  const facts = { nRows: frame.nRows, time: time === null ? null : columnOf(frame, time), nowMs, comparison };
  const broken = brokenRules(spec.expect, facts);
  const failing = broken.filter(({ onViolation }) => onViolation === "fail");
  if (failing.length === 0) return broken.map(({ text }) => text);
  throw new MillraceError("CONTRACT_VIOLATED", {
    subject: "the snapshot",
    count: failing.length,
    first: `expected ${failing[0]!.text}`,
  });
}

/** Issues looked at for the reasons of rows set aside. */
const mostIssues = 200_000;

interface Examination {
  readonly report: Omit<ValidationReport, "labels">;
  readonly quarantine: readonly number[];
  readonly reasons: ReadonlyMap<number, readonly Reason[]>;
}

function examine(spec: PipelineSpec, frame: Frame, ingested: IngestReport): Examination {
  const check = checkContract(frame, spec.contract, { limit: mostIssues });
  const broken = brokenChecks(frame, spec.checks);
  const { issues, counts } = merged(ingested, check, broken, frame);
  refuseFailures(spec, issues, counts);
  const reasons = reasonsOf(spec, frame, ingested, check, broken);
  const quarantine = [...reasons.keys()].sort((a, b) => a - b);
  const warned = warnedRows(frame, spec.clean, new Set(quarantine));
  const report = {
    nRows: frame.nRows,
    nQuarantined: quarantine.length,
    issueCounts: [...counts, ...countWarned(warned)],
    issues: [...warned.slice(0, mostOfACheck).map(({ row, reason }) => ({ row, ...reason })), ...issues].slice(0, 1000),
    quarantinedBy: countReasons(reasons),
  };
  return { quarantine, reasons, report };
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
  const add = (row: number, reason: Reason): void => {
    const known = reasons.get(row);
    if (known) known.push(reason);
    else reasons.set(row, [reason]);
  };
  const columnsWith = new Set(spec.contract.columns.filter((c) => c.onViolation === "quarantine").map((c) => c.name));
  const shown = new Map(ingested.issues.map((issue) => [`${issue.row} ${issue.column}`, issue] as const));
  const unread = new Set<string>();
  for (const { column, rows } of ingested.badRows) {
    if (!columnsWith.has(column)) continue;
    for (const row of rows) {
      unread.add(`${row} ${column}`);
      const { expected, actual } = shown.get(`${row} ${column}`) ?? {
        expected: "a value of its kind",
        actual: "another",
      };
      add(row, { code: "kind", column, expected, actual });
    }
  }
  for (const { code, column, row, expected, actual } of check.issues) {
    const isTold = code === "missing" && unread.has(`${row} ${column}`);
    if (row >= 0 && columnsWith.has(column) && !isTold) add(row, { code, column, expected, actual });
  }
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

/** Throws where a column or a check whose policy is "fail" (the default) has any violation. */
function refuseFailures(spec: PipelineSpec, issues: readonly Issue[], counts: ReadonlyMap<string, number>): void {
  const failing = new Set(
    [...spec.contract.columns, ...spec.checks].filter((rule) => rule.onViolation === "fail").map((rule) => rule.name),
  );
  const broken = [...counts].filter(([key]) => failing.has(key.slice(0, key.lastIndexOf(":"))));
  if (broken.length === 0) return;
  const first = issues.find((issue) => failing.has(issue.column));
  throw new MillraceError("CONTRACT_VIOLATED", {
    subject: "the dataset",
    count: broken.reduce((sum, [, count]) => sum + count, 0),
    ...(broken.length > 1 && { rules: listRules(broken) }),
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
export function describeIssue(issue: Issue): string {
  if (issue.code === "check") return `check "${issue.column}", row ${issue.row + 1}: ${issue.actual}`;
  const place = issue.row < 0 ? `column "${issue.column}"` : `column "${issue.column}", row ${issue.row + 1}`;
  return `${place}: expected ${issue.expected}, got ${issue.actual}`;
}

/**
 * Rows whose weight is missing, infinite or below 0: no metric and no loss has a meaning with them. They fail the run,
 * whatever the contract says of the column's range, unless the column's policy sets its bad rows aside.
 */
function unusableWeights(spec: PipelineSpec, frame: Frame): number[] {
  const name = spec.roles.weight;
  const column = name === null ? null : columnOf(frame, name);
  if (column?.kind !== "number") return [];
  const rows: number[] = [];
  for (let row = 0; row < frame.nRows; ++row)
    if (!(column.values[row]! >= 0 && column.values[row]! < Infinity)) rows.push(row);
  const policy = spec.contract.columns.find((c) => c.name === name)?.onViolation;
  if (rows.length === 0 || policy === "quarantine") return rows;
  const first = column.values[rows[0]!]!;
  throw new MillraceError("CONTRACT_VIOLATED", {
    subject: "the weight",
    count: rows.length,
    first: `column "${name}", row ${rows[0]! + 1}: expected a number of 0 or more, got ${Number.isNaN(first) ? "nothing" : first}`,
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
