import type { Clock } from "../core/clock.ts";
import type { JsonObject } from "../core/json.ts";
import type { Issue } from "../frame/contract.ts";
import type { Frame } from "../frame/frame.ts";
import { invalidRows } from "../frame/invalid-rows.ts";
import { frameFromRows, type FrameOfRows, rowsFromFrame } from "../frame/rows.ts";
import { explain, explanationsOf } from "../model/explain.ts";
import { answersOf, predict } from "../model/predict.ts";
import type { Answer } from "../model/predict.ts";
import type { PredictionEntry } from "../monitor/log-line.ts";
import type { PredictionLogs } from "../monitor/prediction-logs.ts";
import type { ServerLimits } from "./limits.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { ModelSource, ServedModel } from "./model-source.ts";
import { problemOf } from "./problem.ts";
import type { ProblemDocument } from "./problem.ts";
import type { PredictRequest } from "./request-body.ts";
import { attributesOf, inPart, type BeginPart, type Tracing } from "./tracing/tracing.ts";
import type { Traffic } from "./traffic/traffic.ts";

export interface PredictContext {
  readonly models: ModelSource;
  readonly log: PredictionLogs | null;
  readonly clock: Clock;
  /** Of predictions that a rollout gave their version, with the mark of what got it together. */
  readonly createId: (mark?: string) => string;
  readonly limits: ServerLimits;
  readonly metrics: ServerMetrics;
  /** Versions that get a share of the requests beside the champions. */
  readonly traffic: Traffic | null;
  /** Hears which version answered, and of messages all that is to be told. */
  readonly tracing?: Tracing | null;
  /** Hears of the parts of one request, where its trace is kept. */
  readonly beginPart?: BeginPart | null;
}

/** What came of the rows of a request: an answer each, or, where one breaks the contract, none and what to say of it. */
export type RowAnswers = { readonly refused: ProblemDocument } | AnsweredRows;

export interface AnsweredRows {
  readonly refused: null;
  /** Which version answered. */
  readonly served: ServedModel;
  readonly answers: readonly Answer[];
  /** The answers as JSON; written once. */
  texts(): readonly string[];
  readonly predictionIds: readonly string[];
  readonly explanations: ReturnType<typeof explanationsOf> | null;
  /** The first values that break a rule of a column that only warns; most often none. */
  readonly warnings: readonly Issue[];
}

/** Answers rows with one version of a model, counts and logs them; the same for every protocol. */
export function answerRows(context: PredictContext, served: ServedModel, asked: PredictRequest): RowAnswers {
  const { clock, beginPart } = context;
  const { model } = served;
  const start = clock.monotonic();
  const read = inPart(beginPart, "validate", () => frameFromRows(asked.rows, model.contract, model.inputs));
  if (read.issues.length > 0) return refused(context, served, read);
  const found = inPart(
    beginPart,
    "predict",
    () => predicted(served, read.frame, asked.explain),
    beginPart ? attributesOf(served, asked.rows.length) : undefined,
  );
  const { warnings, nWarnings, frame } = read;
  return completed(context, served, {
    asked,
    ...found,
    warnings,
    nWarnings,
    start,
    cleaned: () => rowsFromFrame(frame),
  });
}

/**
 * Predicts the rows of several requests at once, of which none wants explanations; each call then gives one request's answer, counted
 * and logged as its own. Null where a row breaks a rule: each request is then to be asked for itself. Throws PREDICTION_UNDEFINED.
 */
export function answerTogether(
  context: PredictContext,
  served: ServedModel,
  several: readonly PredictRequest[],
): readonly (() => AnsweredRows)[] | null {
  const { model } = served;
  const start = context.clock.monotonic();
  const rows = several.flatMap((asked) => asked.rows);
  const { frame, nIssues, nWarnings } = frameFromRows(rows, model.contract, model.inputs);
  if (nIssues > 0 || nWarnings > 0) return null;
  const { answers } = predicted(served, frame, false);
  const cleaned = isChanged(model) ? rowsFromFrame(frame) : [];
  let next = 0;
  return several.map((asked) => {
    const [from, to] = [next, (next += asked.rows.length)];
    const own = { answers: answers.slice(from, to), cleaned: () => cleaned.slice(from, to) };
    return () => completed(context, served, { asked, ...own, explanations: null, warnings: [], nWarnings: 0, start });
  });
}

