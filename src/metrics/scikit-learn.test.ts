import { describe, expect, it } from "vitest";
import { readVectors } from "../../test/vectors/read.ts";
import { accuracy } from "./accuracy.ts";
import { adjustedRand } from "./adjusted-rand.ts";
import { auc } from "./auc.ts";
import { averagePrecision } from "./average-precision.ts";
import { bestF1Threshold } from "./best-f1-threshold.ts";
import { brier } from "./brier.ts";
import { confusion } from "./confusion.ts";
import { daviesBouldin } from "./davies-bouldin.ts";
import { ece, multiclassEce } from "./ece.ts";
import { f1, macroF1, precision, recall } from "./f1.ts";
import { logLoss, multiclassLogLoss } from "./log-loss.ts";
import { mae } from "./mae.ts";
import { mape } from "./mape.ts";
import { r2 } from "./r2.ts";
import { rmse } from "./rmse.ts";
import { silhouette } from "./silhouette.ts";
import { topK } from "./top-k.ts";
import { within10 } from "./within10.ts";

type Values = Record<string, number>;
interface BinaryCase {
  title: string;
  labels: number[];
  probabilities: number[];
  weights: number[] | null;
  threshold: number;
  expected: Values;
  bestF1: number;
  confusion: number[];
}
interface Vectors {
  binary: BinaryCase[];
  largeBinary: Omit<BinaryCase, "labels" | "probabilities" | "weights" | "bestF1">;
  multiclass: (Omit<BinaryCase, "threshold" | "bestF1" | "confusion"> & { nLabels: number })[];
  regression: { title: string; truth: number[]; predicted: number[]; weights: number[] | null; expected: Values }[];
  clustering: {
    title: string;
    points: number[];
    nColumns: number;
    one: number[];
    other: number[];
    expected: Values;
  }[];
}

const vectors = readVectors<Vectors>("metrics");
const floats = (values: number[]): Float64Array => Float64Array.from(values);
const floatsOrNull = (values: number[] | null): Float64Array | null => values && floats(values);

function expectSame(actual: Values, expected: Values): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) {
    if (Number.isNaN(value)) expect(actual[name], name).toBeNaN();
    else
      expect(Math.abs(actual[name]! - value), `${name}: ${actual[name]} is not ${value}`).toBeLessThanOrEqual(
        1e-9 * Math.max(1, Math.abs(value)),
      );
  }
}

function binaryMetrics(y: Float64Array, p: Float64Array, w: Float64Array | null, threshold: number): Values {
  const answered = Int32Array.from(p, (x) => (x >= threshold ? 1 : 0));
  return {
    auc: auc(y, p, w),
    averagePrecision: averagePrecision(y, p, w),
    logLoss: logLoss(y, p, w),
    brier: brier(y, p, w),
    ece: ece(y, p, w),
    accuracy: accuracy(y, answered, w),
    precision: precision(y, answered, w),
    recall: recall(y, answered, w),
    f1: f1(y, answered, w),
  };
}

describe("binary metrics equal scikit-learn's", () => {
  for (const c of vectors.binary) {
    it(`on ${c.title}`, () => {
      const y = floats(c.labels);
      const p = floats(c.probabilities);
      const w = floatsOrNull(c.weights);
      expectSame(binaryMetrics(y, p, w, c.threshold), c.expected);
      const answered = Int32Array.from(p, (x) => (x >= c.threshold ? 1 : 0));
      const counts = confusion(y, answered, 2, w);
      c.confusion.forEach((count, cell) => expect(counts[cell]).toBeCloseTo(count, 9));
    });
    it(`in the best F1 over all thresholds on ${c.title}`, () => {
      const y = floats(c.labels);
      const p = floats(c.probabilities);
      const w = floatsOrNull(c.weights);
      const best = bestF1Threshold(y, p, w);
      expect(best.f1).toBeCloseTo(c.bestF1, 9);
      if (c.bestF1 === 0) expect(best.threshold).toBe(0.5);
      // what is promised is what answering from the threshold upward gives
      else
        expect(
          f1(
            y,
            Int32Array.from(p, (x) => (x >= best.threshold ? 1 : 0)),
            w,
          ),
        ).toBeCloseTo(best.f1, 12);
    });
  }

  it("on 60,000 rows with heavy ties and weights", () => {
    const n = 60_000;
    const p = Float64Array.from({ length: n }, (_, i) => ((i * 7919) % 10007) / 10007);
    const y = Float64Array.from({ length: n }, (_, i) =>
      (i * 31 + Math.floor(i / 7)) % 10007 < Math.floor(((i * 7919) % 10007) / 2) ? 1 : 0,
    );
    const w = Float64Array.from({ length: n }, (_, i) => 1 + (i % 4));
    expectSame(binaryMetrics(y, p, w, vectors.largeBinary.threshold), vectors.largeBinary.expected);
  });
});

describe("multiclass metrics equal scikit-learn's", () => {
  for (const c of vectors.multiclass) {
    it(`on ${c.title}`, () => {
      const k = c.nLabels;
      const p = floats(c.probabilities);
      const w = floatsOrNull(c.weights);
      const y = Int32Array.from(c.labels);
      const answered = Int32Array.from(c.labels, (_, i) => {
        const row = p.subarray(i * k, (i + 1) * k);
        return row.indexOf(Math.max(...row));
      });
      expectSame(
        {
          accuracy: accuracy(y, answered, w),
          macroF1: macroF1(y, answered, k, w),
          topK: topK(y, p, k, 3, w),
          logLoss: multiclassLogLoss(y, p, k, w),
          ece: multiclassEce(y, p, k, w),
        },
        c.expected,
      );
    });
  }
});

describe("regression metrics equal scikit-learn's", () => {
  for (const c of vectors.regression) {
    it(`on ${c.title}`, () => {
      const y = floats(c.truth);
      const p = floats(c.predicted);
      const w = floatsOrNull(c.weights);
      expectSame(
        { r2: r2(y, p, w), rmse: rmse(y, p, w), mae: mae(y, p, w), mape: mape(y, p, w), within10: within10(y, p, w) },
        c.expected,
      );
    });
  }
});

describe("clustering metrics equal scikit-learn's", () => {
  for (const c of vectors.clustering) {
    it(`on ${c.title}`, () => {
      const points = floats(c.points);
      const one = Int32Array.from(c.one);
      expectSame(
        {
          silhouette: silhouette(points, c.nColumns, one),
          daviesBouldin: daviesBouldin(points, c.nColumns, one),
          adjustedRand: adjustedRand(one, Int32Array.from(c.other)),
        },
        c.expected,
      );
    });
  }
});
