import { MillraceError } from "../../core/errors/error.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Codec, Step, StepContext } from "../../engine/step.ts";
import type { Issue } from "../../frame/contract.ts";
import { columnOf, type Frame } from "../../frame/frame.ts";
import { datasetCodec } from "../../ingest/dataset.ts";
import type { IngestReport } from "../../ingest/ingest.ts";
import { rowOrigins } from "../../ingest/row-origin.ts";
import { compareProfiles, type ProfileComparison } from "../../validate/compare.ts";
import { type DatasetProfile, profileFrame } from "../../validate/profile.ts";
import {
  countReasons,
  type Provenance,
  type Reason,
  type ReasonCount,
  type Unreadable,
  writeQuarantine,
} from "../../validate/quarantine.ts";
import { brokenRules, type SnapshotRules } from "../../validate/snapshot-rules.ts";
import type { PipelineSpec } from "../spec.ts";
import { jsonCodec } from "./codecs.ts";
import type { WorkflowEnvironment } from "./environment.ts";
import { type Examination, examine, isOfRules } from "./examine.ts";
import { ingestReportCodec, refusedCodec } from "./ingest-step.ts";
import { stepOf } from "./step-of.ts";
import { type Labels, labelsOf } from "./target.ts";

/** One violation with the place its row comes from. */
export type PlacedIssue = Issue & Provenance;

/**
 * What validation found. Rows in = rows ok + rows set aside + records that were no rows; each of the two latter stands in the
 * artifact `quarantined`, with reasons; of messages and files of media that are no rows, the first 1,000 do.
 */
export interface ValidationReport {
  /** Rows of the snapshot. */
  readonly nRows: number;
  readonly nQuarantined: number;
  /** Records of the source that were no rows, such as malformed lines; absent in reports of earlier releases. */
  readonly nUnreadable?: number;
  readonly issueCounts: readonly (readonly [rule: string, count: number])[];
  /** Of the rules that fail the run, of their rows the first 1,000; then, within as many, of the others. */
  readonly issues: readonly PlacedIssue[];
  /** Rules that failed the run, if it did: of their rows the first 1,000, too, stand in `quarantined`. */
  readonly failed?: readonly (readonly [rule: string, count: number])[];
  /** Rows set aside by rule; a row may break several. */
  readonly quarantinedBy: readonly ReasonCount[];
  /** What is expected of the snapshot as a whole and does not hold, a phrase each; absent where all of it holds. */
  readonly broken?: readonly string[];
  readonly labels: Labels;
}

export const validationReportCodec: Codec<ValidationReport> = jsonCodec("validation-report");
/** Of a run that fails there are no labels. */
const failedReportCodec: Codec<Omit<ValidationReport, "labels">> = jsonCodec("validation-report");
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
    inputs: ["ingest.dataset", "ingest.report", "ingest.refused"],
    outputs: ["report", "quarantine", "quarantined", "profile", "comparison"],
    params: { contract, roles, checks, expect, rows } as unknown as JsonObject,
    revision: 13,
    observe: async (inputs) => {
      const previous = await environment.previousProfile(inputs.get("ingest.dataset")!);
      return { previous: previous?.digest ?? null, time: timeSlot(expect, environment.clock.now()) };
    },
    async run(context) {
      const frame = await context.read("ingest.dataset", datasetCodec(contract, environment.memory));
      const ingested = await context.read("ingest.report", ingestReportCodec);
      const unreadable = await context.read("ingest.refused", refusedCodec);
      const found = examine(spec, frame, ingested);
      const findings = { spec, frame, ingested, unreadable, found };
      if (found.failure !== null) throw await reportedFailure(context, findings, found.failure);
      const profile = profileFrame(frame, ingested.types);
      const previous = await environment.previousProfile(context.digestOf("ingest.dataset"));
      const comparison = previous && compareProfiles(previous.profile, profile);
      await context.write("comparison", comparisonCodec, comparison);
      const { broken, failure } = judgeSnapshot(findings, comparison, environment.clock.now());
      if (failure !== null) throw await reportedFailure(context, findings, failure, broken);
      const labels = labelsOf(spec, frame);
      const report = reportOf(findings);
      await context.write("report", validationReportCodec, { ...report, ...(broken.length > 0 && { broken }), labels });
      await context.write("quarantine", quarantineCodec, found.quarantine);
      await writeRows(context, findings, found.reasons);
      await context.write("profile", profileCodec, profile);
      const quarantined = found.quarantine.length + report.nUnreadable;
      const rows = frame.nRows + report.nUnreadable;
      context.record({ rows, ok: rows - quarantined, quarantined });
    },
  });
}

