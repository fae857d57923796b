import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import type { Target } from "../model/estimator.ts";
import type { Predictions } from "../model/model.ts";
import { judgeGate } from "./gate.ts";
import type { GateArguments } from "./gate-reason.ts";
import type { GateRule } from "./gate-rule.ts";
import { atLeast, atMost, beatsChampion } from "./gate-rule.ts";
import { judgedRows } from "./judged-rows.ts";
import { pairedDifference } from "./paired-bootstrap.ts";
import { renderReport } from "./render.ts";
import type { EvaluationReport, Slice } from "./report.ts";
import { evaluate } from "./report.ts";

const rng = createRng(1);
const rules = (...given: object[]): GateRule[] => given as GateRule[];
const reportOf = (metrics: Record<string, number | null>, more: Partial<EvaluationReport> = {}): EvaluationReport => ({
  task: "binary",
  labels: [false, true],
  split: "test",
  nRows: 500,
  metrics,
  baseline: {},
  threshold: 0.5,
  calibration: null,
  confusion: null,
  slices: [],
  ...more,
});
const judge = (given: object[], report: EvaluationReport, more: Partial<GateArguments> = {}) =>
  judgeGate({
    rules: rules(...given),
    report,
    audit: null,
    champion: null,
    candidate: null,
    target: null,
    rng,
    ...more,
  });

describe("gate rules", () => {
  it("are frozen plain data", () => {
    expect(atLeast("auc", 0.7)).toEqual({
      rule: "atLeast",
      metric: "auc",
      value: 0.7,
      slice: undefined,
    });
    expect(atMost("rmse", 3, { slice: "region" })).toEqual({
      rule: "atMost",
      metric: "rmse",
      value: 3,
      slice: "region",
    });
    expect(Object.isFrozen(beatsChampion("f1"))).toBe(true);
  });

  it("refuse a limit that is not a finite number", () => {
    expect(() => atLeast("auc", NaN)).toThrow('atLeast("auc") needs a finite number as its limit, got NaN');
  });
});

describe("fixed limits", () => {
  it("pass at the limit and fail past it, saying so", () => {
    const verdict = judge(
      [atLeast("auc", 0.7), atMost("logLoss", 0.5), atLeast("f1", 0.6), atMost("brier", 0.1)],
      reportOf({ auc: 0.7312, logLoss: 0.5, f1: 0.41, brier: 0.2 }),
    );
    expect(verdict.passed).toBe(false);
    expect(verdict.reasons.map((reason) => [reason.passed, reason.text])).toEqual([
      [true, "auc 0.7312 is at least 0.7"],
      [true, "logLoss 0.5000 is at most 0.5"],
      [false, "f1 0.4100 is not at least 0.6"],
      [false, "brier 0.2000 is not at most 0.1"],
    ]);
    expect(verdict.reasons[2]).toMatchObject({ rule: "atLeast", metric: "f1", limit: 0.6, actual: 0.41 });
  });

  it("show all digits where rounding would hide the side", () => {
    const [reason] = judge([atLeast("auc", 0.7)], reportOf({ auc: 0.69999999 })).reasons;
    expect(reason!.text).toBe("auc 0.69999999 is not at least 0.7");
  });

  it("fail on a metric that does not exist on the rows, or that the task has not", () => {
    const report = reportOf({ auc: null, f1: 1 }, { nRows: 12 });
    const verdict = judge([atLeast("auc", 0.7), atLeast("r2", 0.5)], report);
    expect(verdict.passed).toBe(false);
    expect(verdict.reasons.map((reason) => reason.text)).toEqual([
      "auc is not defined on 12 rows; it must be at least 0.7",
      "r2 is not a metric of binary: auc, f1 are",
    ]);
  });

  it("hold in every group of a slice that has rows enough", () => {
    const slice = (name: string, nRows: number, auc: number | null) => ({
      name,
      column: "region",
      nRows,
      metrics: { auc },
    });
    const report = reportOf(
      { auc: 0.8 },
      { slices: [slice("region=north", 100, 0.8), slice("region=south", 90, 0.6), slice("region=sea", 5, null)] },
    );
    const verdict = judge([atLeast("auc", 0.7, { slice: "region" })], report);
    expect(verdict.reasons.map((reason) => [reason.slice, reason.passed])).toEqual([
      ["region=north", true],
      ["region=south", false],
    ]);
    expect(verdict.reasons[1]!.text).toBe("auc in region=south 0.6000 is not at least 0.7");
    expect(judge([atLeast("auc", 0.7, { slice: "city" })], report).passed).toBe(false);
  });
});

