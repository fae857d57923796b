import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { extname } from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import type { BlockColumn } from "../ingest/delimited/block.ts";
import { type SnapshotColumn, SnapshotWriter } from "../ingest/snapshot/snapshot-writer.ts";
import { syncFile } from "../store/sync.ts";
import { type ExplainedPredictions, type Explanation, explanationsOf } from "../model/explain.ts";
import type { Model, Predictions } from "../model/model.ts";
import { answersOf, requireDefined } from "../model/predict.ts";
import { answerColumns, answerLines, csvHeader, explainedFeatures } from "./prediction-format.ts";

/** Predictions of some rows, with what explains them where that is asked for. */
export interface PredictedStretch {
  readonly predictions: Predictions;
  readonly explained: ExplainedPredictions | null;
  /** The number of the first of the rows, counted from 0. */
  readonly firstRow: number;
}

/** Takes predictions in the order of the rows. */
export interface PredictionWriter {
  add(stretch: PredictedStretch): Promise<void>;
  /** Completes what was written. */
  finish(): Promise<void>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

/**
 * Writes predictions to a file by its ending, .parquet, .csv or .jsonl: beside it first, and under its name when all are
 * there, so that a reader never sees half of them. Throws USAGE for another ending, STORE_UNWRITABLE, and
 * PREDICTION_UNDEFINED where a prediction is no finite number.
 */
export async function openPredictionFile(path: string, model: Model, isExplained: boolean): Promise<PredictionWriter> {
  const partial = `${path}.${process.pid}.tmp`;
  const format = formatOf(path);
  const own =
    format === "parquet"
      ? await openColumns(partial, model, isExplained)
      : await openLines(partial, model, format, isExplained);
  return {
    add: (stretch) => own.add(stretch),
    async finish() {
      await own.finish();
      await syncFile(partial);
      await rename(partial, path).catch(async (error: unknown) => {
        await rm(partial, { force: true });
        throw unwritable(path, error);
      });
    },
    async discard() {
      await own.discard();
      await rm(partial, { force: true });
    },
  };
}

function formatOf(path: string): "parquet" | "csv" | "jsonl" {
  const ending = extname(path);
  if (ending === ".parquet") return "parquet";
  if (ending === ".csv") return "csv";
  if (ending === ".jsonl" || ending === ".ndjson") return "jsonl";
  throw new MillraceError("USAGE", { reason: `--out must end in .parquet, .csv or .jsonl, got "${path}"` });
}

function unwritable(path: string, error: unknown): MillraceError<"STORE_UNWRITABLE"> {
  const reason = String((error as NodeJS.ErrnoException).code ?? error);
  return new MillraceError("STORE_UNWRITABLE", { path, reason }, { cause: error });
}

async function openLines(
  path: string,
  model: Model,
  format: "csv" | "jsonl",
  isExplained: boolean,
): Promise<PredictionWriter> {
  const guarded = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw unwritable(path, error);
    });
  const file: FileHandle = await guarded(open(path, "w"));
  let head = format === "csv" ? `${csvHeader(model, isExplained)}\n` : "";
  return {
    async add({ predictions, explained, firstRow }) {
      const answers = answersOf(model, predictions, firstRow);
      const lines = answerLines(model, answers, format, explained && explanationsOf(model, explained));
      await guarded(file.appendFile(head + lines.map((line) => `${line}\n`).join("")));
      head = "";
    },
    finish: () => guarded(file.close()),
    discard: () => file.close().catch(() => undefined),
  };
}

/** One column of labels or numbers, and on as `answerColumns` has it. */
async function openColumns(path: string, model: Model, isExplained: boolean): Promise<PredictionWriter> {
  const [first, ...rest] = answerColumns(model, isExplained);
  const columns: SnapshotColumn[] = [
    { name: first!, kind: model.labels.length === 0 ? "number" : "category" },
    ...rest.map((name) => ({ name, kind: "number" as const })),
  ];
  const writer = await SnapshotWriter.open(path, columns);
  return {
    async add({ predictions, explained, firstRow }) {
      requireDefined(predictions, firstRow);
      const answers = answerData(model, predictions);
      await writer.add(explained ? [...answers, ...reasonData(model, explained)] : answers, predictions.nRows);
    },
    finish: () => writer.finish(),
    discard: () => writer.close().catch(() => undefined),
  };
}

function answerData({ labels }: Model, { nRows, width, values, labelIndex }: Predictions): BlockColumn[] {
  const shares = Array.from({ length: labelIndex ? width : 1 }, (_, k) =>
    numbers(nRows, (row) => values[row * width + k]!),
  );
  if (!labelIndex) return shares;
  return [{ kind: "category", codes: Int32Array.from(labelIndex), levels: labels.map(String) }, ...shares];
}

function reasonData(model: Model, explained: ExplainedPredictions): BlockColumn[] {
  const reasons = explanationsOf(model, explained);
  const column = (of: (reason: Explanation) => number): BlockColumn =>
    numbers(reasons.length, (row) => of(reasons[row]!));
  return [
    column(({ base }) => base),
    column(({ score }) => score),
    ...explainedFeatures(model).map((feature) => column(({ contributions }) => Number(contributions[feature]))),
  ];
}

function numbers(nRows: number, at: (row: number) => number): BlockColumn {
  const values = new Float64Array(nRows);
  for (let row = 0; row < nRows; ++row) values[row] = at(row);
  return { kind: "number", values };
}