interface Findings {
  readonly spec: PipelineSpec;
  readonly frame: Frame;
  readonly ingested: IngestReport;
  /** What was no row. */
  readonly unreadable: readonly Unreadable[];
  readonly found: Examination;
}

function reportOf({ ingested, found }: Findings): Omit<ValidationReport, "labels"> & { readonly nUnreadable: number } {
  const { nRows, issueCounts, issues, quarantine, reasons, failed } = found;
  const originOf = rowOrigins(ingested.origins);
  return {
    nRows,
    nQuarantined: quarantine.length,
    nUnreadable: ingested.nRefused ?? 0,
    issueCounts,
    issues: issues.map((issue) => ({
      ...issue,
      ...(issue.row < 0 ? { file: null, line: null } : originOf(issue.row)),
    })),
    quarantinedBy: countReasons(reasons),
    ...(failed.length > 0 && { failed }),
  };
}

/** Of a run that fails, its report is kept, and of the rows it fails by the first 1,000. */
async function reportedFailure(
  context: StepContext,
  findings: Findings,
  failure: MillraceError,
  broken: readonly string[] = [],
): Promise<MillraceError> {
  const { found } = findings;
  const reasons = new Map(found.reasons);
  for (const { row, code, column, expected, actual } of found.issues.filter(isOfRules(found.failed)))
    if (row >= 0) reasons.set(row, [...(reasons.get(row) ?? []), { code, column, expected, actual }]);
  const report = { ...reportOf(findings), ...(broken.length > 0 && { broken }) };
  await context.write("report", failedReportCodec, report);
  await writeRows(context, findings, reasons);
  return failure;
}

async function writeRows(
  context: StepContext,
  { frame, ingested, unreadable }: Findings,
  reasons: ReadonlyMap<number, readonly Reason[]>,
): Promise<void> {
  const rows = [...reasons.keys()].sort((a, b) => a - b);
  await context.writeFile("quarantined", { type: "quarantined-rows", format: 1 }, (path) =>
    writeQuarantine(path, frame, rows, reasons, rowOrigins(ingested.origins), unreadable),
  );
}

/** What is too old now was not when the result was kept: how often that is looked at again, a twentieth of the limit. */
function timeSlot(expect: SnapshotRules | null, nowMs: number): number | null {
  return expect?.newestMs ? Math.floor((20 * nowMs) / expect.newestMs) : null;
}

/** The rules of the whole that are broken, and what the run fails with where one of them is not only to warn. */
function judgeSnapshot(
  { spec, frame, ingested, found }: Findings,
  comparison: ProfileComparison | null,
  nowMs: number,
): { readonly broken: readonly string[]; readonly failure: MillraceError | null } {
  if (spec.expect === null) return { broken: [], failure: null };
  const { time } = spec.roles;
  const { nRefused = 0 } = ingested;
  const broken = brokenRules(spec.expect, {
    nRows: frame.nRows,
    nQuarantined: found.quarantine.length + nRefused,
    nIn: frame.nRows + nRefused,
    time: time === null ? null : columnOf(frame, time),
    nowMs,
    comparison,
  });
  const failing = broken.filter(({ onViolation }) => onViolation === "fail");
  const context = { subject: "the snapshot", count: failing.length, first: `expected ${failing[0]?.text}` };
  return {
    broken: broken.map(({ text }) => text),
    failure: failing.length > 0 ? new MillraceError("CONTRACT_VIOLATED", context) : null,
  };
}
