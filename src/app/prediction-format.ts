import type { JsonValue } from "../core/json.ts";
import type { Model } from "../model/model.ts";

interface Classified {
  readonly label: string | boolean;
  readonly probabilities: Readonly<Record<string, number>>;
}

/** One line an answer: JSON, or CSV with a header (prediction, or label and one probability a label). */
export function formatAnswers(model: Model, answers: readonly JsonValue[], format: "csv" | "jsonl"): string[] {
  if (format === "jsonl") return answers.map((answer) => JSON.stringify(answer));
  if (model.labels.length === 0) return ["prediction", ...answers.map(String)];
  const labels = model.labels.map(String);
  return [
    csvLine(["label", ...labels.map((label) => `probability ${label}`)]),
    ...answers.map((answer) => {
      const { label, probabilities } = answer as unknown as Classified;
      return csvLine([String(label), ...labels.map((name) => String(probabilities[name]))]);
    }),
  ];
}

/** Quotes where needed; a text that a spreadsheet would run as a formula gets an apostrophe in front. */
function csvLine(cells: readonly string[]): string {
  return cells
    .map((cell) => (/^[=+\-@\t\r]/.test(cell) && !Number.isFinite(Number(cell)) ? `'${cell}` : cell))
    .map((cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(",");
}