describe("the audit", () => {
  const finding = (column: string, severity: "error" | "warning", allowed = false) => ({
    rule: "target proxy",
    column,
    severity,
    allowed,
  });

  it("fails the gate by errors that are not allowed", () => {
    const audit = {
      findings: [finding("a", "error"), finding("b", "warning"), finding("c", "error", true), finding("d", "error")],
    };
    const verdict = judge([], reportOf({}), { audit });
    expect(verdict.passed).toBe(false);
    expect(verdict.reasons[0]!.text).toBe("the audit found 2 errors: target proxy in a, target proxy in d");
  });

  it("passes with warnings alone", () => {
    expect(judge([], reportOf({}), { audit: { findings: [finding("b", "warning")] } })).toEqual({
      passed: true,
      reasons: [],
    });
  });
});

/** A target and predictions of it, the better the smaller the noise. */
function scene(nRows: number, noise: number, seed: number): { target: Target; predictions: Predictions } {
  const truth = createRng(5);
  const blur = createRng(seed);
  const labels = Float64Array.from({ length: nRows }, () => truth.integer(2));
  const values = new Float64Array(2 * nRows);
  labels.forEach((label, i) => {
    const p = Math.min(0.99, Math.max(0.01, 0.3 + 0.4 * label + noise * (blur.next() - 0.5)));
    values.set([1 - p, p], 2 * i);
  });
  return {
    target: { task: "binary", values: labels, nLabels: 2, weights: null },
    predictions: { nRows, width: 2, values, labelIndex: null },
  };
}

