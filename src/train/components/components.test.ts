import { describe, expect, it } from "vitest";
import { designOf as designWith } from "../../../test/support/design-of-rows.ts";
import { readVectors } from "../../../test/vectors/read.ts";
import { createRng } from "../../core/rng.ts";
import { takeRows, type Design } from "../../model/design.ts";
import type { FitContext, FitResult, HyperparameterValues, Target } from "../../model/estimator.ts";
import type { Task } from "../../model/model.ts";
import { applyLink, rawScores } from "../../model/score.ts";
import { boosting, linear, pca } from "../choice.ts";
import { tune } from "../tuning-choice.ts";
import { checkEstimatorChoice, findEstimator, resolveHyperparameters } from "../implementations.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { type Components, principalComponents } from "./principal.ts";

interface Vectors {
  readonly cases: readonly {
    readonly name: string;
    readonly components: number;
    readonly l2: number;
    readonly rows: readonly (readonly number[])[];
    readonly target: readonly number[];
    readonly means: readonly number[];
    readonly directions: readonly (readonly number[])[];
    readonly variances: readonly number[];
    readonly share: number;
    readonly asked: readonly (readonly number[])[];
    readonly predicted: readonly number[];
  }[];
}

const { cases } = readVectors<Vectors>("pca");

const designOf = (rows: readonly (readonly number[])[]): Design => designWith(rows, rows[0]!.length);

async function fit(
  name: string,
  design: Design,
  target: Target,
  given: HyperparameterValues,
  more: Partial<FitContext> = {},
): Promise<FitResult> {
  const estimator = await findEstimator(name);
  const context = fitContext();
  return estimator.fit(design, target, resolveHyperparameters(estimator, given), { ...context, ...more });
}

function componentsOf(design: Design, most: number, weights: Float64Array | null = null): Promise<Components> {
  return principalComponents(design, weights, most, "test.components", async () => {});
}

function targetOf(task: Task, values: ArrayLike<number>, weights: Float64Array | null = null): Target {
  return { task, values: Float64Array.from(values), nLabels: task === "binary" ? 2 : 0, weights };
}

function answersOf({ predictor }: FitResult, design: Design): number[] {
  const scores = rawScores(predictor, design);
  applyLink(predictor.link, scores, predictor.outputs);
  return [...scores];
}

/** Two crowds along one direction of five columns, the last two of them sparse, and noise in all others. */
function crowds(nRows: number): { design: Design; labels: number[] } {
  const rng = createRng(12);
  const labels = Array.from({ length: nRows }, (_, row) => row % 2);
  const offsets = Uint32Array.from({ length: nRows + 1 }, (_, row) => 2 * row);
  const dense = designOf(labels.map((label) => [4 * label + rng.next(), rng.next() - 4 * label, rng.next()])).dense;
  const values = Float64Array.from({ length: 2 * nRows }, (_, e) => (e % 2) + 2 * labels[e >> 1]! + rng.next());
  const sparse = {
    names: ["s0", "s1"],
    sources: ["s", "s"],
    offsets,
    indices: Uint32Array.from(values, (_, e) => e % 2),
    values,
  };
  return { design: { nRows, dense, sparse }, labels };
}

describe.each(cases)("principal components, $name", (one) => {
  it("are scikit-learn's to 1e-8, signs included", async () => {
    const found = await componentsOf(designOf(one.rows), one.components);
    expect(found.count).toBe(one.components);
    one.means.forEach((mean, j) => expect(Math.abs(found.means[j]! - mean)).toBeLessThan(1e-8));
    one.variances.forEach((value, k) => expect(Math.abs(found.variances[k]! - value)).toBeLessThan(1e-8 * value));
    one.directions.flat().forEach((value, i) => expect(Math.abs(found.directions[i]! - value)).toBeLessThan(1e-8));
    expect(found.share).toBeCloseTo(one.share, 8);
  });

  it("before a ridge regression predict as scikit-learn's do, to 1e-8", async () => {
    const { components, l2 } = one;
    const fitted = await fit("linear", designOf(one.rows), targetOf("regression", one.target), { components, l2 });
    const answers = answersOf(fitted, designOf(one.asked));
    one.predicted.forEach((value, row) =>
      expect(Math.abs(answers[row]! - value)).toBeLessThan(1e-8 * (1 + Math.abs(value))),
    );
    expect(fitted.notes["components"]).toBe(components);
    expect(fitted.notes["variance"]).toBeCloseTo(one.share, 8);
  });
});

