import { assert, constantFrom, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { modelKinds, randomModel, randomRow } from "../../test/models/random-models.ts";
import { createRng } from "../core/rng.ts";
import { explainRows, isExplainable, explanationsOf, meanContributions } from "./explain.ts";
import { predictRows } from "./predict.ts";
import type { Model } from "./model.ts";
import type { EnsemblePredictor, MemberPredictor } from "./predictor.ts";

const explainable = modelKinds.filter(
  ([task, kind]) =>
    task !== "clustering" &&
    kind !== "network" &&
    kind !== "neighbors" &&
    (kind !== "ensemble" || task === "regression"),
);

describe("explainRows", () => {
  it("predicts the same bits as predictRows and splits every raw score among the features", () => {
    assert(
      property(integer(), constantFrom(...explainable), (seed, [task, kind]) => {
        const rng = createRng(seed);
        const model = randomModel(rng, task, kind);
        const rows = Array.from({ length: 9 }, () => randomRow(rng));
        const { predictions, contributions } = explainRows(model, rows);
        expect(predictions).toEqual(predictRows(model, rows).predictions);
        const { outputs, features, base, values, scores } = contributions;
        scores.forEach((score, i) => {
          const own = values.subarray(i * features.length, (i + 1) * features.length);
          expect(Math.abs(own.reduce((sum, value) => sum + value, base[i % outputs]!) - score)).toBeLessThan(1e-9);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("explains a row alone as it does in a batch", () => {
    const rng = createRng(11);
    const model = randomModel(rng, "multiclass", "trees");
    const rows = Array.from({ length: 6 }, () => randomRow(rng));
    const together = explanationsOf(model, explainRows(model, rows));
    expect(rows.flatMap((row) => explanationsOf(model, explainRows(model, [row])))).toEqual(together);
  });

  it("names the positive label of two, the answered one of more, none of numbers", () => {
    const rng = createRng(5);
    const rows = Array.from({ length: 20 }, () => randomRow(rng));
    const binary = randomModel(rng, "binary", "trees");
    expect(new Set(explanationsOf(binary, explainRows(binary, rows)).map(({ label }) => label))).toEqual(
      new Set([true]),
    );
    const regression = randomModel(rng, "regression", "linear");
    expect(explanationsOf(regression, explainRows(regression, rows))[0]!.label).toBeNull();
    const multiclass = randomModel(rng, "multiclass", "linear");
    const explained = explainRows(multiclass, rows);
    explanationsOf(multiclass, explained).forEach(({ label, score }, row) => {
      const answered = explained.predictions.labelIndex![row]!;
      expect(label).toBe(multiclass.labels[answered]);
      expect(score).toBe(explained.contributions.scores[row * 3 + answered]);
    });
  });

  it("counts what was made of a column for the column, whatever it is called", () => {
    const model = randomModel(createRng(6), "regression", "linear");
    const [row] = explanationsOf(model, explainRows(model, [randomRow(createRng(7))]));
    expect(Object.keys(row!.contributions)).toEqual(["area", "ratio", "colour", "sold", "when", "note"]);
    const trees = randomModel(createRng(6), "regression", "trees");
    const [other] = explanationsOf(trees, explainRows(trees, [randomRow(createRng(7))]));
    expect(Object.keys(other!.contributions)).toContain("__proto__");
  });

  it("adds the members of a stack by their weights to its intercept", () => {
    const blended = randomModel(createRng(8), "regression", "ensemble");
    const { predictor } = blended;
    if (predictor.kind !== "ensemble") throw new TypeError("no ensemble");
    const stacked: EnsemblePredictor = {
      ...predictor,
      method: "stack",
      weights: Float64Array.of(-2, 0.5),
      intercept: Float64Array.of(3),
    };
    const rng = createRng(9);
    const rows = Array.from({ length: 9 }, () => randomRow(rng));
    const { base, features, values, scores } = explainRows({ ...blended, predictor: stacked }, rows).contributions;
    scores.forEach((score, i) => {
      const own = values.subarray(i * features.length, (i + 1) * features.length);
      expect(own.reduce((sum, value) => sum + value, base[0]!)).toBeCloseTo(score, 9);
    });
  });

  it("explains a blend whose member reads very many terms", () => {
    const blended = randomModel(createRng(8), "regression", "ensemble");
    const { predictor } = blended;
    if (predictor.kind !== "ensemble") throw new TypeError("no ensemble");
    const terms = Array.from({ length: 200_000 }, (_, i) => `term${i}`);
    const linear: MemberPredictor = {
      kind: "linear",
      link: "identity",
      outputs: 1,
      nDense: 1,
      nSparse: terms.length,
      coefficients: new Float64Array(terms.length + 1).fill(2),
      intercept: Float64Array.of(1),
    };
    const model: Model = {
      ...blended,
      features: [
        { feature: "area", steps: [{ kind: "keep" }] },
        {
          feature: "note",
          steps: [{ kind: "tfidf", terms, idf: terms.map(() => 1), ngrams: 1, sublinear: false, dense: false }],
        },
      ],
      predictor: {
        ...predictor,
        members: [linear],
        spans: Uint32Array.of(0, 1, 0, terms.length),
        weights: Float64Array.of(0.5),
      },
    };
    const row = { area: 3, note: "term7 term199999" };
    const [answer] = explanationsOf(model, explainRows(model, [row]));
    expect(answer!.base).toBe(0.5);
    expect(answer!.contributions["area"]).toBe(3);
    expect(answer!.contributions["note"]).toBeCloseTo(Math.SQRT2, 12);
  });

  it("refuses clusters, networks, neighbors, and ensembles whose answers are not sums", () => {
    const clusters = randomModel(createRng(8), "clustering", "linear");
    const network = randomModel(createRng(8), "binary", "network");
    const neighbors = randomModel(createRng(8), "regression", "neighbors");
    const ensemble = randomModel(createRng(8), "binary", "ensemble");
    for (const model of [clusters, network, neighbors, ensemble]) {
      expect(isExplainable(model)).toBe(false);
      expect(() => explainRows(model, [randomRow(createRng(9))])).toThrow(
        expect.objectContaining({ code: "EXPLANATION_UNAVAILABLE" }),
      );
    }
  });

  it("averages the sizes of contributions", () => {
    const features = ["a", "b"];
    const of = (values: number[], nRows: number): Parameters<typeof meanContributions>[0] => ({
      nRows,
      outputs: 1,
      features,
      base: Float64Array.of(0),
      values: Float64Array.from(values),
      scores: new Float64Array(nRows),
    });
    expect(meanContributions(of([1, -2, -1, 4], 2))).toEqual([
      { feature: "b", mean: 3 },
      { feature: "a", mean: 1 },
    ]);
    expect(meanContributions(of([], 0))[0]).toEqual({ feature: "a", mean: 0 });
  });
});
