import { assert, constantFrom, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng, type Rng } from "../core/rng.ts";
import type { Design } from "./design.ts";
import { emptySparseBlock } from "./design.ts";
import type { ClustersPredictor, LinearPredictor, TreesPredictor } from "./predictor.ts";
import { applyLink, rawScores } from "./score.ts";
import { randomDesign, randomTrees, rowOfDesign } from "../../test/models/random-predictors.ts";

/** The definition, read aloud: one row, one tree, one node at a time. */
function naiveTrees(trees: TreesPredictor, design: Design): Float64Array {
  const out = new Float64Array(design.nRows * trees.outputs);
  const leafOf = (node: number, row: number): number => {
    const feature = trees.feature[node]!;
    if (feature < 0) return trees.value[node]!;
    const x = valueAt(design, row, feature);
    let goesLeft: boolean;
    if (Number.isNaN(x)) goesLeft = trees.missingLeft[node] === 1;
    else if (trees.categoryOffset[node]! < 0) goesLeft = x <= trees.threshold[node]!;
    else goesLeft = (trees.categorySets[trees.categoryOffset[node]! + Math.floor(x / 32)]! & (1 << (x % 32))) !== 0;
    return leafOf(goesLeft ? trees.left[node]! : trees.right[node]!, row);
  };
  for (let row = 0; row < design.nRows; ++row) {
    for (let k = 0; k < trees.outputs; ++k) out[row * trees.outputs + k] = trees.base[k]!;
    trees.treeOffsets.forEach((root, tree) => {
      const at = row * trees.outputs + trees.treeOutput[tree]!;
      out[at] = out[at]! + leafOf(root, row);
    });
  }
  return out;
}

function valueAt(design: Design, row: number, feature: number): number {
  if (feature < design.dense.length) return design.dense[feature]!.values[row]!;
  for (let e = design.sparse.offsets[row]!; e < design.sparse.offsets[row + 1]!; ++e)
    if (design.sparse.indices[e] === feature - design.dense.length) return design.sparse.values[e]!;
  return 0;
}

const seeds = integer({ min: 0, max: 2 ** 31 });
const sizes = constantFrom(0, 1, 2, 23, 24, 25, 100, 1024, 1025, 1500);

describe("rawScores of trees", () => {
  it("equals walking each row by the definition, with missing values, categories and sparse columns", () => {
    assert(
      property(seeds, sizes, constantFrom(1, 3), (seed, nRows, outputs) => {
        const rng = createRng(seed);
        const design = randomDesign(rng, nRows, { sparse: 3 });
        const trees = randomTrees(rng, design, { outputs, trees: 7 });
        expect(rawScores(trees, design)).toEqual(naiveTrees(trees, design));
      }),
      { numRuns: 60 },
    );
  });

  it("gives a row the same bits alone and in a batch", () => {
    assert(
      property(seeds, sizes, (seed, nRows) => {
        const rng = createRng(seed);
        const design = randomDesign(rng, nRows, { sparse: 2 });
        const trees = randomTrees(rng, design, { outputs: 2, trees: 5 });
        const batch = rawScores(trees, design);
        for (let row = 0; row < nRows; row += 7)
          expect(rawScores(trees, rowOfDesign(design, row))).toEqual(batch.slice(2 * row, 2 * row + 2));
      }),
      { numRuns: 20 },
    );
  });

  it("sends a missing value where the node says and keeps the order of infinities", () => {
    const values = Float64Array.of(-Infinity, -0, 0, 1, Infinity, NaN);
    const design = {
      nRows: 6,
      dense: [{ name: "x", source: "x", values, cardinality: 0 }],
      sparse: emptySparseBlock(6),
    };
    const stump = (limit: number, missingLeft: number): TreesPredictor => ({
      kind: "trees",
      link: "identity",
      outputs: 1,
      base: Float64Array.of(0),
      treeOffsets: Uint32Array.of(0),
      treeOutput: Uint32Array.of(0),
      feature: Int32Array.of(0, -1, -1),
      threshold: Float64Array.of(limit, 0, 0),
      missingLeft: Uint8Array.of(missingLeft, 0, 0),
      categoryOffset: Int32Array.of(-1, -1, -1),
      left: Int32Array.of(1, -1, -1),
      right: Int32Array.of(2, -1, -1),
      value: Float64Array.of(0, 10, 20),
      gain: new Float64Array(3),
      cover: new Float64Array(3),
      categorySets: new Uint32Array(0),
    });
    expect([...rawScores(stump(0, 0), design)]).toEqual([10, 10, 10, 20, 20, 20]);
    expect([...rawScores(stump(0, 1), design)]).toEqual([10, 10, 10, 20, 20, 10]);
    expect([...rawScores(stump(Infinity, 0), design)]).toEqual([10, 10, 10, 10, 10, 20]);
  });

  it("scores a tree that is a single leaf", () => {
    const rng = createRng(1);
    const design = randomDesign(rng, 40, { sparse: 0 });
    const trees = randomTrees(rng, design, { outputs: 1, trees: 3, leaves: 1 });
    expect(rawScores(trees, design)).toEqual(naiveTrees(trees, design));
  });
});

