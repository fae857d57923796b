import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readVectors } from "../../test/vectors/read.ts";
import { auc } from "./auc.ts";
import { averagePrecision } from "./average-precision.ts";
import { bestF1Threshold } from "./best-f1-threshold.ts";
import { calibrationBins } from "./calibration-bins.ts";
import { daviesBouldin } from "./davies-bouldin.ts";
import { ece } from "./ece.ts";
import { macroF1 } from "./f1.ts";
import { logLoss } from "./log-loss.ts";
import { metricDirection, metricsOf } from "./metric-names.ts";
import { rankCorrelation } from "./rank-correlation.ts";
import { rmse } from "./rmse.ts";
import { silhouette } from "./silhouette.ts";

const rowsOf = fc.array(fc.record({ y: fc.integer({ min: 0, max: 1 }), p: fc.integer({ min: 0, max: 20 }) }), {
  minLength: 1,
  maxLength: 60,
});
const unpack = (rows: { y: number; p: number }[]): [Float64Array, Float64Array] => [
  Float64Array.from(rows, (r) => r.y),
  Float64Array.from(rows, (r) => r.p / 20),
];

/** The definition: the chance that a positive row scores above a negative one, ties counting half. */
function naiveAuc(y: Float64Array, p: Float64Array): number {
  let wins = 0;
  let pairs = 0;
  y.forEach((a, i) =>
    y.forEach((b, j) => {
      if (a !== 1 || b !== 0) return;
      pairs += 1;
      wins += p[i]! > p[j]! ? 1 : p[i] === p[j] ? 0.5 : 0;
    }),
  );
  return wins / pairs;
}

/** Precision and recall afresh at each threshold. */
function naiveAveragePrecision(y: Float64Array, p: Float64Array): number {
  const thresholds = [...new Set(p)].sort((a, b) => b - a);
  const positives = y.filter((v) => v === 1).length;
  if (positives === 0) return 0;
  let before = 0;
  let total = 0;
  for (const t of thresholds) {
    const answered = y.filter((_, i) => p[i]! >= t);
    const right = answered.filter((v) => v === 1).length;
    total += (right / positives - before) * (right / answered.length);
    before = right / positives;
  }
  return total;
}

describe("AUC and average precision", () => {
  it("equal their naive twins", () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        const [y, p] = unpack(rows);
        const expected = naiveAuc(y, p);
        if (Number.isNaN(expected)) expect(auc(y, p)).toBeNaN();
        else expect(auc(y, p)).toBeCloseTo(expected, 12);
        expect(averagePrecision(y, p)).toBeCloseTo(naiveAveragePrecision(y, p), 12);
      }),
    );
  });

  it("take a weight of k for k copies of the row", () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        const [y, p] = unpack(rows);
        const weights = Float64Array.from(rows, (_, i) => i % 3);
        const [copiesY, copiesP] = unpack(rows.flatMap((row, i) => Array.from({ length: i % 3 }, () => row)));
        const expected = auc(copiesY, copiesP);
        if (Number.isNaN(expected)) expect(auc(y, p, weights)).toBeNaN();
        else expect(auc(y, p, weights)).toBeCloseTo(expected, 12);
        expect(averagePrecision(y, p, weights)).toBeCloseTo(averagePrecision(copiesY, copiesP), 12);
      }),
    );
  });

  it("change sides when the scores are negated", () => {
    fc.assert(
      fc.property(rowsOf, (rows) => {
        const [y, p] = unpack(rows);
        const value = auc(y, p);
        if (!Number.isNaN(value))
          expect(
            auc(
              y,
              p.map((x) => -x),
            ),
          ).toBeCloseTo(1 - value, 12);
      }),
    );
  });
});

describe("the threshold of the best F1", () => {
  it("stands halfway between the two probabilities it separates", () => {
    const best = bestF1Threshold(Float64Array.of(0, 0, 1, 1), Float64Array.of(0.1, 0.2, 0.6, 0.9));
    expect(best).toEqual({ threshold: 0.4, f1: 1 });
  });

  it("separates neighbouring doubles", () => {
    const best = bestF1Threshold(Float64Array.of(0, 1), Float64Array.of(1, 1 + Number.EPSILON));
    expect(best).toEqual({ threshold: 1 + Number.EPSILON, f1: 1 });
  });
});

describe("calibration", () => {
  it("puts each edge into the upper bin and 1 into the last", () => {
    const bins = calibrationBins(Float64Array.of(1, 0, 1), Float64Array.of(0.5, 0.49, 1), 2);
    expect(bins.map((bin) => bin.nRows)).toEqual([1, 2]);
    expect(bins[1]).toEqual({ low: 0.5, high: 1, nRows: 2, share: 2 / 3, meanPredicted: 0.75, meanObserved: 1 });
  });

  it("leaves empty bins without means", () => {
    const bins = calibrationBins(Float64Array.of(1), Float64Array.of(0.05));
    expect(bins[9]).toEqual({ low: 0.9, high: 1, nRows: 0, share: 0, meanPredicted: null, meanObserved: null });
  });
});

describe("metrics on rows that give nothing to measure", () => {
  const none = new Float64Array(0);
  it("are NaN for no rows", () => {
    for (const value of [auc(none, none), logLoss(none, none), ece(none, none), rmse(none, none)])
      expect(value).toBeNaN();
    expect(macroF1(none, none, 3)).toBeNaN();
  });

  it("are NaN for one cluster, and for as many clusters as rows", () => {
    const points = Float64Array.of(1, 2, 3);
    for (const assigned of [Int32Array.of(0, 0, 0), Int32Array.of(0, 1, 2)]) {
      expect(silhouette(points, 1, assigned)).toBeNaN();
      expect(daviesBouldin(points, 1, assigned)).toBeNaN();
    }
  });
});

describe("rank correlation", () => {
  it("equals SciPy's, with ties", () => {
    const { ranks } = readVectors<{ ranks: Record<"one" | "other", number[]> & { expected: number } }>("isolation");
    const { one, other, expected } = ranks;
    expect(rankCorrelation(Float64Array.from(one), Float64Array.from(other))).toBeCloseTo(expected, 12);
  });

  it("is 1 for the same order, -1 for the opposite, NaN for a constant and for no rows", () => {
    const values = Float64Array.of(3, 1, 2, 2);
    expect(
      rankCorrelation(
        values,
        values.map((value) => value ** 3),
      ),
    ).toBe(1);
    expect(
      rankCorrelation(
        values,
        values.map((value) => -value),
      ),
    ).toBe(-1);
    expect(rankCorrelation(values, new Float64Array(4))).toBeNaN();
    expect(rankCorrelation(new Float64Array(0), new Float64Array(0))).toBeNaN();
  });
});

describe("metric names", () => {
  it("have a direction, each", () => {
    const names = new Set(
      (["regression", "binary", "multiclass", "ranking", "clustering", "anomaly"] as const).flatMap((t) =>
        metricsOf(t),
      ),
    );
    expect([...names].sort()).toEqual(Object.keys(metricDirection).sort());
  });
});
