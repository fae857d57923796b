import type { Model } from "../../model/model.ts";
import type { AnswerWriter } from "./answer-writer.ts";
import { csvLines, jsonLines, type LineWriter } from "./lines.ts";
import type { BatchForm } from "./media-types.ts";
import { openParquetAnswers } from "./parquet-answers.ts";

export function answerWriterOf(form: BatchForm, model: Model): AnswerWriter {
  switch (form) {
    case "jsonl":
      return asLines("application/x-ndjson", jsonLines);
    case "csv":
      return asLines("text/csv; charset=utf-8", csvLines(model));
    case "parquet":
      return openParquetAnswers(model);
  }
}

function asLines(type: string, lines: LineWriter): AnswerWriter {
  return {
    type,
    begin: async () => Buffer.from(lines.head),
    add: async (firstRow, outcomes) =>
      Buffer.from(outcomes.map((outcome, i) => lines.line(firstRow + i, outcome)).join("")),
    end: async (summary) => Buffer.from(lines.end(summary)),
    broken: (problem) => Buffer.from(lines.broken(problem)),
  };
}