function randomNumbers(rng: Rng, n: number): Float64Array {
  return Float64Array.from({ length: n }, () => rng.next() * 4 - 2);
}

function completed(design: Design): Design {
  return {
    ...design,
    dense: design.dense.map((column) => ({ ...column, values: column.values.map((x) => (Number.isNaN(x) ? 0 : x)) })),
  };
}

describe("rawScores of linear predictors", () => {
  it("adds intercept, dense terms and sparse terms in that order", () => {
    assert(
      property(seeds, sizes, constantFrom(1, 3), (seed, nRows, outputs) => {
        const rng = createRng(seed);
        const design = completed(randomDesign(rng, nRows, { sparse: 4 }));
        const width = design.dense.length + 4;
        const linear: LinearPredictor = {
          kind: "linear",
          link: "identity",
          outputs,
          nDense: design.dense.length,
          nSparse: 4,
          coefficients: randomNumbers(rng, outputs * width),
          intercept: randomNumbers(rng, outputs),
        };
        const expected = new Float64Array(nRows * outputs);
        for (let row = 0; row < nRows; ++row) {
          for (let k = 0; k < outputs; ++k) {
            let score = linear.intercept[k]!;
            design.dense.forEach(({ values }, j) => (score += linear.coefficients[k * width + j]! * values[row]!));
            for (let e = design.sparse.offsets[row]!; e < design.sparse.offsets[row + 1]!; ++e)
              score +=
                linear.coefficients[k * width + linear.nDense + design.sparse.indices[e]!]! * design.sparse.values[e]!;
            expected[row * outputs + k] = score;
          }
        }
        expect(rawScores(linear, design)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});

describe("rawScores of clusters", () => {
  it("finds the nearest centre over dense and sparse columns", () => {
    assert(
      property(seeds, (seed) => {
        const rng = createRng(seed);
        const design = completed(randomDesign(rng, 50, { sparse: 3 }));
        const width = design.dense.length + 3;
        const clusters: ClustersPredictor = {
          kind: "clusters",
          link: "cluster",
          outputs: 1,
          nDense: design.dense.length,
          nSparse: 3,
          centres: randomNumbers(rng, 4 * width),
        };
        const found = rawScores(clusters, design);
        for (let row = 0; row < 50; ++row) {
          const distances = Array.from({ length: 4 }, (_, centre) => {
            let square = 0;
            for (let j = 0; j < width; ++j)
              square += (valueAt(design, row, j) - clusters.centres[centre * width + j]!) ** 2;
            return square;
          });
          expect(distances[found[row]!]!).toBeCloseTo(Math.min(...distances), 10);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("gives the lowest of equally near centres", () => {
    const design = {
      nRows: 1,
      dense: [{ name: "x", source: "x", values: Float64Array.of(0), cardinality: 0 }],
      sparse: emptySparseBlock(1),
    };
    const centres = Float64Array.of(1, -1, 1);
    expect([
      ...rawScores({ kind: "clusters", link: "cluster", outputs: 1, nDense: 1, nSparse: 0, centres }, design),
    ]).toEqual([0]);
  });
});

describe("applyLink", () => {
  it("makes probabilities that add up to 1", () => {
    const scores = Float64Array.of(0, 800, -800, 1, 2, 3);
    applyLink("softmax", scores, 3);
    expect(scores[0]! + scores[1]! + scores[2]!).toBeCloseTo(1, 15);
    expect(scores[3]! + scores[4]! + scores[5]!).toBeCloseTo(1, 15);
    const binary = Float64Array.of(0, 1000, -1000);
    applyLink("sigmoid", binary, 1);
    expect([...binary]).toEqual([0.5, 1, 0]);
  });

  it("leaves scores alone where the link is the identity", () => {
    const scores = Float64Array.of(3, -4);
    applyLink("identity", scores, 1);
    expect([...scores]).toEqual([3, -4]);
  });
});