function refused({ log, clock, limits, metrics }: PredictContext, served: ServedModel, read: FrameOfRows): RowAnswers {
  const { issues, nIssues } = read;
  const count = new Set(issues.map((issue) => issue.row)).size;
  metrics.rejected(served, count);
  const entry = { time: clock.now(), version: served.version, count, codes: countCodes(issues) };
  log?.of(served.model.name).append([{ kind: "rejected", ...entry }]);
  return { refused: problemOf(invalidRows(issues, nIssues), issues.slice(0, limits.issues)) };
}

interface Found extends Pick<AnsweredRows, "answers" | "explanations" | "warnings"> {
  readonly asked: PredictRequest;
  readonly nWarnings: number;
  /** When answering began, of the monotonic clock. */
  readonly start: number;
  /** The rows as training would keep them. */
  cleaned(): readonly JsonObject[];
}

/** Counts and logs what was found for a request. */
function completed(context: PredictContext, served: ServedModel, found: Found): AnsweredRows {
  const { log, clock, createId, limits, metrics, beginPart } = context;
  const { asked, answers, explanations, warnings, nWarnings, start } = found;
  const predictionIds = answers.map(() => createId());
  metrics.predicted(served, answers.length);
  if (nWarnings > 0) metrics.warned(served, nWarnings);
  let written: readonly string[] | undefined;
  const texts = (): readonly string[] => (written ??= answers.map((answer) => JSON.stringify(answer)));
  const told = warnings.slice(0, limits.issues);
  const answered: AnsweredRows = { refused: null, served, answers, texts, predictionIds, explanations, warnings: told };
  if (log) {
    const latencyMs = Math.round((clock.monotonic() - start) * 1000) / 1000;
    const { cleaned } = found;
    inPart(beginPart, "log", () => record(log, { asked, cleaned, answered, time: clock.now(), latencyMs }));
  }
  return answered;
}

interface Answering extends Pick<PredictionEntry, "time" | "latencyMs">, Pick<Found, "asked" | "cleaned"> {
  readonly answered: AnsweredRows;
}

function record(log: PredictionLogs, { asked, cleaned, answered, time, latencyMs }: Answering): void {
  const { served, answers, predictionIds } = answered;
  const { model, version } = served;
  // Nothing that training would not keep.
  const isKept = !isChanged(model);
  const inputs = isKept ? (asked.rows as readonly JsonObject[]) : cleaned();
  const entries = inputs.map((row, i): PredictionEntry => ({
    id: predictionIds[i]!,
    time,
    version,
    inputs: row,
    output: answers[i]!,
    latencyMs,
  }));
  log.of(model.name).append(entries, { inputs: isKept ? (asked.texts ?? []) : [], outputs: answered.texts() });
}

function predicted(
  { model }: ServedModel,
  frame: Frame,
  isExplained: boolean,
): Pick<AnsweredRows, "answers" | "explanations"> {
  if (!isExplained) return { answers: answersOf(model, predict(model, frame)), explanations: null };
  const explained = explain(model, frame);
  return { answers: answersOf(model, explained.predictions), explanations: explanationsOf(model, explained) };
}

/** Whether a column's values are cleaned or made coarser before a model reads them. */
function isChanged({ contract }: ServedModel["model"]): boolean {
  return contract.columns.some(({ clean, privacy }) => clean !== undefined || privacy !== undefined);
}

function countCodes(issues: readonly Issue[]): Record<string, number> {
  const codes: Record<string, number> = {};
  for (const { code } of issues) codes[code] = (codes[code] ?? 0) + 1;
  return codes;
}
