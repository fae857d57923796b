import fs from "node:fs/promises";
import path from "node:path";
import { silent } from "../core/progress.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { JsonValue } from "../core/json.ts";
import { checkContract } from "../frame/check.ts";
import type { Contract, Issue } from "../frame/contract.ts";
import { readDataset } from "../ingest/dataset.ts";
import { ingestSource } from "../ingest/ingest.ts";
import { sourceFromPath } from "../ingest/source.ts";
import { textsOf } from "../ingest/text-cleaning.ts";
import type { Model } from "../model/model.ts";
import { explain, type ExplainedPredictions, explainRows, type Explanation, explanationsOf } from "../model/explain.ts";
import { answersOf, predict, predictRows } from "../model/predict.ts";
import { loadVersion } from "./champion.ts";
import { formatAnswers } from "./prediction-format.ts";
import { privacyKeyOf } from "./privacy-key.ts";
import type { Project } from "./project.ts";
import { writeWhole } from "./write-whole.ts";

export interface PredictFileOptions {
  readonly version: number | undefined;
  /** Path to write to; undefined = give the lines back. */
  readonly out: string | undefined;
  readonly signal: AbortSignal;
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
  /** The lines for standard output; empty where a file was written. */
  readonly lines: readonly string[];
  readonly predictions: readonly JsonValue[];
  readonly explanations: readonly Explanation[] | null;
}

/** Predicts one row given as JSON text. Throws REQUEST_MALFORMED or REQUEST_INVALID with the first broken rule. */
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
    throw new MillraceError("REQUEST_INVALID", { count: issues.length, first: describe(issues[0]!) });
  return {
    model: name,
    version: version.version,
    prediction: answersOf(model, predictions)[0]!,
    ...(explained && { explanation: explanationsOf(model, explained)[0]! }),
  };
}

/** Predicts every row of a file. All rows must keep the contract, else nothing is predicted or written. */
export async function predictFile(
  project: Project,
  name: string,
  file: string,
  options: PredictFileOptions,
): Promise<FilePredictions> {
  const { model, version } = await loadVersion(project, name, options.version);
  const frame = await readInputs(project, model, file, options.signal);
  const explained: ExplainedPredictions | null = options.explain ? explain(model, frame) : null;
  const predictions = answersOf(model, explained?.predictions ?? predict(model, frame));
  const explanations = explained && explanationsOf(model, explained);
  const format = options.out?.endsWith(".csv") ? "csv" : "jsonl";
  const lines = formatAnswers(model, predictions, format, explanations);
  if (options.out !== undefined) await writeWhole(options.out, `${lines.join("\n")}\n`);
  return {
    version: version.version,
    nRows: frame.nRows,
    lines: options.out === undefined ? lines : [],
    predictions,
    explanations,
  };
}

async function readInputs(
  project: Project,
  model: Model,
  file: string,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<typeof readDataset>>> {
  const contract: Contract = { columns: model.contract.columns.filter((column) => model.inputs.includes(column.name)) };
  const temporary = project.store.artifacts.temporaryPath();
  try {
    const source = sourceFromPath(path.resolve(file));
    const report = await ingestSource({
      source,
      contract,
      texts: textsOf(contract),
      root: project.root,
      output: temporary,
      privacyKey: privacyKeyOf(contract),
      progress: silent,
      signal,
    });
    const frame = await readDataset(temporary, contract);
    const check = checkContract(frame, contract);
    const issues = [...report.issues, ...check.issues];
    if (issues.length > 0)
      throw new MillraceError("CONTRACT_VIOLATED", {
        subject: file,
        count: issues.length,
        first: describe(issues[0]!),
      });
    return frame;
  } finally {
    await fs.rm(temporary, { force: true });
  }
}

function describe(issue: Issue): string {
  const row = issue.row < 0 ? "" : `, row ${issue.row + 1}`;
  return `column "${issue.column}"${row}: expected ${issue.expected}, got ${issue.actual}`;
}

function parseRow(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MillraceError("REQUEST_MALFORMED", { reason: (error as Error).message }, { cause: error });
  }
}
