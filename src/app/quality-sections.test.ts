import { describe, expect, it } from "vitest";
import type { EvaluationReport } from "../evaluate/report.ts";
import { qualitySections } from "./quality-sections.ts";

const bin = (low: number, nRows: number, predicted: number | null, observed: number | null) => ({
  low,
  high: low + 0.1,
  nRows,
  share: nRows / 100,
  meanPredicted: predicted,
  meanObserved: observed,
});

const report: EvaluationReport = {
  task: "binary",
  labels: ["no", "yes"],
  split: "test",
  nRows: 100,
  metrics: { auc: 0.9, f1: null },
  baseline: { auc: 0.5 },
  threshold: 0.5,
  calibration: [bin(0, 80, 0.04, 0.05), bin(0.1, 0, null, null), bin(0.9, 20, 0.95, 0.9)],
  confusion: [
    [70, 6],
    [4, 20],
  ],
  slices: [],
};
const tables = (of: EvaluationReport | null) =>
  new Map(qualitySections(of, { rmse: 3 }).map((section) => [section.heading, section]));

describe("how good a model is", () => {
  it("is its metrics beside those of the simplest comparator, or alone where nothing else is recorded", () => {
    expect(tables(report).get("How good it is")!.table!.rows).toEqual([
      ["auc", "0.9000", "0.5000"],
      ["f1", "not defined", "not defined"],
    ]);
    expect([...tables(null).values()].map(({ table }) => table!.rows)).toEqual([[["rmse", "3.0000"]]]);
  });

  it("is what its probabilities are worth, with a point for each bin that has rows", () => {
    const { table, curve } = tables(report).get("What its probabilities are worth")!;
    expect(table).toEqual({
      head: ["probability of yes", "rows", "said on average", "came true"],
      rows: [
        ["0.0 to 0.1", "80", "0.0400", "0.0500"],
        ["0.9 to 1.0", "20", "0.9500", "0.9000"],
      ],
    });
    expect(curve!.points).toEqual([
      { x: 0.04, y: 0.05, share: 0.8 },
      { x: 0.95, y: 0.9, share: 0.2 },
    ]);
  });

  it("is which labels it takes for which; of many labels the ones taken for one another most often", () => {
    expect(tables(report).get("Where it errs")!.table).toEqual({
      head: ["true, answered", "no", "yes"],
      rows: [
        ["no", "70", "6"],
        ["yes", "4", "20"],
      ],
    });
    const labels = Array.from({ length: 30 }, (_, i) => `l${i}`);
    const counts = labels.map((_, truth) => labels.map((_, answered): number => (answered === truth ? 50 : 0)));
    counts[3]![4] = 2;
    counts[4]![3] = 7;
    const many: EvaluationReport = { ...report, task: "multiclass", labels, confusion: counts };
    expect(tables(many).get("Where it errs")!.table).toEqual({
      head: ["true", "answered", "rows"],
      rows: [
        ["l4", "l3", "7"],
        ["l3", "l4", "2"],
      ],
    });
  });

  it("says nothing of labels and probabilities where there are none", () => {
    const numbers: EvaluationReport = { ...report, task: "regression", labels: [], calibration: null, confusion: null };
    const empty = [...tables(numbers).values()].filter(({ lines, table }) => lines.length === 0 && table === null);
    expect(empty.map(({ heading }) => heading)).toEqual(["What its probabilities are worth", "Where it errs"]);
  });
});
