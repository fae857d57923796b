import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { readVectors } from "../../../test/vectors/read.ts";
import { type Design, emptySparseBlock } from "../../model/design.ts";
import type { FitContext, FitResult, HyperparameterValues, Target } from "../../model/estimator.ts";
import { applyLink, rawScores } from "../../model/score.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { boostingEstimator } from "./estimator.ts";
import { residualBounds, regressionLoss, writeBounded, writeTweedie } from "./loss-regression.ts";
import { sumLosses } from "./loss.ts";
import { type LossPlan, lossChunk } from "./plan.ts";
import { weightedQuantile } from "../weighted-quantile.ts";
import { bestStep } from "./renewal.ts";
import type { RowSet } from "./view.ts";

const plans: readonly LossPlan[] = [
  { loss: "absolute", parameter: 0 },
  { loss: "quantile", parameter: 0.8 },
  { loss: "huber", parameter: 1.3 },
  { loss: "poisson", parameter: 1 },
  { loss: "tweedie", parameter: 1.6 },
];

function setOf(scores: readonly number[], values: readonly number[], weights: readonly number[] | null): RowSet {
  return {
    nRows: scores.length,
    rows: 0,
    scores: Float64Array.from(scores),
    values: Float64Array.from(values),
    labels: new Int32Array(0),
    weights: weights && Float64Array.from(weights),
  };
}

/** Gradient and hessian of one row of weight 2, as the trainer writes them. */
function written(plan: LossPlan, score: number, y: number): readonly [number, number] {
  const words = new Int32Array(2);
  const scales = { gradient: 2 ** 16, hessian: 2 ** 16 };
  const set = setOf([score], [y], [2]);
  const bounds = residualBounds(plan);
  const out = { words, at: 0, step: 2 };
  if (bounds) writeBounded(set, 0, 1, out, scales, bounds);
  else writeTweedie(set, 0, 1, out, scales, plan.parameter);
  return [words[0]! / 2 ** 17, words[1]! / 2 ** 17];
}

describe("the loss logistic", () => {
  it("is the same summed by products as row by row, at the ends and with rows enough for many products", () => {
    const scores = fc.oneof(fc.double({ min: -40, max: 40, noNaN: true }), fc.constantFrom(0, -0, 800, -800));
    fc.assert(
      fc.property(fc.array(scores, { minLength: 1, maxLength: 60 }), fc.constantFrom(1, 20, 90), (some, times) => {
        const all = Array.from({ length: times }, () => some).flat();
        const labels = Int32Array.from(all, (_, row) => row % 2);
        const plan: LossPlan = { loss: "logistic", parameter: 0 };
        const [byProducts, byRows] = [null, all.map(() => 1)].map((weights) => {
          const out = new Float64Array(Math.ceil(all.length / lossChunk));
          sumLosses(plan, { ...setOf(all, [], weights), labels }, 1, 0, out.length, out);
          return out;
        });
        // Rounding 1 + e^-margin takes up to 2^-53 a row.
        byRows!.forEach((loss, chunk) => expect(Math.abs(byProducts![chunk]! - loss)).toBeLessThan(1e-12 * (loss + 1)));
      }),
    );
  });
});

describe.each(plans)("the loss $loss", (plan) => {
  const score = fc.double({ min: -2, max: 2, noNaN: true });
  const isLog = plan.loss === "poisson" || plan.loss === "tweedie";
  const y = isLog ? fc.integer({ min: 0, max: 9 }) : fc.double({ min: -4, max: 4, noNaN: true });

  it("writes its derivative, and for log links the second one", () => {
    fc.assert(
      fc.property(score, y, (s, value) => {
        const step = 1e-4;
        // At a kink there is no derivative.
        fc.pre(Math.abs(s - value) > 0.01 && Math.abs(Math.abs(s - value) - plan.parameter) > 0.01);
        const at = (score: number): number => regressionLoss(plan, score, value);
        const [gradient, hessian] = written(plan, s, value);
        expect(gradient).toBeCloseTo((at(s + step) - at(s - step)) / (2 * step), 4);
        if (isLog) expect(hessian).toBeCloseTo((at(s + step) - 2 * at(s) + at(s - step)) / step ** 2, 3);
        else expect(hessian).toBe(1);
      }),
    );
  });

  it("takes the step in a leaf that no other step beats", () => {
    const row = fc.record({ s: score, value: y, weight: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 12 }), fc.boolean(), (rows, isWeighted) => {
        fc.pre(rows.some(({ weight, value }) => (weight > 0 || !isWeighted) && value !== 0));
        const own = rows.map((one) => ({ ...one, weight: isWeighted ? one.weight : 1 }));
        const set = setOf(
          own.map(({ s }) => s),
          own.map(({ value }) => value),
          isWeighted ? own.map(({ weight }) => weight) : null,
        );
        const step = bestStep(plan, set, Uint32Array.from(own.keys()), 0, own.length);
        const total = (d: number): number =>
          own.reduce((sum, { s, value, weight }) => sum + weight * regressionLoss(plan, s + d, value), 0);
        fc.pre(Math.abs(step) < 9.99);
        // Friedman's huber step is one step from the median, not the minimum; it never is worse than the median itself.
        if (plan.loss === "huber") return;
        for (const other of [1e-3, 0.1, 1, 3])
          for (const sign of [1, -1]) expect(total(step)).toBeLessThanOrEqual(total(step + sign * other) + 1e-9);
      }),
    );
  });
});

