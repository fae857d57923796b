import { csvLine, withoutFormula } from "../../core/csv-line.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Model } from "../../model/model.ts";
import type { Answer } from "../../model/predict.ts";

/** What became of one row that was asked for beside others: its answer and the version that gave it, or why there is none. */
export type RowOutcome =
  | { readonly answer: Answer; readonly predictionId: string; readonly version: number }
  | { readonly code: string; readonly detail: string; readonly issues: readonly JsonObject[] };

/** How a batch is written: what comes first, a line a row, what comes last, and what where it breaks off. */
export interface LineWriter {
  readonly head: string;
  line(row: number, outcome: RowOutcome): string;
  end(summary: JsonObject): string;
  broken(problem: object): string;
}

/** JSON lines: an object a row, then `{ "done": ... }`, or `{ "error": ... }` where it broke off. */
export const jsonLines: LineWriter = Object.freeze({
  head: "",
  line: (row: number, outcome: RowOutcome) =>
    "answer" in outcome
      ? `${JSON.stringify({ row, prediction: outcome.answer, predictionId: outcome.predictionId })}\n`
      : `${JSON.stringify({ row, error: outcome })}\n`,
  end: (summary: JsonObject) => `${JSON.stringify({ done: summary })}\n`,
  broken: (problem: object) => `${JSON.stringify({ error: problem })}\n`,
});

/** The columns of a table that hold an answer, by the labels of its model: the prediction, or the label and a probability each. */
export function answerNames(labels: readonly string[]): readonly string[] {
  return labels.length === 0 ? ["prediction"] : ["label", ...labels.map((label) => `probability ${label}`)];
}

/** CSV with a header: the row, its answer, the prediction's id and, where there is no answer, why. */
export function csvLines({ labels }: Model): LineWriter {
  const names = labels.map(String);
  const answers = answerNames(names);
  return {
    head: lineOf(["row", ...answers, "predictionId", "error"]),
    line(row, outcome) {
      if (!("answer" in outcome)) return lineOf([String(row), ...answers.map(() => ""), "", outcome.detail]);
      const { answer, predictionId } = outcome;
      const cells =
        typeof answer === "number"
          ? [String(answer)]
          : [String(answer.label), ...names.map((name) => JSON.stringify(answer.probabilities[name]))];
      return lineOf([String(row), ...cells, predictionId, ""]);
    },
    end: () => "",
    broken: () => "",
  };
}

function lineOf(cells: readonly string[]): string {
  return `${csvLine(cells.map(withoutFormula))}\n`;
}
