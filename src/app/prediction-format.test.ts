import { describe, expect, it } from "vitest";
import { randomModel, randomRow } from "../../test/models/random-models.ts";
import { createRng } from "../core/rng.ts";
import { explainRows, explanationsOf } from "../model/explain.ts";
import { answersOf } from "../model/predict.ts";
import { answerLines, csvHeader, explanationLines } from "./prediction-format.ts";

describe("answerLines", () => {
  const model = randomModel(createRng(1), "multiclass", "linear");
  const rows = Array.from({ length: 3 }, (_, i) => randomRow(createRng(i)));
  const explained = explainRows(model, rows);
  const answers = answersOf(model, explained.predictions);
  const explanations = explanationsOf(model, explained);

  it("writes JSON lines, with the explanation beside the prediction where there is one", () => {
    expect(answerLines(model, answers, "jsonl", null).map((line) => JSON.parse(line) as unknown)).toEqual(answers);
    const lines = answerLines(model, answers, "jsonl", explanations);
    expect(JSON.parse(lines[1]!)).toEqual({ prediction: answers[1], explanation: explanations[1] });
  });

  it("writes CSV with as many cells in every line as the header has", () => {
    const table = (reasons: typeof explanations | null): string[][] =>
      [csvHeader(model, reasons !== null), ...answerLines(model, answers, "csv", reasons)].map((line) =>
        line.split(","),
      );
    const plain = table(null);
    expect(plain[0]).toEqual(["label", "probability a", "probability __proto__", "probability c"]);
    const lines = table(explanations);
    expect(lines[0]!.slice(4)).toEqual([
      "base",
      "score",
      ...["area", "ratio", "colour", "sold", "when", "note"].map((feature) => `contribution ${feature}`),
    ]);
    for (const line of lines) expect(line).toHaveLength(12);
    expect(Number(lines[2]![5])).toBe(explanations[1]!.score);
  });
});

describe("explanationLines", () => {
  it("goes from the base by the largest contributions to the score", () => {
    const contributions = { area: -2, rooms: 4.00001, age: 0 };
    expect(explanationLines({ label: null, base: 10, score: 12.00001, contributions })).toEqual([
      "base           10",
      "rooms           4  ++++++++++++++++++++",
      "area           -2  ----------",
      "age             0",
      "score          12",
    ]);
    expect(explanationLines({ label: true, base: 1, score: 1, contributions: {} })[1]).toMatch(/of true$/);
  });
});