describe("weightedQuantile", () => {
  it("takes whole weights as so many rows", () => {
    const row = fc.tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 0, max: 4 }));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1 }), fc.constantFrom(0.1, 0.25, 0.5, 0.8), (rows, share) => {
        fc.pre(rows.some(([, weight]) => weight > 0));
        const repeated = rows.flatMap(([value, weight]) => Array.from({ length: weight }, () => value));
        const values = Float64Array.from(rows, ([value]) => value);
        const weights = Float64Array.from(rows, ([, weight]) => weight);
        expect(weightedQuantile(values, weights, share)).toBe(
          weightedQuantile(Float64Array.from(repeated), null, share),
        );
      }),
    );
  });

  it("halves between two middle values", () => {
    expect(weightedQuantile(Float64Array.of(4, 1, 3, 2), null, 0.5)).toBe(2.5);
    expect(weightedQuantile(Float64Array.of(4, 1, 3), null, 0.5)).toBe(3);
    expect(weightedQuantile(new Float64Array(0), null, 0.5)).toBe(0);
  });
});

const vectors = readVectors<{
  checksum: number;
  losses: Record<"absolute" | "quantile" | "poisson" | "huber", number>;
}>("boosting-losses");
const nHalf = 2000;

/** The generator of test/vectors/make_boosting_losses.py, number for number. */
function generate(seed: number): { rows: number[][]; numbers: number[]; counts: number[] } {
  let state = seed;
  const draw = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const rows: number[][] = [];
  const numbers: number[] = [];
  const counts: number[] = [];
  for (let row = 0; row < 2 * nHalf; ++row) {
    const [a, b, c] = [draw(), draw(), draw()];
    const d = draw() < 0.8 ? draw() : Number.NaN;
    const noise = draw() + draw() + draw() + draw() - 2;
    const outlier = draw();
    const signal = 4 * a * b + (c > 0.6 ? 1.5 : 0) - (Number.isNaN(d) ? 1.7 : 2 * d);
    rows.push([a, b, c, d]);
    numbers.push(signal + noise + (outlier < 0.05 ? 40 * noise : 0));
    const chance = (0.1 + 0.6 * a) * (c > 0.5 ? 1 : 0.4);
    counts.push(Array.from({ length: 8 }, draw).filter((trial) => trial < chance).length);
  }
  return { rows, numbers, counts };
}

const { rows, numbers, counts } = generate(77);

function designOf(from: number, to: number): Design {
  return {
    nRows: to - from,
    dense: [0, 1, 2, 3].map((f) => ({
      name: `x${f}`,
      source: `x${f}`,
      values: Float64Array.from(rows.slice(from, to), (row) => row[f]!),
      cardinality: 0,
    })),
    sparse: emptySparseBlock(to - from),
  };
}

function targetOf(values: readonly number[], weights: readonly number[] | null = null): Target {
  return {
    task: "regression",
    values: Float64Array.from(values),
    nLabels: 0,
    weights: weights && Float64Array.from(weights),
  };
}

async function fit(
  design: Design,
  target: Target,
  given: HyperparameterValues,
  over: Partial<FitContext> = {},
): Promise<FitResult> {
  const context = fitContext(over);
  return boostingEstimator.fit(design, target, given, context);
}

