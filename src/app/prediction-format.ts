import { csvLine, withoutFormula } from "../core/csv-line.ts";
import type { JsonValue } from "../core/json.ts";
import type { Explanation } from "../model/explain.ts";
import type { Model } from "../model/model.ts";
import { answerNames } from "../serve/batch/lines.ts";

interface Classified {
  readonly label: string | boolean;
  readonly probabilities: Readonly<Record<string, number>>;
}

/** Columns of a table of answers: prediction, or label and one probability a label; explained, also base, score and one contribution a feature. */
export function answerColumns(model: Model, isExplained: boolean): readonly string[] {
  const answer = answerNames(model.labels.map(String));
  if (!isExplained) return answer;
  return [...answer, "base", "score", ...explainedFeatures(model).map((feature) => `contribution ${feature}`)];
}

/** The features whose contributions a table shows, in the model's order. */
export function explainedFeatures({ features }: Model): readonly string[] {
  return [...new Set(features.map(({ feature }) => feature))];
}

/** The first line of a CSV of answers. */
export function csvHeader(model: Model, isExplained: boolean): string {
  return csvLine(answerColumns(model, isExplained).map(withoutFormula));
}

/**
 * One line an answer: JSON, or CSV with the cells of `answerColumns`. With explanations a JSON line is
 * `{ prediction, explanation }`.
 */
export function answerLines(
  model: Model,
  answers: readonly JsonValue[],
  format: "csv" | "jsonl",
  explanations: readonly Explanation[] | null,
): string[] {
  if (format === "jsonl")
    return answers.map((prediction, row) =>
      JSON.stringify(explanations ? { prediction, explanation: explanations[row]! } : prediction),
    );
  const labels = model.labels.map(String);
  const features = explainedFeatures(model);
  return answers.map((answer, row) =>
    csvLine([...answerCells(answer, labels), ...reasonCells(features, explanations?.[row])].map(withoutFormula)),
  );
}

function answerCells(answer: JsonValue, labels: readonly string[]): string[] {
  if (labels.length === 0) return [JSON.stringify(answer)];
  const { label, probabilities } = answer as unknown as Classified;
  return [String(label), ...labels.map((name) => String(probabilities[name]))];
}

function reasonCells(features: readonly string[], explanation: Explanation | undefined): string[] {
  if (!explanation) return [];
  const { base, score, contributions } = explanation;
  return [base, score, ...features.map((feature) => contributions[feature]!)].map(String);
}

/** One explanation for people: the largest contributions with bars, from the base to the score. */
export function explanationLines({ label, base, score, contributions }: Explanation): string[] {
  const sorted = Object.entries(contributions)
    .map(([feature, value]) => [feature, Number(value)] as const)
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const largest = Math.abs(sorted[0]?.[1] ?? 0);
  const width = Math.max(4, ...sorted.map(([feature]) => feature.length));
  const line = (name: string, value: number, bar: string): string =>
    `${name.padEnd(width)}  ${numberText(value).padStart(10)}  ${bar}`.trimEnd();
  const bars = sorted.map(([feature, value]) => {
    const length = largest > 0 ? Math.round((20 * Math.abs(value)) / largest) : 0;
    return line(feature, value, (value < 0 ? "-" : "+").repeat(length));
  });
  return [line("base", base, ""), ...bars, line("score", score, label === null ? "" : `of ${String(label)}`)];
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(4)));
}
