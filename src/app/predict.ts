import path from "node:path";
import type { Progress } from "../core/progress.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonValue } from "../core/json.ts";
import { type ContractChecker, createContractChecker } from "../frame/check.ts";
import type { Contract, Issue } from "../frame/contract.ts";
import type { Frame } from "../frame/frame.ts";
import type { IngestRequest } from "../ingest/ingest.ts";
import { sourceFromPath } from "../ingest/source.ts";
import { ingestInStretches } from "../ingest/stretches.ts";
import { textsOf } from "../ingest/text-cleaning.ts";
import type { Model } from "../model/model.ts";
import { explain, explainRows, type Explanation, explanationsOf } from "../model/explain.ts";
import { answersOf, predictRows } from "../model/predict.ts";
import { predictInThreads } from "../predict/threads.ts";
import { loadVersion } from "./champion.ts";
import { answerLines } from "./prediction-format.ts";
import { openPredictionFile, type PredictedStretch, type PredictionWriter } from "./prediction-writer.ts";
import { privacyKeyOf } from "./privacy-key.ts";
import type { Project } from "./project.ts";
import { threadsAtHand } from "./threads.ts";

export interface PredictFileOptions {
  readonly version: number | undefined;
  /** Path to write to; undefined = give the lines back. */
  readonly out: string | undefined;
  readonly signal: AbortSignal;
  /** Told how far reading the file is, and predicting what was read. */
  readonly reading: Progress;
  readonly predicting: Progress;
  /** Say what each feature added to each prediction, too. */
  readonly explain: boolean;
}

/** How one row is predicted. */
export interface PredictRowOptions {
  readonly version: number | undefined;
  readonly explain: boolean;
}

export interface RowPrediction {
  readonly model: string;
  readonly version: number;
  readonly prediction: JsonValue;
  readonly explanation?: Explanation;
}

export interface FilePredictions {
  readonly version: number;
  readonly nRows: number;
  /** Values that break a rule of a column that only warns. */
  readonly nWarnings: number;
  /** The lines for standard output; empty where a file was written. */
  readonly lines: readonly string[];
  readonly predictions: readonly JsonValue[];
  readonly explanations: readonly Explanation[] | null;
}

/** Predicts one row given as JSON text. Throws USAGE, or REQUEST_INVALID with the first broken rules. */
export async function predictRow(
  project: Project,
  name: string,
  text: string,
  options: PredictRowOptions,
): Promise<RowPrediction> {
  const { model, version } = await loadVersion(project, name, options.version);
  const rows = [parseRow(text)];
  const explained = options.explain ? explainRows(model, rows) : null;
  const { predictions, issues } = explained ?? predictRows(model, rows);
  if (issues.length > 0)
    throw new MillraceError("REQUEST_INVALID", {
      count: issues.length,
      first: issues.slice(0, 10).map(describe).join("; "),
    });
  return {
    model: name,
    version: version.version,
    prediction: answersOf(model, predictions)[0]!,
    ...(explained && { explanation: explanationsOf(model, explained)[0]! }),
  };
}

/**
 * Predicts every row of a file, some 100,000 at a time: the file may be larger than memory. All rows must keep the contract,
 * else nothing is written. Without `out` all predictions are given back.
 */
