import { MillraceError } from "../../core/errors/error.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Codec, Step } from "../../engine/step.ts";
import { checkContract, type ContractCheck } from "../../frame/check.ts";
import { missingBoolean, missingCode, type ColumnData } from "../../frame/column.ts";
import type { Issue } from "../../frame/contract.ts";
import { columnOf, type Frame } from "../../frame/frame.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import type { IngestReport } from "../../ingest/ingest.ts";
import { type DatasetProfile, profileFrame } from "../../validate/profile.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { ingestReportCodec } from "./ingest-step.ts";
import { stepOf } from "./step-of.ts";
import { type Labels, labelsOf } from "./target.ts";

/** What validation found. `quarantined` rows are left out of every split; each is also named in `issues` (the first 1,000). */
export interface ValidationReport {
  readonly nRows: number;
  readonly nQuarantined: number;
  readonly issueCounts: readonly (readonly [rule: string, count: number])[];
  readonly issues: readonly Issue[];
  readonly labels: Labels;
}

export const validationReportCodec: Codec<ValidationReport> = jsonCodec("validation-report");
export const profileCodec: Codec<DatasetProfile> = jsonCodec("profile");
export const quarantineCodec: Codec<readonly number[]> = jsonCodec("rows");

/** Checks the dataset against the contract: fails, sets rows aside or warns as each column's policy says; profiles it. */
export function validateStep(spec: PipelineSpec, environment: WorkflowEnvironment): Step {
  return stepOf(environment, {
    name: "validate",
    inputs: ["ingest.dataset", "ingest.report"],
    outputs: ["report", "quarantine", "profile"],
    params: { contract: spec.contract, roles: spec.roles } as unknown as JsonObject,
    revision: 4,
    async run(context) {
      const frame = await context.read("ingest.dataset", datasetCodec(spec.contract));
      const ingested = await context.read("ingest.report", ingestReportCodec);
      const found = examine(spec, frame, ingested);
      const labels = labelsOf(spec, frame);
      await context.write("report", validationReportCodec, { ...found.report, labels });
      await context.write("quarantine", quarantineCodec, found.quarantine);
      await context.write("profile", profileCodec, profileFrame(frame));
      context.record({ rows: frame.nRows, quarantined: found.quarantine.length });
    },
  });
}

function examine(
  spec: PipelineSpec,
  frame: Frame,
  ingested: IngestReport,
): { report: Omit<ValidationReport, "labels">; quarantine: readonly number[] } {
  const check = checkContract(frame, spec.contract);
  const policyOf = new Map(spec.contract.columns.map((c) => [c.name, c.onViolation] as const));
  const { issues, counts } = merged(ingested, check);
  const quarantined = new Set<number>(check.rows("quarantine"));
  for (const { column, rows } of ingested.badRows) {
    if (policyOf.get(column) === "quarantine") for (const row of rows) quarantined.add(row);
  }
  refuseFailures(spec, issues, counts);
  for (const row of unusableWeights(spec, frame)) quarantined.add(row);
  for (const row of missingTargetRows(spec, frame)) quarantined.add(row);
  const quarantine = [...quarantined].sort((a, b) => a - b);
  return {
    quarantine,
    report: { nRows: frame.nRows, nQuarantined: quarantine.length, issueCounts: [...counts], issues },
  };
}

/**
 * What ingest and the check found, the first 1,000. A cell that ingest could not read is missing from then on: it is one
 * violation, of its kind, and not a second one as a missing value.
 */
function merged(
  ingested: IngestReport,
  check: ContractCheck,
): { readonly issues: readonly Issue[]; readonly counts: ReadonlyMap<string, number> } {
  const unreadable = new Map(ingested.badRows.map(({ column, rows }) => [column, new Set(rows)] as const));
  const found = check.issues.filter(({ code, column, row }) => code !== "missing" || !unreadable.get(column)?.has(row));
  const counts = new Map<string, number>(ingested.issueCounts);
  for (const [key, count] of check.counts) {
    const column = key.slice(0, key.lastIndexOf(":"));
    const told = key.endsWith(":missing") ? (counts.get(`${column}:kind`) ?? 0) : 0;
    if (count > told) counts.set(key, (counts.get(key) ?? 0) + count - told);
  }
  return { issues: [...ingested.issues, ...found].slice(0, 1000), counts };
}

/** Throws where a column whose policy is "fail" (the default) has any violation. */
function refuseFailures(spec: PipelineSpec, issues: readonly Issue[], counts: ReadonlyMap<string, number>): void {
  const failing = new Set(spec.contract.columns.filter((c) => c.onViolation === "fail").map((c) => c.name));
  let count = 0;
  for (const [key, n] of counts) if (failing.has(key.slice(0, key.lastIndexOf(":")))) count += n;
  if (count === 0) return;
  const first = issues.find((issue) => failing.has(issue.column));
  throw new MillraceError("CONTRACT_VIOLATED", {
    subject: "the dataset",
    count,
    first: first ? describeIssue(first) : "(beyond the first 1,000 issues)",
  });
}

/** One issue as a sentence: column, row counted from 1, rule, what was found. */
export function describeIssue(issue: Issue): string {
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
  const isMissing = missingTest(columnOf(frame, name));
  for (let row = 0; row < frame.nRows; ++row) if (isMissing(row)) rows.push(row);
  return rows;
}

function missingTest(column: ColumnData): (row: number) => boolean {
  switch (column.kind) {
    case "category":
      return (row) => column.codes[row] === missingCode;
    case "boolean":
      return (row) => column.values[row] === missingBoolean;
    case "text":
      return (row) => column.values[row] === null;
    default:
      return (row) => Number.isNaN(column.values[row]);
  }
}