describe("boosting by loss", () => {
  it("learns from the same data as scikit-learn", () => {
    const sum = [...numbers, ...counts].reduce((total, value) => total + value, 0);
    expect(sum).toBeCloseTo(vectors.checksum, 6);
  });

  const judged = {
    absolute: (y: number, p: number) => Math.abs(y - p),
    huber: (y: number, p: number) => Math.abs(y - p),
    quantile: (y: number, p: number) => (y > p ? 0.8 * (y - p) : 0.2 * (p - y)),
    poisson: (y: number, p: number) => p - y * Math.log(p),
  };

  it.each(["absolute", "huber", "quantile", "poisson"] as const)("is as good as scikit-learn: %s", async (loss) => {
    const y = loss === "poisson" ? counts : numbers;
    const given = { loss, trees: 100, minRows: 20, l2: 0, quantile: 0.8 };
    const { predictor } = await fit(designOf(0, nHalf), targetOf(y.slice(0, nHalf)), given);
    const scores = rawScores(predictor, designOf(nHalf, 2 * nHalf));
    applyLink(predictor.link, scores, 1);
    const mean = y.slice(nHalf).reduce((sum, value, row) => sum + judged[loss](value, scores[row]!), 0) / nHalf;
    expect(mean).toBeLessThan(vectors.losses[loss] + 0.03 * Math.abs(vectors.losses[loss]));
  });

  it.each(["absolute", "huber", "quantile", "poisson", "tweedie"] as const)(
    "reports the loss of what it predicts, weighted and sampled, and stops early by it: %s",
    async (loss) => {
      const y = loss === "poisson" || loss === "tweedie" ? counts : numbers;
      const weights = rows.map((row) => (row[0]! > 0.5 ? 2 : 0.5));
      const target = targetOf(y.slice(0, 900), weights.slice(0, 900));
      const validation = {
        design: designOf(900, 1500),
        target: targetOf(y.slice(900, 1500), weights.slice(900, 1500)),
      };
      const given = { loss, trees: 150, rowShare: 0.7, quantile: 0.3, earlyStopping: 5, learningRate: 0.3 };
      const { predictor, notes } = await fit(designOf(0, 900), target, given, { validation });
      expect(notes["rounds"]).toBeLessThan(150);
      const median = weightedQuantile(target.values.slice(), target.weights, 0.5);
      const spread = weightedQuantile(
        target.values.map((value) => Math.abs(value - median)),
        target.weights,
        0.5,
      );
      const parameter = { absolute: 0, huber: spread, quantile: 0.3, poisson: 1, tweedie: 1.5 }[loss];
      const scores = rawScores(predictor, validation.design);
      let [total, weightSum] = [0, 0];
      validation.target.values.forEach((value, row) => {
        total += weights[900 + row]! * regressionLoss({ loss, parameter }, scores[row]!, value);
        weightSum += weights[900 + row]!;
      });
      expect(notes["validationLoss"]).toBeCloseTo(total / weightSum, 10);
    },
  );

  it("puts the asked share of targets below a predicted quantile", async () => {
    const { predictor } = await fit(designOf(0, nHalf), targetOf(numbers.slice(0, nHalf)), {
      loss: "quantile",
      quantile: 0.9,
      trees: 60,
      leaves: 8,
    });
    const scores = rawScores(predictor, designOf(nHalf, 2 * nHalf));
    const below = scores.filter((score, row) => numbers[nHalf + row]! <= score).length / nHalf;
    expect(Math.abs(below - 0.9)).toBeLessThan(0.04);
  });

  it("answers what a row of outliers cannot move: the median, with absolute loss", async () => {
    const y = Array.from({ length: 400 }, (_, row) => (row % 10 === 0 ? 1e9 : 3));
    const { predictor } = await fit(designOf(0, 400), targetOf(y), { loss: "absolute", trees: 5 });
    const scores = rawScores(predictor, designOf(0, 400)).sort();
    expect(scores[200]).toBe(3);
  });

  it("refuses targets below 0 for counts, targets of nothing but 0, and such losses for labels", async () => {
    const design = designOf(0, 100);
    for (const y of [numbers.slice(0, 100), Array.from({ length: 100 }, () => 0)])
      for (const loss of ["poisson", "tweedie"])
        await expect(fit(design, targetOf(y), { loss })).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
    const labels: Target = { ...targetOf(y01(100)), task: "binary", nLabels: 2 };
    await expect(fit(design, labels, { loss: "huber" })).rejects.toMatchObject({ code: "HYPERPARAMETER_INVALID" });
  });
});

function y01(count: number): number[] {
  return Array.from({ length: count }, (_, row) => row % 2);
}
