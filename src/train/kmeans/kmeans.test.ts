import { afterAll, describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { sharedDesign } from "../../../test/support/shared-design.ts";
import { systemClock } from "../../core/clock.ts";
import { createRng } from "../../core/rng.ts";
import type { Design } from "../../model/design.ts";
import type { FitContext, FitResult, Target } from "../../model/estimator.ts";
import { resolveHyperparameters } from "../hyperparameters.ts";
import { dismissIdleWorkers } from "../../threads/crew.ts";
import { workerModule } from "../../threads/location.ts";
import { controlWords, joinTeam } from "../../threads/team.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { squaredLengths } from "./distances.ts";
import { kmeansEstimator } from "./estimator.ts";
import { improveCentres } from "./lloyd.ts";
import { assignRows, pointRows } from "./nearest.ts";
import { type ClusteringPlan, createMemory } from "./plan.ts";
import { rankedRows } from "./ranking.fixtures.ts";
import { plusPlusStart, soloField } from "./start.ts";

const context: FitContext = fitContext({ rng: createRng(5) });

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

/** A plan whose rows are written. */
function planOf(design: Design, clusters: number): ClusteringPlan {
  const memory = createMemory({ design, clusters });
  return { design, ...rankedRows(design, clusters, 1), weights: null, clusters, seeds: [1], isSpread: true, memory };
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
        assignRows(pointRows(design), squaredLengths(design), centresOf(batched), 4, new Int32Array(4000), distances);
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
    const plan = planOf(design, 2);
    const team = joinTeam(new Int32Array(controlWords), 0, 1, async () => {});
    expect(Array.from((await improveCentres(plan, far, 0, team))!.centres)).toEqual([1, 50]);
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

/** Lloyd's algorithm as it is defined: every row measured against every centre in every iteration. */
function naiveLloyd(rows: readonly (readonly number[])[], start: readonly (readonly number[])[]): number[] {
  let centres = start.map((centre) => [...centre]);
  let assignment: number[] = [];
  for (let iteration = 0; iteration < 300; ++iteration) {
    const next = rows.map((row) => {
      const distances = centres.map((centre) => row.reduce((sum, x, j) => sum + (x - centre[j]!) ** 2, 0));
      return distances.indexOf(Math.min(...distances));
    });
    if (next.every((centre, row) => centre === assignment[row])) break;
    assignment = next;
    centres = centres.map((centre, c) => {
      const own = rows.filter((_, row) => assignment[row] === c);
      return centre.map((x, j) => (own.length === 0 ? x : own.reduce((sum, row) => sum + row[j]!, 0) / own.length));
    });
  }
  return assignment;
}

/** Greedy k-means++ as it is defined, with as many candidates a centre. */
function naiveStart(
  rows: readonly number[][],
  weights: readonly number[],
  nCentres: number,
  nTried: number,
): number[][] {
  const rng = createRng(3);
  const centres: number[][] = [];
  const squared = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, x, j) => sum + (x - b[j]!) ** 2, 0);
  const chancesWith = (more: readonly number[][]): number[] =>
    rows.map((row, r) => weights[r]! * Math.min(...[...centres, ...more].map((centre) => squared(row, centre))));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  while (centres.length < nCentres) {
    const chances = centres.length === 0 ? weights : chancesWith([]);
    const drawn = Array.from({ length: centres.length === 0 ? 1 : nTried }, () => {
      let wanted = rng.next() * sum(chances);
      return rows[chances.findIndex((chance) => (wanted -= chance) < 0)]!;
    });
    const left = drawn.map((row) => sum(chancesWith([row])));
    centres.push(drawn[left.indexOf(Math.min(...left))]!);
  }
  return centres;
}

describe("plusPlusStart", () => {
  it.each([0, 3, 5])("equals its naive twin, weights of 0 among them, with %i dense columns of 5", async (nDense) => {
    for (const [clusters, nTried] of [
      [1, 4],
      [6, 4],
      [20, 4],
      [30, 8],
    ] as const) {
      const rng = createRng(clusters);
      const rows = Array.from({ length: 300 }, () =>
        Array.from({ length: 5 }, () => (rng.next() < 0.3 ? 0 : rng.next())),
      );
      const weights = rows.map(() => rng.integer(3));
      const design = designOf(rows, nDense);
      const field = soloField(design, Float64Array.from(weights), clusters);
      const team = joinTeam(new Int32Array(controlWords), 0, 1, async () => {});
      const found = await plusPlusStart(field, clusters, createRng(3), team);
      expect(found).toEqual(Float64Array.from(naiveStart(rows, weights, clusters, nTried).flat()));
    }
  });
});

describe("improveCentres", () => {
  it.each([0, 3, 5])("equals its naive twin, which measures every row, with %i dense columns of 5", async (nDense) => {
    let nIterations = 0;
    for (let seed = 0; seed < 12; ++seed) {
      const rng = createRng(seed);
      const offset = seed % 3 === 0 ? 1e5 : 0;
      const spread = seed % 2 === 0 ? 2 : 6;
      const rows = Array.from({ length: 700 }, (_, i) =>
        Array.from({ length: 5 }, (__, j) => offset + ((i * (j + 2)) % 6) + spread * rng.next()),
      );
      const start = rows.slice(0, seed % 4 === 3 ? 20 : 6);
      const plan = planOf(designOf(rows, nDense), start.length);
      const team = joinTeam(new Int32Array(controlWords), 0, 1, async () => {});
      const found = await improveCentres(plan, Float64Array.from(start.flat()), 0, team);
      const expected = naiveLloyd(rows, start);
      expect(Array.from(plan.assignment)).toEqual(expected);
      const inertia = rows.reduce((sum, row, r) => {
        const own = rows.filter((_, other) => expected[other] === expected[r]);
        const centre = row.map((_, j) => own.reduce((total, other) => total + other[j]!, 0) / own.length);
        return sum + row.reduce((total, x, j) => total + (x - centre[j]!) ** 2, 0);
      }, 0);
      expect(found!.inertia / inertia).toBeCloseTo(1, offset === 0 ? 10 : 3);
      nIterations += found!.iterations;
    }
    // Bounds are what is tested: they say nothing in the first iteration.
    expect(nIterations).toBeGreaterThan(60);
  });
});

describe.skipIf(workerModule("member", import.meta.url) === null)(
  "kmeans on several threads (skipped without dist/)",
  () => {
    afterAll(dismissIdleWorkers);
    const design = sharedDesign(150_000, 20);
    const fit = (threads: number, more: Partial<FitContext> = {}): Promise<FitResult> =>
      kmeansEstimator.fit(
        design,
        noTarget(design.dense[0]!.values.map((value) => Math.floor(value) % 3)),
        resolveHyperparameters(kmeansEstimator, { clusters: 5, restarts: 2 }),
        { ...context, rng: createRng(5), clock: systemClock, threads, ...more },
      );

    it("gives the same model on 1, 2 and 3 threads", async () => {
      const one = await fit(1);
      expect([await fit(2), await fit(3)]).toEqual([one, one]);
    });

    it("ends with CANCELLED when asked to", async () => {
      await expect(fit(2, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ code: "CANCELLED" });
    });
  },
);
