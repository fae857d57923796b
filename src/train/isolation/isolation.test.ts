import { describe, expect, it } from "vitest";
import { readVectors } from "../../../test/vectors/read.ts";
import { createRng } from "../../core/rng.ts";
import { auc } from "../../metrics/auc.ts";
import { emptySparseBlock, type Design } from "../../model/design.ts";
import type { FitContext, HyperparameterValues, Target } from "../../model/estimator.ts";
import { addTreeContributions } from "../../model/explain-trees.ts";
import type { TreesPredictor } from "../../model/predictor.ts";
import { applyLink, rawScores } from "../../model/score.ts";
import { findEstimator, resolveHyperparameters } from "../implementations.ts";
import { fitContext } from "../fit-context.fixtures.ts";
import { meanPathLength } from "./path-length.ts";
import { isolationPredictor } from "./predictor.ts";
import { drawRows, runningSums } from "./sample.ts";

interface Vectors {
  readonly pathLengths: { readonly sizes: readonly number[]; readonly expected: readonly number[] };
  readonly forests: readonly {
    readonly sampleRows: number;
    readonly trees: readonly {
      readonly feature: readonly number[];
      readonly threshold: readonly number[];
      readonly left: readonly number[];
      readonly right: readonly number[];
      readonly rows: readonly number[];
    }[];
    readonly asked: readonly (readonly number[])[];
    readonly scores: readonly number[];
  }[];
  readonly plantedAuc: number;
}

const vectors = readVectors<Vectors>("isolation");

function designOf(rows: readonly (readonly number[])[], cardinalities: readonly number[] = []): Design {
  const dense = rows[0]!.map((_, j) => ({
    name: `x${j}`,
    source: `x${j}`,
    values: Float64Array.from(rows, (row) => row[j]!),
    cardinality: cardinalities[j] ?? 0,
  }));
  return { nRows: rows.length, dense, sparse: emptySparseBlock(rows.length) };
}

async function fit(
  design: Design,
  given: HyperparameterValues = {},
  weights: readonly number[] | null = null,
  over: Partial<FitContext> = {},
): Promise<TreesPredictor> {
  const estimator = await findEstimator("isolationForest");
  const target: Target = {
    task: "anomaly",
    values: new Float64Array(0),
    nLabels: 0,
    weights: weights && Float64Array.from(weights),
  };
  const context = fitContext(over);
  const { predictor } = await estimator.fit(design, target, resolveHyperparameters(estimator, given), context);
  return predictor as TreesPredictor;
}

function scoresOf(predictor: TreesPredictor, design: Design): Float64Array {
  const scores = rawScores(predictor, design);
  applyLink(predictor.link, scores, 1);
  return scores;
}

/** The generator of test/vectors/make_isolation.py: two crowds, and outliers spread evenly over a wide box. */
function planted(nRows = 1000, nOutliers = 50): { rows: number[][]; isOutlier: Float64Array } {
  let state = 77;
  const draw = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const rows = Array.from({ length: nRows }, (_, row) => {
    if (row < nOutliers) return Array.from({ length: 4 }, () => 12 * draw() - 6);
    const centre = draw() < 0.5 ? 2 : -2;
    return Array.from({ length: 4 }, () => centre + draw() + draw() + draw() - 1.5);
  });
  return { rows, isOutlier: Float64Array.from(rows, (_, row) => (row < nOutliers ? 1 : 0)) };
}

