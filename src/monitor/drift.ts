import { MillraceError } from "../core/errors/error.ts";
import type { ColumnData } from "../frame/column.ts";
import { findColumn } from "../frame/frame.ts";
import { frameFromRows } from "../frame/rows.ts";
import { normalQuantile } from "../math/normal.ts";
import { populationStabilityIndex, proportionScore, psiChanceBound } from "../math/psi.ts";
import type { Model } from "../model/model.ts";
import type { ColumnReference, ReferenceProfile } from "../model/reference-profile.ts";
import { shareOf } from "../model/reference.ts";
import { labelOf, numberOf } from "./answer-value.ts";
import type { ColumnDrift, DriftLimits, DriftReason, DriftReport } from "./drift-report.ts";
import type { PredictionEntry } from "./log-line.ts";
import type { LoggedPredictions } from "./log-reader.ts";

export const defaultDriftLimits: DriftLimits = Object.freeze({
  psi: 0.2,
  minRows: 200,
  missing: 0.05,
  unknown: 0.05,
  outOfContract: 0.05,
});

/** Probability that a window without any drift is called drifted, over all columns and tests together. */
const familyAlpha = 0.01;

/** PSI, missing share, unknown share. */
const testsPerColumn = 3;

export interface DriftInput {
  readonly model: Model;
  /** The window, as `readPredictionLog` gives it. */
  readonly logged: LoggedPredictions;
  /** Answers of other versions are left out of the comparison of predictions; absent = all are this model's. */
  readonly version?: number;
  readonly options?: Partial<DriftLimits>;
}

/**
 * Compares a window of the prediction log with the reference profile inside the model.
 *
 * A column counts as drifted only if the difference is both large (its limit) and beyond chance (a test at 1 % shared by
 * all columns, Bonferroni), so that small windows raise no alarm. Identifiers and the time column move by nature, redacted
 * columns are not there, and all are left out; of other timestamps only the missing share is judged. Throws DEFINITION_INVALID for a model without a reference.
 */
export function compareWithReference(input: DriftInput): DriftReport {
  const { model, logged } = input;
  const { reference } = model;
  if (!reference)
    throw new MillraceError("DEFINITION_INVALID", {
      subject: `model "${model.name}"`,
      rule: "must carry a reference profile to be compared with",
      actual: "none",
      remedy: "Train it again with `millrace run`.",
    });
  const limits = { ...defaultDriftLimits, ...input.options };
  const nRows = logged.entries.length;
  const outOfContract = judgeRefusals(logged, limits);
  const isEnough = nRows >= limits.minRows;
  const { columns, prediction } = isEnough ? compareAll(input, reference, limits) : nothingCompared;
  const isDrifted = [...columns, prediction].some((column) => column !== null && column.reasons.length > 0);
  return Object.freeze({
    model: model.name,
    verdict: isDrifted || outOfContract.isDrifted ? "drift" : isEnough ? "ok" : "tooFewRows",
    nRows,
    nReference: reference.nRows,
    columns,
    prediction,
    outOfContract,
    limits,
  });
}

type Comparison = Pick<DriftReport, "columns" | "prediction">;

const nothingCompared: Comparison = Object.freeze({ columns: [], prediction: null });

function compareAll(input: DriftInput, reference: ReferenceProfile, limits: DriftLimits): Comparison {
  const { model, logged, version } = input;
  const unwatched = new Set([
    model.roles.id,
    model.roles.time,
    ...logged.entries.flatMap((entry) => entry.redacted ?? []),
  ]);
  const watched = reference.columns.filter(({ column }) => !unwatched.has(column));
  const alpha = familyAlpha / (testsPerColumn * (watched.length + 1));
  const context = { nReference: reference.nRows, limits, alpha };
  const rows = logged.entries.map((entry) => entry.inputs);
  const { frame } = frameFromRows(rows, model.contract, model.inputs);
  const columns = watched.flatMap((columnReference) => {
    const column = findColumn(frame, columnReference.column);
    return column ? [compareColumn(columnReference, column, context)] : [];
  });
  columns.sort((a, b) => b.psi - a.psi);
  const answered = logged.entries.filter((entry) => version === undefined || entry.version === version);
  if (answered.length < limits.minRows) return { columns, prediction: null };
  const answers = predictionColumn(model, reference.prediction, answered);
  // The reference of predictions is of the test split, whose size the profile does not say: taken to be no larger than the window.
  const nReference = Math.min(reference.nRows, answered.length);
  return { columns, prediction: compareColumn(reference.prediction, answers, { ...context, nReference }) };
}