export async function predictFile(
  project: Project,
  name: string,
  file: string,
  options: PredictFileOptions,
): Promise<FilePredictions> {
  const { model, version } = await loadVersion(project, name, options.version);
  const collected = collect(model);
  const writer =
    options.out === undefined ? collected.writer : await openPredictionFile(options.out, model, options.explain);
  try {
    const counts = await predictInto(writer, project, model, file, options);
    await writer.finish();
    return {
      version: version.version,
      ...counts,
      ...collected.found,
      explanations: options.explain ? collected.found.explanations : null,
    };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Keeps what is predicted, for standard output. */
function collect(model: Model): {
  readonly writer: PredictionWriter;
  readonly found: { readonly lines: string[]; readonly predictions: JsonValue[]; readonly explanations: Explanation[] };
} {
  const found = { lines: [] as string[], predictions: [] as JsonValue[], explanations: [] as Explanation[] };
  const writer: PredictionWriter = {
    async add({ predictions, explained, firstRow }) {
      const answers = answersOf(model, predictions, firstRow);
      const explanations = explained && explanationsOf(model, explained);
      for (const line of answerLines(model, answers, "jsonl", explanations)) found.lines.push(line);
      for (const answer of answers) found.predictions.push(answer);
      for (const explanation of explanations ?? []) found.explanations.push(explanation);
    },
    finish: async () => {},
    discard: async () => {},
  };
  return { writer, found };
}

/**
 * Gives the number of rows and of warnings. Reads all rows, so that the error about broken ones counts them all; while one stretch is
 * predicted by other threads and written, the next one is read and checked.
 */
async function predictInto(
  writer: PredictionWriter,
  project: Project,
  model: Model,
  file: string,
  { explain: isExplained, signal, reading, predicting }: PredictFileOptions,
): Promise<Pick<FilePredictions, "nRows" | "nWarnings">> {
  const request = requestFor(project, model, file, { progress: reading, signal });
  let checker: ContractChecker | undefined;
  let firstRow = 0;
  let written: Promise<void> = Promise.resolve();
  const take = async (frame: Frame, nRows: number): Promise<void> => {
    if (signal.aborted) throw new MillraceError("CANCELLED", { subject: `predicting "${file}"` });
    checker ??= createContractChecker(request.contract, nRows, { ofRequest: true });
    checker.add(frame);
    await written;
    const first = firstRow;
    firstRow += frame.nRows;
    if (checker.total() > 0) return predicting.report(firstRow, nRows, "rows");
    written = predictStretch(model, frame, isExplained, first)
      .then((stretch) => writer.add(stretch))
      .then(() => predicting.report(first + frame.nRows, nRows, "rows"));
    // Heard by the next stretch, or at the end.
    written.catch(() => {});
  };
  const report = await ingestInStretches(request, take).finally(() => written.catch(() => {}));
  await written;
  const nUnreadable = report.issueCounts.reduce((sum, [, count]) => sum + count, 0);
  const first = report.issues[0] ?? checker?.finish().issues[0];
  if (first !== undefined)
    throw new MillraceError("CONTRACT_VIOLATED", {
      subject: file,
      count: nUnreadable + (checker?.total() ?? 0),
      first: describe(first),
    });
  return { nRows: report.nRows, nWarnings: checker?.nTolerated() ?? 0 };
}

/** The columns that the model reads, of a file. */
function requestFor(
  project: Project,
  model: Model,
  file: string,
  told: Pick<IngestRequest, "progress" | "signal">,
): IngestRequest {
  const contract: Contract = { columns: model.contract.columns.filter((column) => model.inputs.includes(column.name)) };
  return {
    source: sourceFromPath(path.resolve(file)),
    contract,
    texts: textsOf(contract),
    root: project.root,
    output: project.store.artifacts.temporaryPath(),
    privacyKey: privacyKeyOf(contract),
    ...told,
  };
}

async function predictStretch(
  model: Model,
  frame: Frame,
  isExplained: boolean,
  firstRow: number,
): Promise<PredictedStretch> {
  const explained = isExplained ? explain(model, frame) : null;
  const predictions = explained?.predictions ?? (await predictInThreads(model, frame, threadsAtHand()));
  return { predictions, explained, firstRow };
}

function describe(issue: Issue): string {
  const row = issue.row < 0 ? "" : `, row ${issue.row + 1}`;
  return `column "${issue.column}"${row}: expected ${issue.expected}, got ${issue.actual}`;
}

function parseRow(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = `--row must be a row as a JSON object, got ${JSON.stringify(text.slice(0, 100))}`;
    throw new MillraceError("USAGE", { reason: `${reason} (${(error as Error).message})` }, { cause: error });
  }
}