describe("isolationForest", () => {
  it("takes the mean path lengths that scikit-learn takes", () => {
    const { sizes, expected } = vectors.pathLengths;
    sizes.forEach((size, i) => expect(meanPathLength(size)).toBeCloseTo(expected[i]!, 12));
  });

  it("scores as scikit-learn does on the same trees", () => {
    for (const { trees, sampleRows, asked, scores } of vectors.forests) {
      const grown = trees.map((tree) => ({ ...tree, missingLeft: tree.feature.map(() => 0), levels: new Map() }));
      const own = scoresOf(isolationPredictor(grown, sampleRows), designOf(asked));
      scores.forEach((score, row) => expect(own[row]).toBeCloseTo(score, 12));
    }
  });

  it("finds planted outliers as well as scikit-learn does", async () => {
    const { rows, isOutlier } = planted();
    const design = designOf(rows);
    let mean = 0;
    for (const seed of [1, 2, 3, 4, 5])
      mean += auc(isOutlier, scoresOf(await fit(design, {}, null, { rng: createRng(seed) }), design), null) / 5;
    // Single fits differ by about 0.004 from seed to seed.
    expect(mean).toBeGreaterThan(vectors.plantedAuc - 0.005);
  });

  it("grows each tree from so many different rows, no deeper than a balanced one", async () => {
    const { rows } = planted();
    const trees = await fit(designOf(rows), { trees: 10, sampleRows: 60 });
    for (const [t, at] of trees.treeOffsets.entries()) {
      expect(trees.cover[at]).toBe(60);
      const end = trees.treeOffsets[t + 1] ?? trees.feature.length;
      const depth = new Map([[at, 0]]);
      for (let node = at; node < end; ++node) {
        if (trees.feature[node]! < 0) continue;
        for (const child of [trees.left[node]!, trees.right[node]!]) depth.set(child, depth.get(node)! + 1);
        expect(trees.cover[trees.left[node]!]! + trees.cover[trees.right[node]!]!).toBe(trees.cover[node]);
        expect(Math.min(trees.cover[trees.left[node]!]!, trees.cover[trees.right[node]!]!)).toBeGreaterThan(0);
      }
      expect(Math.max(...depth.values())).toBeLessThanOrEqual(6);
    }
    const drawn = drawRows(100, 60, null, createRng(3));
    expect(new Set(drawn).size).toBe(60);
    expect(drawn.every((row) => row < 100)).toBe(true);
    expect([...drawRows(7, 7, null, createRng(3))].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("draws rows in proportion to their weights, and none of weight 0", async () => {
    const counts = [0, 0, 0];
    for (const row of drawRows(3, 40_000, runningSums(Float64Array.of(1, 0, 3)), createRng(5))) ++counts[row]!;
    expect(counts[1]).toBe(0);
    expect(counts[2]! / 40_000).toBeCloseTo(0.75, 1);
    const { rows } = planted(300, 30);
    const design = designOf(rows);
    const weights = rows.map((_, row) => (row < 30 ? 0 : 1));
    const scores = scoresOf(await fit(design, {}, weights), design);
    expect(Math.min(...scores.subarray(0, 10))).toBeGreaterThan(scores.subarray(30).reduce((a, b) => a + b) / 270);
    await expect(fit(design, {}, Array(300).fill(0))).rejects.toMatchObject({ code: "DEFINITION_INVALID" });
  });

  it("takes rare levels and rare missing values for unusual", async () => {
    const rng = createRng(9);
    const rows = Array.from({ length: 600 }, (_, row) => [
      row < 6 ? Number.NaN : 1,
      row >= 6 && row < 12 ? 4 : rng.integer(3),
      rng.next(),
    ]);
    const design = designOf(rows, [0, 6, 0]);
    const scores = scoresOf(await fit(design), design);
    const usual = scores.subarray(12).toSorted()[560]!;
    for (let row = 0; row < 12; ++row) expect(scores[row]).toBeGreaterThan(usual);
  });

  it("reads sparse columns, whose absent entries are 0", async () => {
    const nRows = 200;
    const sparse = {
      names: ["a", "b"],
      sources: ["t", "t"],
      offsets: Uint32Array.from({ length: nRows + 1 }, (_, row) => Math.min(row, 3)),
      indices: Uint32Array.of(1, 1, 1),
      values: Float64Array.of(5, 6, 7),
    };
    const design: Design = { nRows, dense: [], sparse };
    const trees = await fit(design);
    expect([...new Set(trees.feature)].sort((a, b) => a - b)).toEqual([-1, 1]);
    const scores = scoresOf(trees, design);
    expect(Math.min(...scores.subarray(0, 3))).toBeGreaterThan(scores[3]!);
  });

  it("finds all rows alike where nothing tells them apart: one row, equal rows, nothing but missing values", async () => {
    expect(scoresOf(await fit(designOf([[1, 2]])), designOf([[1, 2]]))[0]).toBeCloseTo(0.5, 12);
    for (const row of [
      [7, 7],
      [Number.NaN, Number.NaN],
    ]) {
      const same = designOf(Array.from({ length: 50 }, () => row));
      const trees = await fit(same, { trees: 3 });
      expect(trees.feature).toEqual(new Int32Array(3).fill(-1));
      expect(scoresOf(trees, same)[0]).toBeCloseTo(0.5, 12);
    }
  });

  it("cuts between numbers at both ends of what a double holds", async () => {
    const most = Number.MAX_VALUE;
    const design = designOf([[-most], [most], [0]]);
    const { threshold, feature } = await fit(design, { trees: 30 });
    threshold.forEach((cut, node) => {
      if (feature[node] === 0) expect(Number.isNaN(cut)).toBe(false);
    });
    expect(scoresOf(await fit(design), design).every((score) => score > 0 && score < 1)).toBe(true);
  });

  it("gives the same model twice, another for another seed, and trees that do not depend on how many there are", async () => {
    const design = designOf(planted(200, 10).rows);
    const first = await fit(design, { trees: 8 });
    expect(await fit(design, { trees: 8 })).toEqual(first);
    expect(await fit(design, { trees: 8 }, null, { rng: createRng(2) })).not.toEqual(first);
    const fewer = await fit(design, { trees: 4 });
    expect(first.threshold.slice(0, fewer.threshold.length)).toEqual(fewer.threshold);
  });

  it("explains the logarithm of a score to its last part", async () => {
    const design = designOf(planted(200, 10).rows);
    const trees = await fit(design, { trees: 10 });
    const sums = {
      base: new Float64Array(1),
      values: new Float64Array(4 * 200),
      groupOf: Int32Array.of(0, 1, 2, 3),
      nGroups: 4,
    };
    addTreeContributions(trees, design, sums);
    const raw = rawScores(trees, design);
    for (let row = 0; row < 200; ++row) {
      const sum = sums.values.subarray(4 * row, 4 * row + 4).reduce((a, b) => a + b, sums.base[0]!);
      expect(sum).toBeCloseTo(raw[row]!, 12);
    }
  });

  it("ends with CANCELLED when asked to", async () => {
    const running = fit(designOf([[1], [2]]), {}, null, { signal: AbortSignal.abort() });
    await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
  });
});