interface ComparisonContext {
  readonly nReference: number;
  readonly limits: DriftLimits;
  /** Probability of a false alarm granted to one test of one column. */
  readonly alpha: number;
}

function compareColumn(reference: ColumnReference, column: ColumnData, context: ComparisonContext): ColumnDrift {
  const { nReference, limits, alpha } = context;
  const shares = shareOf(reference, column);
  const nRows = column.kind === "category" ? column.codes.length : column.values.length;
  const expected = reference.shares.map((share) => share * nReference);
  const actual = Array.from(shares.shares, (share) => share * nRows);
  if (reference.form === "levels") {
    expected.push(reference.other * nReference);
    // A level never seen is one more of the rare ones: the index then sees a flood of new levels, too.
    actual.push((shares.other + shares.unknown) * nRows);
  }
  const nPresent = nRows * (1 - shares.missing);
  const psi = nPresent > 0 ? populationStabilityIndex(expected, actual) : 0;
  const chanceBound = psiChanceBound(expected.length, nReference * (1 - reference.missing), nPresent, alpha);
  const significant = normalQuantile(1 - alpha / 2);
  const reasons: DriftReason[] = [];
  if (column.kind !== "timestamp" && psi >= limits.psi && psi > chanceBound) reasons.push("psi");
  const missingScore = proportionScore(reference.missing, nReference, shares.missing, nRows);
  if (Math.abs(shares.missing - reference.missing) >= limits.missing && Math.abs(missingScore) > significant)
    reasons.push("missing");
  const expectedUnknown = unseenShare(reference, nReference);
  const unknownScore = proportionScore(expectedUnknown, nReference, shares.unknown, nRows);
  if (shares.unknown - expectedUnknown >= limits.unknown && unknownScore > significant) reasons.push("unknown");
  return Object.freeze({
    column: reference.column,
    nRows: Math.round(nPresent),
    psi,
    chanceBound,
    missing: shares.missing,
    referenceMissing: reference.missing,
    unknown: shares.unknown,
    reasons,
  });
}

/**
 * The share of rows whose level was never seen in training that is to be expected without drift, from above: by Good and
 * Turing it is the share of levels seen once, which is at most the number of levels over the number of rows.
 */
function unseenShare(reference: ColumnReference, nReference: number): number {
  return reference.form === "levels" && nReference > 0 ? Math.min(1, reference.known.length / nReference) : 0;
}

function judgeRefusals(logged: LoggedPredictions, limits: DriftLimits): DriftReport["outOfContract"] {
  const nRows = logged.rejected.count;
  const nAsked = logged.entries.length + nRows;
  const share = nAsked > 0 ? nRows / nAsked : 0;
  return Object.freeze({
    nRows,
    share,
    isDrifted: nAsked >= limits.minRows && share >= limits.outOfContract,
    codes: [...logged.rejected.codes].sort((a, b) => b[1] - a[1]),
  });
}

/** The logged answers as a column of the form the reference of predictions has. */
function predictionColumn(model: Model, reference: ColumnReference, entries: readonly PredictionEntry[]): ColumnData {
  if (reference.form === "bins") {
    const positive = String(model.labels[1]);
    return { kind: "number", values: Float64Array.from(entries, (entry) => numberOf(entry.output, positive)) };
  }
  const levels = new Map<string, number>();
  const codes = new Int32Array(entries.length);
  entries.forEach((entry, i) => {
    const label = labelOf(entry.output);
    let code = levels.get(label);
    if (code === undefined) levels.set(label, (code = levels.size));
    codes[i] = code;
  });
  return { kind: "category", codes, levels: [...levels.keys()] };
}