describe("the champion", () => {
  const nRows = 400;
  const good = scene(nRows, 0.8, 11);
  const poor = scene(nRows, 1.6, 12);
  const slices: Slice[] = [
    { name: "half=first", column: "half", rows: Uint32Array.from({ length: 200 }, (_, i) => i) },
    { name: "half=second", column: "half", rows: Uint32Array.from({ length: 200 }, (_, i) => 200 + i) },
  ];
  const compare = (candidate: Predictions, champion: Predictions | null, given: object[] = [beatsChampion("auc")]) => {
    const { target } = good;
    const report = evaluate({
      task: "binary",
      labels: [false, true],
      target,
      predictions: candidate,
      threshold: 0.5,
      baseline: candidate,
      slices,
    });
    return judge(given, report, {
      champion: champion && { version: 3, predictions: champion, threshold: 0.4 },
      candidate: { predictions: candidate, threshold: 0.5 },
      target,
      slices,
    });
  };

  it("is beaten by a better candidate, with an interval", () => {
    const verdict = compare(good.predictions, poor.predictions);
    expect(verdict.passed).toBe(true);
    const { comparison, text } = verdict.reasons[0]!;
    expect(comparison!.low).toBeGreaterThan(0);
    expect(comparison!.low).toBeLessThan(comparison!.difference);
    expect(comparison!.high).toBeGreaterThan(comparison!.difference);
    expect(comparison).toMatchObject({
      version: 3,
      significant: true,
      method: "paired bootstrap, 200 resamples of all 400 rows",
    });
    expect(text).toMatch(/^auc 0\.\d{4} against 0\.\d{4} of champion version 3: better by 0\.\d{4} \(95 % interval/);
  });

  it("beats a worse candidate, also in metrics of which less is better", () => {
    const verdict = compare(poor.predictions, good.predictions, [beatsChampion("auc"), beatsChampion("logLoss")]);
    expect(verdict.reasons.map((reason) => reason.passed)).toEqual([false, false]);
    expect(verdict.reasons[1]!.comparison!.high).toBeLessThan(0);
    expect(verdict.reasons[1]!.text).toContain("worse by");
  });

  it("is not beaten nor beats where both are the same: no significant difference, and the gate passes", () => {
    const [reason] = compare(good.predictions, good.predictions).reasons;
    expect(reason).toMatchObject({
      passed: true,
      comparison: { difference: 0, low: 0, high: 0, significant: false },
    });
    expect(reason!.text).toMatch(/the same .*no significant difference/);
  });

  it("is judged at its own threshold", () => {
    const [reason] = compare(good.predictions, good.predictions, [beatsChampion("recall")]).reasons;
    expect(reason!.comparison!.difference).toBeLessThan(0);
  });

  it("may be absent: then the rule holds", () => {
    const [reason] = compare(good.predictions, null).reasons;
    expect(reason).toMatchObject({ passed: true, comparison: null });
    expect(reason!.text).toMatch(/^auc 0\.\d{4}: no champion yet to compare with$/);
  });

  it("is compared in each group of a slice", () => {
    const verdict = compare(good.predictions, poor.predictions, [beatsChampion("auc", { slice: "half" })]);
    expect(verdict.reasons.map((reason) => reason.slice)).toEqual(["half=first", "half=second"]);
    expect(verdict.passed).toBe(true);
  });

  it("fails the rule, with a reason, where it cannot be compared", () => {
    const verdict = judge([beatsChampion("auc")], reportOf({ auc: 0.9 }), {
      champion: { version: 3, predictions: null, threshold: null },
    });
    expect(verdict.reasons[0]).toMatchObject({ passed: false, comparison: null });
  });

  it("gives the same interval for the same seed, and JSON keeps the verdict", () => {
    const once = compare(good.predictions, poor.predictions);
    expect(compare(good.predictions, poor.predictions)).toEqual(once);
    expect(JSON.parse(JSON.stringify(once))).toEqual(once);
  });

  it("is rendered with pass and FAIL", () => {
    const report = reportOf({ auc: 0.9 });
    const lines = renderReport(report, judge([atLeast("auc", 0.95), atLeast("auc", 0.5)], report));
    expect(lines.slice(-3)).toEqual([
      "gate failed",
      "  FAIL  auc 0.9000 is not at least 0.95",
      "  pass  auc 0.9000 is at least 0.5",
    ]);
  });
});

describe("the paired bootstrap", () => {
  const interval = (nRows: number, metric: "auc" | "accuracy") => {
    const good = scene(nRows, 1.2, 11);
    const poor = scene(nRows, 1.4, 12);
    return pairedDifference({
      metric,
      candidate: judgedRows("binary", good.target, good.predictions, 0.5),
      champion: judgedRows("binary", good.target, poor.predictions, 0.5),
      rng,
    });
  };

  it("narrows with the square root of the rows, also where it resamples a part of them", () => {
    const small = interval(20_000, "accuracy");
    const large = interval(80_000, "accuracy");
    expect(large.method).toBe("paired bootstrap, 200 resamples of 20000 of 80000 rows");
    const ratio = (small.high - small.low) / (large.high - large.low);
    expect(ratio).toBeGreaterThan(1.6);
    expect(ratio).toBeLessThan(2.4);
    expect(large.low).toBeLessThan(large.difference);
    expect(large.high).toBeGreaterThan(large.difference);
  });

  it("is as wide as theory says for a difference of two shares", () => {
    const n = 5000;
    const { low, high } = interval(n, "accuracy");
    const good = scene(n, 1.2, 11);
    const poor = scene(n, 1.4, 12);
    const right = (p: Predictions): number[] =>
      Array.from(good.target.values, (y, i) => ((p.values[2 * i + 1]! >= 0.5 ? 1 : 0) === y ? 1 : 0));
    const rightOfPoor = right(poor.predictions);
    const differences = right(good.predictions).map((hit, i) => hit - rightOfPoor[i]!);
    const mean = differences.reduce((a, b) => a + b) / n;
    const spread = Math.sqrt(differences.reduce((a, d) => a + (d - mean) ** 2, 0) / n / n);
    expect((high - low) / (2 * 1.96 * spread)).toBeGreaterThan(0.8);
    expect((high - low) / (2 * 1.96 * spread)).toBeLessThan(1.2);
  });
});
