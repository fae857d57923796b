import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { fixedClock } from "../../core/clock.ts";
import { silent } from "../../core/progress.ts";
import { createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { FitContext, FitResult, Target } from "../../model/estimator.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { chunkRows } from "../products.ts";
import { assignRows, squaredDistances, squaredLengths } from "./distances.ts";
import { kmeansEstimator } from "./estimator.ts";
import { improveCentres } from "./lloyd.ts";

const context: FitContext = { rng: createRng(5), clock: fixedClock(), progress: silent, threads: 1, validation: null };

function noTarget(weights: Float64Array | null = null): Target {
  return { task: "clustering", values: new Float64Array(0), nLabels: 0, weights };
}

function fitKmeans(
  design: Design,
  given: Record<string, number | string>,
  weights: Float64Array | null = null,
): Promise<FitResult> {
  return kmeansEstimator.fit(design, noTarget(weights), resolveHyperparameters(kmeansEstimator, given), context);
}

function centresOf(result: FitResult): Float64Array {
  if (result.predictor.kind !== "clusters") throw new Error("not a clusters predictor");
  return result.predictor.centres;
}

/** Rows around planted centres, in turn. */
function plantedRows(centres: readonly (readonly number[])[], nRows: number): number[][] {
  const rng = createRng(2);
  return Array.from({ length: nRows }, (_, i) => centres[i % centres.length]!.map((x) => x + rng.next() - 0.5));
}

const planted = [
  [0, 0, 9],
  [9, 0, 0],
  [0, 9, 0],
  [9, 9, 9],
];

describe("kmeansEstimator", () => {
  for (const start of ["plusplus", "random"]) {
    for (const firstSparse of [3, 1, 0]) {
      it(`finds planted clusters from a ${start} start with ${firstSparse} dense columns of 3`, async () => {
        const design = designOf(plantedRows(planted, 400), firstSparse);
        const result = await fitKmeans(design, { clusters: 4, restarts: 8, start });
        const centres = centresOf(result);
        const found = Array.from({ length: 4 }, (_, c) =>
          Array.from(centres.subarray(c * 3, c * 3 + 3), (x) => Math.round(x)).join(),
        );
        expect(found.sort()).toEqual(planted.map((centre) => centre.join()).sort());
        expect(result.notes["inertia"]! / 400).toBeCloseTo(3 / 12, 1);
      });
    }
  }

  for (const start of ["plusplus", "random"])
    for (const firstSparse of [3, 1])
      it(`finds planted clusters in batches from a ${start} start with ${firstSparse} dense columns of 3`, async () => {
        const design = designOf(plantedRows(planted, 4000), firstSparse);
        const batched = await fitKmeans(design, { clusters: 4, restarts: 8, start, batch: 100 });
        const whole = await fitKmeans(design, { clusters: 4, restarts: 8, start });
        expect(batched.notes["inertia"]! / whole.notes["inertia"]!).toBeLessThan(1.02);
        const distances = new Float64Array(4000);
        assignRows(design, squaredLengths(design), centresOf(batched), 4, new Int32Array(4000), distances);
        expect(batched.notes["inertia"]).toBe(distances.reduce((sum, distance) => sum + distance, 0));
        expect(await fitKmeans(design, { clusters: 4, restarts: 8, start, batch: 100 })).toEqual(batched);
      });

  it("moves each centre to the mean of all the rows it was given in batches", async () => {
    const rows = Array.from({ length: 64 }, (_, i) => [i % 2 === 0 ? 0 : 8 + (i % 4)]);
    const weights = Float64Array.from(rows, (_, i) => 1 + (i % 3));
    const batched = await fitKmeans(designOf(rows, 1), { clusters: 2, batch: 64 - 1, restarts: 1 }, weights);
    const whole = await fitKmeans(designOf(rows, 1), { clusters: 2 }, weights);
    Array.from(centresOf(batched))
      .sort((a, b) => a - b)
      .forEach((centre, c) =>
        expect(Math.abs(centre - Array.from(centresOf(whole)).sort((a, b) => a - b)[c]!)).toBeLessThan(0.05),
      );
  });

  it("gives all rows at once where a batch would hold them all", async () => {
    const design = designOf(plantedRows(planted, 200), 2);
    expect(await fitKmeans(design, { clusters: 4, batch: 200 })).toEqual(await fitKmeans(design, { clusters: 4 }));
  });

  it("gives the same centres for the same seed", async () => {
    const design = designOf(plantedRows(planted, 200), 3);
    const first = await fitKmeans(design, { clusters: 5 });
    expect(await fitKmeans(design, { clusters: 5 })).toEqual(first);
  });

  it("takes a row of weight 3 as the row three times", async () => {
    const rows = [[0], [1], [10]];
    const weighted = await fitKmeans(designOf(rows, 1), { clusters: 2 }, Float64Array.of(3, 1, 1));
    expect(Array.from(centresOf(weighted)).sort((a, b) => a - b)).toEqual([0.25, 10]);
    expect(weighted.notes["inertia"]).toBeCloseTo(3 * 0.0625 + 0.5625, 12);
  });

  it("starts a centre that lost its rows anew at the row farthest from its own", async () => {
    const design = designOf([[0], [1], [2], [50]], 1);
    const far = Float64Array.of(1, 1000);
    const { centres } = await improveCentres(
      design,
      { norms: squaredLengths(design), weights: null, meanVariance: 1 },
      far,
      2,
      async () => {},
    );
    expect(Array.from(centres)).toEqual([1, 50]);
  });

  it("copes with fewer different rows than clusters", async () => {
    const result = await fitKmeans(designOf([[1], [1], [1], [2]], 1), { clusters: 3 });
    expect(result.notes["inertia"]).toBe(0);
  });

  it("refuses more clusters than rows", async () => {
    await expect(fitKmeans(designOf([[1], [2]], 1), { clusters: 3 })).rejects.toThrow(
      "kmeans.clusters must be at most the number of train rows (2), got 3",
    );
  });
});

describe("assignRows", () => {
  it("equals its naive twin", () => {
    const rng = createRng(8);
    const rows = Array.from({ length: chunkRows + 19 }, () =>
      Array.from({ length: 5 }, () => (rng.next() < 0.3 ? 0 : rng.next())),
    );
    const design = designOf(rows, 3);
    const centres = Float64Array.from({ length: 6 * 5 }, () => rng.next());
    const assignment = new Int32Array(rows.length).fill(-1);
    const distances = new Float64Array(rows.length);
    const norms = squaredLengths(design);
    expect(assignRows(design, norms, centres, 6, assignment, distances)).toBe(rows.length);
    expect(assignRows(design, norms, centres, 6, assignment, distances)).toBe(0);
    const ofCentre = new Float64Array(rows.length);
    squaredDistances(design, norms, centres, 2, ofCentre);
    rows.forEach((row, r) => {
      const naive = Array.from({ length: 6 }, (_, c) =>
        row.reduce((sum, x, j) => sum + (x - centres[c * 5 + j]!) ** 2, 0),
      );
      expect(assignment[r]).toBe(naive.indexOf(Math.min(...naive)));
      expect(distances[r]).toBeCloseTo(Math.min(...naive), 12);
      expect(ofCentre[r]).toBeCloseTo(naive[2]!, 12);
    });
  });
});
