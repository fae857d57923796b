import { describe, expect, it } from "vitest";
import type { Target } from "../model/estimator.ts";
import type { Predictions } from "../model/model.ts";
import { baselinePredictions, fitBaseline } from "./baseline.ts";
import { scoreForSelection } from "./cv-score.ts";
import { renderReport } from "./render.ts";
import { evaluate } from "./report.ts";
import { chooseThreshold } from "./threshold.ts";

const binaryTarget = (values: number[]): Target => ({
  task: "binary",
  values: Float64Array.from(values),
  nLabels: 2,
  weights: null,
});
/** Predictions of two labels from the probabilities of the second. */
const chances = (positive: number[]): Predictions => ({
  nRows: positive.length,
  width: 2,
  values: Float64Array.from(positive.flatMap((p) => [1 - p, p])),
  labelIndex: null,
});
const labels = ["no", "yes"];

describe("a report", () => {
  const target = binaryTarget([0, 0, 1, 1]);
  const predictions = chances([0.1, 0.4, 0.35, 0.8]);
  const baseline = baselinePredictions(fitBaseline("binary", binaryTarget([0, 0, 0, 1])), 4);
  const rows = { name: "region=north", column: "region", rows: Uint32Array.of(2, 3) };
  const report = evaluate({ task: "binary", labels, target, predictions, threshold: 0.3, baseline, slices: [rows] });

  it("answers from the threshold upward and measures beside the baseline", () => {
    expect(report.nRows).toBe(4);
    expect(report.metrics["auc"]).toBe(0.75);
    expect(report.metrics["recall"]).toBe(1);
    expect(report.metrics["precision"]).toBeCloseTo(2 / 3, 15);
    expect(report.baseline["auc"]).toBe(0.5);
    expect(report.baseline["accuracy"]).toBe(0.5);
    expect(report.confusion).toEqual([
      [1, 1],
      [0, 2],
    ]);
    expect(report.calibration).toHaveLength(10);
  });

  it("holds null where a metric does not exist in a slice, and survives JSON unchanged", () => {
    expect(report.slices[0]).toMatchObject({ name: "region=north", nRows: 2, metrics: { auc: null, recall: 1 } });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("is rendered as an aligned table with the operating point", () => {
    const lines = renderReport(report, null);
    expect(lines[0]).toBe("metric            test (4 rows)  baseline");
    expect(lines[1]).toBe("auc                      0.7500    0.5000  better");
    expect(lines.slice(-3)).toEqual([
      "less is better: logLoss, brier, ece (calibration error)",
      "baseline: every row gets the labels' shares of the train rows",
      '"yes" is answered from a probability of 0.3000, chosen for the best f1, not for accuracy',
    ]);
  });

  it("measures values, and the mean as their baseline", () => {
    const truth: Target = { task: "regression", values: Float64Array.of(1, 2, 3), nLabels: 0, weights: null };
    const exact: Predictions = { nRows: 3, width: 1, values: truth.values, labelIndex: null };
    const mean = baselinePredictions(fitBaseline("regression", truth), 3);
    expect([...mean.values]).toEqual([2, 2, 2]);
    const regression = evaluate({
      task: "regression",
      labels: [],
      target: truth,
      predictions: exact,
      threshold: null,
      baseline: mean,
    });
    expect(regression.metrics).toEqual({ r2: 1, rmse: 0, mae: 0, mape: 0, within10: 1 });
    expect(regression.baseline["r2"]).toBe(0);
    expect([regression.calibration, regression.confusion]).toEqual([null, null]);
  });

  it("measures three labels by their likeliest", () => {
    const truth: Target = { task: "multiclass", values: Float64Array.of(0, 1, 2), nLabels: 3, weights: null };
    const values = Float64Array.of(0.7, 0.2, 0.1, 0.3, 0.6, 0.1, 0.4, 0.5, 0.1);
    const predicted: Predictions = { nRows: 3, width: 3, values, labelIndex: null };
    const baselineOfThree = baselinePredictions(fitBaseline("multiclass", truth), 3);
    const { metrics, confusion } = evaluate({
      task: "multiclass",
      labels: ["a", "b", "c"],
      target: truth,
      predictions: predicted,
      threshold: null,
      baseline: baselineOfThree,
    });
    expect(metrics["accuracy"]).toBeCloseTo(2 / 3, 15);
    expect(metrics["topK"]).toBe(1);
    expect(confusion).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 1, 0],
    ]);
  });

  it("measures clusters on the points it is given, and nothing without them", () => {
    const none: Target = { task: "clustering", values: new Float64Array(0), nLabels: 0, weights: null };
    const assigned = Float64Array.of(0, 0, 1, 1);
    const clustered: Predictions = { nRows: 4, width: 1, values: assigned, labelIndex: null };
    const baselineOfNone = baselinePredictions(fitBaseline("clustering", none), 4);
    const common = {
      task: "clustering",
      labels: [],
      target: none,
      predictions: clustered,
      threshold: null,
      baseline: baselineOfNone,
    } as const;
    expect(evaluate(common).metrics).toEqual({ silhouette: null, daviesBouldin: null, stability: null });
    const clusters = {
      points: Float64Array.of(0, 1, 10, 11),
      nColumns: 1,
      assigned,
      again: Float64Array.of(5, 5, 2, 2),
    };
    const { metrics } = evaluate({ ...common, clusters });
    expect(metrics["stability"]).toBe(1);
    expect(metrics["silhouette"]).toBeCloseTo((9.5 / 10.5 + 8.5 / 9.5) / 2, 12);
    expect(metrics["daviesBouldin"]).toBeCloseTo(0.1, 12);
  });
});

describe("the operating point", () => {
  it("is the threshold of the best F1 on the rows given", () => {
    expect(chooseThreshold(binaryTarget([0, 0, 1, 1]), chances([0.1, 0.2, 0.6, 0.9]))).toBeCloseTo(0.4, 12);
  });

  it("is one half where no row is positive", () => {
    expect(chooseThreshold(binaryTarget([0, 0]), chances([0.1, 0.2]))).toBe(0.5);
  });
});

describe("the score of a trial", () => {
  it("rises as log loss falls", () => {
    const target = binaryTarget([0, 1]);
    const common = { task: "binary", labels, target } as const;
    const good = scoreForSelection({ ...common, predictions: chances([0.1, 0.9]) });
    const bad = scoreForSelection({ ...common, predictions: chances([0.4, 0.6]) });
    expect(good.metric).toBe("logLoss");
    expect(good.score).toBeGreaterThan(bad.score);
  });

  it("rises as RMSE falls", () => {
    const target: Target = { task: "regression", values: Float64Array.of(1, 3), nLabels: 0, weights: null };
    const predictions: Predictions = { nRows: 2, width: 1, values: Float64Array.of(2, 2), labelIndex: null };
    expect(scoreForSelection({ task: "regression", labels: [], target, predictions })).toEqual({
      metric: "rmse",
      score: -1,
    });
  });

  it("of clusters needs points", () => {
    const target: Target = { task: "clustering", values: new Float64Array(0), nLabels: 0, weights: null };
    const predictions: Predictions = { nRows: 0, width: 1, values: new Float64Array(0), labelIndex: null };
    expect(() => scoreForSelection({ task: "clustering", labels: [], target, predictions })).toThrow("needs a target");
  });
});
