import { assert, boolean, constantFrom, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { randomDesign, randomTrees } from "../../test/models/random-predictors.ts";
import { readVectors } from "../../test/vectors/read.ts";
import { createRng } from "../core/rng.ts";
import type { Design } from "./design.ts";
import { emptySparseBlock, takeRows } from "./design.ts";
import { addTreeContributions } from "./explain-trees.ts";
import type { TreesPredictor } from "./predictor.ts";
import { rawScores } from "./score.ts";

function explained(trees: TreesPredictor, design: Design): { base: Float64Array; values: Float64Array } {
  const nGroups = design.dense.length + design.sparse.names.length;
  const base = trees.base.slice();
  const values = new Float64Array(design.nRows * trees.outputs * nGroups);
  addTreeContributions(trees, design, {
    base,
    values,
    nGroups,
    groupOf: Int32Array.from({ length: nGroups }, (_, i) => i),
  });
  return { base, values };
}

function valueAt(design: Design, row: number, feature: number): number {
  if (feature < design.dense.length) return design.dense[feature]!.values[row]!;
  for (let e = design.sparse.offsets[row]!; e < design.sparse.offsets[row + 1]!; ++e)
    if (design.sparse.indices[e] === feature - design.dense.length) return design.sparse.values[e]!;
  return 0;
}

/** The score of a row where only the features whose bit is set in `known` are known; else it goes both ways by cover. */
function naiveValue(trees: TreesPredictor, design: Design, row: number, node: number, known: number): number {
  const f = trees.feature[node]!;
  if (f < 0) return trees.value[node]!;
  const left = trees.left[node]!;
  const right = trees.right[node]!;
  const below = (child: number): number => naiveValue(trees, design, row, child, known);
  if ((known >> f) & 1) {
    const x = valueAt(design, row, f);
    const set = trees.categoryOffset[node]!;
    if (Number.isNaN(x)) return below(trees.missingLeft[node] === 1 ? left : right);
    const isIn = set < 0 ? x <= trees.threshold[node]! : (trees.categorySets[set + (x >> 5)]! & (1 << (x & 31))) !== 0;
    return below(isIn ? left : right);
  }
  const total = trees.cover[left]! + trees.cover[right]!;
  const share = total > 0 ? trees.cover[left]! / total : 0.5;
  return share * below(left) + (1 - share) * below(right);
}

/** Shapley values by their definition: the mean over all subsets of what a feature adds. */
function naiveShapley(trees: TreesPredictor, design: Design, row: number, nFeatures: number): Float64Array {
  const out = new Float64Array(trees.outputs * nFeatures);
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  trees.treeOffsets.forEach((root, tree) => {
    const worth = Array.from({ length: 1 << nFeatures }, (_, known) => naiveValue(trees, design, row, root, known));
    for (let f = 0; f < nFeatures; ++f) {
      for (let known = 0; known < 1 << nFeatures; ++known) {
        if ((known >> f) & 1) continue;
        const size = known.toString(2).replaceAll("0", "").length;
        const weight = (factorial(size) * factorial(nFeatures - size - 1)) / factorial(nFeatures);
        out[trees.treeOutput[tree]! * nFeatures + f]! += weight * (worth[known | (1 << f)]! - worth[known]!);
      }
    }
  });
  return out;
}

/** Random covers, some of them 0. */
function withCovers(trees: TreesPredictor, seed: number, zeros: boolean): TreesPredictor {
  const rng = createRng(seed);
  return { ...trees, cover: trees.cover.map(() => (zeros && rng.next() < 0.2 ? 0 : rng.next() * 10)) };
}

describe("addTreeContributions", () => {
  it("equals the definition of Shapley values, with missing values, categories, sparse columns and covers of 0", () => {
    assert(
      property(
        integer(),
        constantFrom(1, 2),
        integer({ min: 1, max: 20 }),
        boolean(),
        (seed, outputs, leaves, zeros) => {
          const rng = createRng(seed);
          const design = randomDesign(rng, 3, { sparse: 2 });
          const trees = withCovers(randomTrees(rng, design, { outputs, trees: 3, leaves }), seed, zeros);
          const { values } = explained(trees, design);
          for (let row = 0; row < 3; ++row) {
            const expected = naiveShapley(trees, design, row, 5);
            for (let i = 0; i < expected.length; ++i)
              expect(Math.abs(values[row * expected.length + i]! - expected[i]!)).toBeLessThan(1e-12);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("adds up to the raw score with the base, in deep trees too", () => {
    assert(
      property(integer(), constantFrom(1, 2, 9, 300), (seed, leaves) => {
        const rng = createRng(seed);
        const design = randomDesign(rng, 20, { sparse: 60 });
        const trees = withCovers(randomTrees(rng, design, { outputs: 3, trees: 9, leaves }), seed, false);
        const { base, values } = explained(trees, design);
        rawScores(trees, design).forEach((score, i) => {
          const own = values.subarray(i * 63, (i + 1) * 63);
          expect(Math.abs(own.reduce((sum, value) => sum + value, base[i % 3]!) - score)).toBeLessThan(1e-9);
        });
      }),
      { numRuns: 20 },
    );
  });

  it("gives a row the same bits alone and among others", () => {
    for (const [leaves, zeros] of [
      [9, true],
      [300, false],
    ] as const) {
      const rng = createRng(leaves);
      const design = randomDesign(rng, 131, { sparse: 3 });
      const trees = withCovers(randomTrees(rng, design, { outputs: 2, trees: 3, leaves }), leaves, zeros);
      const all = explained(trees, design).values;
      const width = all.length / 131;
      for (const row of [0, 63, 64, 130]) {
        const alone = explained(trees, takeRows(design, Uint32Array.of(row))).values;
        expect(all.slice(row * width, (row + 1) * width)).toEqual(alone);
      }
    }
  });

  it("stays exact down a chain of 200 different features", () => {
    const n = 200;
    const chain = (values: readonly number[]): TreesPredictor => ({
      kind: "trees",
      link: "identity",
      outputs: 1,
      base: Float64Array.of(0),
      treeOffsets: Uint32Array.of(0),
      treeOutput: Uint32Array.of(0),
      // Node 2i asks feature i: left ends in leaf 2i + 1, right goes on to node 2i + 2.
      feature: Int32Array.from({ length: 2 * n + 1 }, (_, i) => (i % 2 === 0 && i < 2 * n ? i / 2 : -1)),
      threshold: new Float64Array(2 * n + 1),
      missingLeft: new Uint8Array(2 * n + 1),
      categoryOffset: new Int32Array(2 * n + 1).fill(-1),
      left: Int32Array.from({ length: 2 * n + 1 }, (_, i) => i + 1),
      right: Int32Array.from({ length: 2 * n + 1 }, (_, i) => i + 2),
      value: Float64Array.from(values),
      gain: new Float64Array(2 * n + 1),
      cover: Float64Array.from({ length: 2 * n + 1 }, (_, i) => (i % 2 === 1 ? 1 : (2 * n - i) / 2 + 1)),
      categorySets: new Uint32Array(0),
    });
    const trees = chain(Array.from({ length: 2 * n + 1 }, (_, i) => (i === 2 * n ? 1000 : 0)));
    const dense = Array.from({ length: n }, (_, f) => ({
      name: `x${f}`,
      source: `x${f}`,
      values: Float64Array.of(1),
      cardinality: 0,
    }));
    const { base, values } = explained(trees, { nRows: 1, dense, sparse: emptySparseBlock(1) });
    const total = values.reduce((sum, value) => sum + value, base[0]!);
    expect(Math.abs(total - 1000)).toBeLessThan(1e-9);
    // Every feature must hold for the leaf; those that fewer rows pass count more.
    expect(values.every((value) => value > 0)).toBe(true);
    expect(values[n - 1]!).toBeGreaterThan(values[0]!);
  });

  const vectors = readVectors<{
    readonly x: readonly number[][];
    readonly cases: Readonly<Record<string, ShapCase>>;
  }>("shap");

  it.each(Object.entries(vectors.cases))("equals the shap package: %s", (_, one) => {
    const design = designOf(vectors.x);
    const { base, values } = explained(predictorOf(one), design);
    expect(base[0]).toBeCloseTo(one.expected, 9);
    one.contributions.flat().forEach((expected, i) => expect(Math.abs(values[i]! - expected)).toBeLessThan(1e-9));
  });
});

interface StoredTree {
  readonly feature: readonly number[];
  readonly threshold: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly value: readonly number[];
  readonly cover: readonly number[];
}
interface ShapCase {
  readonly base: number;
  readonly trees: readonly StoredTree[];
  readonly expected: number;
  readonly contributions: readonly (readonly number[])[];
}

function designOf(rows: readonly number[][]): Design {
  const dense = rows[0]!.map((_, f) => ({
    name: `x${f}`,
    source: `x${f}`,
    values: Float64Array.from(rows, (row) => row[f]!),
    cardinality: 0,
  }));
  return { nRows: rows.length, dense, sparse: emptySparseBlock(rows.length) };
}

function predictorOf({ base, trees }: ShapCase): TreesPredictor {
  const offsets: number[] = [];
  let nNodes = 0;
  for (const tree of trees) {
    offsets.push(nNodes);
    nNodes += tree.feature.length;
  }
  const all = (member: keyof StoredTree): number[] => trees.flatMap((tree) => [...tree[member]]);
  const children = (member: "left" | "right"): Int32Array =>
    Int32Array.from(trees.flatMap((tree, t) => tree[member].map((child) => (child < 0 ? -1 : child + offsets[t]!))));
  return {
    kind: "trees",
    link: "identity",
    outputs: 1,
    base: Float64Array.of(base),
    treeOffsets: Uint32Array.from(offsets),
    treeOutput: new Uint32Array(trees.length),
    feature: Int32Array.from(all("feature")),
    threshold: Float64Array.from(all("threshold")),
    missingLeft: new Uint8Array(nNodes),
    categoryOffset: new Int32Array(nNodes).fill(-1),
    left: children("left"),
    right: children("right"),
    value: Float64Array.from(all("value")),
    gain: new Float64Array(nNodes),
    cover: Float64Array.from(all("cover")),
    categorySets: new Uint32Array(0),
  };
}