describe("learning in principal components", () => {
  it("reads the design's own columns, sparse ones among them", async () => {
    const { design, labels } = crowds(60);
    for (const name of ["linear", "svm"]) {
      const fitted = await fit(name, design, targetOf("binary", labels), { components: 1 });
      expect(fitted.predictor).toMatchObject({ kind: "linear", nDense: 3, nSparse: 2 });
      const answers = answersOf(fitted, design);
      expect(answers.every((answer, row) => answer > 0.5 === (labels[row] === 1))).toBe(true);
    }
  });

  it("gives clusters the rows that are nearest to their centres among the components", async () => {
    const { design, labels } = crowds(60);
    const target = targetOf("clustering", []);
    const fitted = await fit("kmeans", design, target, { components: 2, clusters: 4 });
    expect(fitted.predictor).toMatchObject({ kind: "clusters", nDense: 3, nSparse: 2 });
    const { means, directions } = await componentsOf(design, 2);
    const whole = Array.from({ length: 60 }, (_, row) => [
      ...design.dense.map(({ values }) => values[row]!),
      design.sparse.values[2 * row]!,
      design.sparse.values[2 * row + 1]!,
    ]);
    const along = (row: readonly number[]): number[] =>
      [0, 1].map((k) => row.reduce((sum, value, j) => sum + directions[5 * k + j]! * (value - means[j]!), 0));
    const { centres } = fitted.predictor as { centres: Float64Array };
    const places = [0, 1, 2, 3].map((c) => along([...centres.subarray(5 * c, 5 * c + 5)]));
    const nearest = whole.map((row) => {
      const [x, y] = along(row);
      const distances = places.map(([a, b]) => (x! - a!) ** 2 + (y! - b!) ** 2);
      return distances.indexOf(Math.min(...distances));
    });
    expect(answersOf(fitted, design)).toEqual(nearest);
    const pure = [0, 1, 2, 3].every((c) => new Set(labels.filter((_, row) => nearest[row] === c)).size === 1);
    expect(pure).toBe(true);
  });

  it("takes weights as so many rows", async () => {
    const { design } = crowds(20);
    const weights = Float64Array.from({ length: 20 }, (_, row) => 1 + (row % 3));
    const rows = Uint32Array.from([...weights].flatMap((weight, row) => Array<number>(weight).fill(row)));
    const weighted = await componentsOf(design, 3, weights);
    const repeated = await componentsOf(takeRows(design, rows), 3);
    weighted.directions.forEach((value, i) => expect(value).toBeCloseTo(repeated.directions[i]!, 9));
    weighted.variances.forEach((value, i) => expect(value).toBeCloseTo(repeated.variances[i]!, 9));
  });

  it("with as many components as columns is the regression on the columns", async () => {
    const { rows, target } = cases[2]!;
    const of = (components: number): Promise<FitResult> =>
      fit("linear", designOf(rows), targetOf("regression", target), { components, l2: 1 });
    const [turned, plain] = [answersOf(await of(99), designOf(rows)), answersOf(await of(0), designOf(rows))];
    turned.forEach((value, row) => expect(value).toBeCloseTo(plain[row]!, 8));
  });

  it("keeps no direction along which nothing varies", async () => {
    const rows = Array.from({ length: 12 }, (_, i) => [i, 2 * i, 7, -i]);
    expect((await componentsOf(designOf(rows), 4)).count).toBe(1);
    const flat = designOf(rows.map(() => [1, 1]));
    const fitted = await fit(
      "linear",
      flat,
      targetOf(
        "regression",
        rows.map(([i]) => i!),
      ),
      { components: 2 },
    );
    expect(answersOf(fitted, flat)[0]).toBeCloseTo(5.5, 9);
  });

  it("refuses missing values and more columns than it can turn", async () => {
    await expect(
      fit("linear", designOf([[Number.NaN], [1]]), targetOf("regression", [1, 2]), { components: 1 }),
    ).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
    const wide = designOf([Array<number>(1001).fill(0)]);
    await expect(componentsOf(wide, 3)).rejects.toThrow("at most 1000 prepared columns");
  });

  it("refuses numbers whose squares are not finite, by their column", async () => {
    const large = designOf([
      [1, 1e200],
      [2, -1e200],
    ]);
    await expect(fit("linear", large, targetOf("regression", [1, 2]), { components: 1 })).rejects.toMatchObject({
      code: "DEFINITION_INVALID",
      message: expect.stringContaining('numbers too large in the column "x1"'),
    });
  });

  it("can be cancelled while products are summed and rows are turned, before the estimator begins", async () => {
    const { design, labels } = crowds(2100);
    const target = targetOf("binary", labels);
    const progress = { report: () => expect.unreachable("the estimator has begun") };
    // Nine chunks of 256 rows, then three of 1,024 for each component.
    for (const pauses of [1, 9, 10, 15]) {
      let left = pauses;
      const signal = Object.defineProperty(new EventTarget(), "aborted", { get: () => --left <= 0 }) as AbortSignal;
      const running = fit("svm", design, target, { components: 2 }, { signal, progress });
      await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
      expect(left).toBe(0);
    }
  });
});

describe("pca()", () => {
  it("sets the components of an estimator, tuned or not, and refuses others", () => {
    expect(pca(linear({ l2: 3 }), { components: 5 }).hyperparameters).toEqual({ l2: 3, components: 5 });
    expect(pca(tune(linear()), { components: 5 }).tuning).not.toBe(null);
    expect(() => checkEstimatorChoice(pca(linear(), { components: 5 }))).not.toThrow();
    for (const components of [0, 1.5, Number.NaN])
      expect(() => pca(linear(), { components })).toThrow("pca().components");
    // @ts-expect-error boosting() reads columns one by one
    expect(() => checkEstimatorChoice(pca(boosting(), { components: 5 }))).toThrow("boosting.components");
  });
});
