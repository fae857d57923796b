import { assert, constantFrom, integer, property } from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { createRng } from "../../core/rng.ts";
import { randomDesign, randomTrees, rowOfDesign } from "../../../test/models/random-predictors.ts";
import { type Design, emptySparseBlock } from "../design.ts";
import type { TreesPredictor } from "../predictor.ts";
import { addTrees } from "../score-trees.ts";
import { type Height, heights, raised } from "../../math/wasm/heights.fixtures.ts";
import { quickRows, type Place } from "./layout.ts";
import { cellsOf } from "./cells.ts";
import { QuickScorer } from "./scorer.ts";

const height = vi.hoisted((): { now: Height | null } => ({ now: null }));
vi.mock(import("./layout.ts"), async (original) => {
  const layout = await original();
  const placesOf = (...of: Parameters<typeof layout.placesOf>): Place =>
    raised(layout.placesOf(...of), height.now ?? heights[0]!, ["openBytes"]);
  return { ...layout, placesOf };
});

/** A chain to one side: its splits ask whether x <= i, or from the last i to the first; each other child is a leaf. */
function chain(nLeaves: number, side: "left" | "right" = "right"): TreesPredictor {
  const [near, far] = side === "right" ? [1, 2] : [2, 1];
  const nNodes = 2 * nLeaves - 1;
  const node = (of: (i: number) => number): Int32Array => Int32Array.from({ length: nNodes }, (_, i) => of(i));
  const isSplit = (i: number): boolean => i % 2 === 0 && i < nNodes - 1;
  return {
    kind: "trees",
    link: "identity",
    outputs: 1,
    base: new Float64Array(1),
    treeOffsets: Uint32Array.of(0),
    treeOutput: Uint32Array.of(0),
    feature: node((i) => (isSplit(i) ? 0 : -1)),
    threshold: Float64Array.from({ length: nNodes }, (_, i) => (side === "right" ? i : nNodes - i) / 2),
    missingLeft: Uint8Array.from({ length: nNodes }, (_, i) => (i === 4 ? 1 : 0)),
    categoryOffset: new Int32Array(nNodes).fill(-1),
    left: node((i) => (isSplit(i) ? i + near : -1)),
    right: node((i) => (isSplit(i) ? i + far : -1)),
    value: Float64Array.from({ length: nNodes }, (_, i) => i),
    gain: new Float64Array(nNodes),
    cover: new Float64Array(nNodes).fill(1),
    categorySets: new Uint32Array(0),
  };
}

const designOf = (values: readonly number[]): Design => ({
  nRows: values.length,
  dense: [{ name: "x", source: "x", values: Float64Array.from(values), cardinality: 0 }],
  sparse: emptySparseBlock(values.length),
});

/** Scores of up to `quickRows` rows, by the scorer and by walking them one by one. */
function both(trees: TreesPredictor, design: Design): { quick: Float64Array | null; walked: Float64Array } {
  const scorer = QuickScorer.of(trees, design.dense);
  const quick = new Float64Array(design.nRows * trees.outputs);
  const columns = design.dense.map(({ values }) => ({ values, base: 0 }));
  scorer?.score(columns, 0, design.nRows, quick);
  const walked = new Float64Array(design.nRows * trees.outputs);
  for (let row = 0; row < design.nRows; ++row) {
    const own = walked.subarray(row * trees.outputs, (row + 1) * trees.outputs);
    addTrees(trees, rowOfDesign(design, row), own);
  }
  return { quick: scorer && quick, walked };
}

describe.each(heights)("QuickScorer $name", (own) => {
  beforeAll(() => {
    height.now = own;
  });

  it("gives the bits of walking each row down each tree, at any number of rows", () => {
    const sizes = constantFrom(1, 15, 16, 17, 300, quickRows);
    assert(
      property(integer(), sizes, constantFrom(1, 3), (seed, nRows, outputs) => {
        const rng = createRng(seed);
        const design = randomDesign(rng, nRows, { sparse: 0 });
        const { quick, walked } = both(randomTrees(rng, design, { outputs, trees: 9 }), design);
        expect(quick).toEqual(walked);
      }),
      { numRuns: own.isLow ? 60 : 10 },
    );
  });

  it("tells apart values at, above and below every bound, infinities, zeros of both signs and missing ones", () => {
    const edges = [-Infinity, -1, -0, 0, 0.5, 1, 1 + Number.EPSILON, 2, 29.9, 30, 30.1, 31, Infinity, Number.NaN];
    for (const nLeaves of [2, 8, 9, 31, 32])
      for (const side of ["left", "right"] as const) {
        const { quick, walked } = both(chain(nLeaves, side), designOf(edges));
        expect(quick).toEqual(walked);
      }
  });

  it("ranks values among bounds that crowd in a small part of their range, or span more than a double's", () => {
    const crowded = (x: number): number => 2 ** (60 - 4 * x);
    const wide = (x: number): number => (x - 5) * 3e307;
    const plain = (x: number): number => 1e6 + x / 8;
    for (const [bound, hasCells] of [
      [crowded, false],
      [wide, false],
      [plain, true],
    ] as const) {
      const trees = chain(20);
      for (const [node, x] of trees.threshold.entries()) trees.threshold[node] = bound(x);
      const limits = Array.from(trees.threshold).filter((_, node) => trees.feature[node]! >= 0);
      expect(cellsOf(Float64Array.from(limits.toSorted((a, b) => a - b))) !== null).toBe(hasCells);
      const values = limits.flatMap((x) => [x * (1 - Number.EPSILON), x, x * (1 + Number.EPSILON), -x]);
      const { quick, walked } = both(trees, designOf([...values, -Infinity, Infinity, Number.NaN]));
      expect(quick).toEqual(walked);
    }
  });

  it("declines trees of more than 32 leaves and columns of more than 254 bounds", () => {
    for (const nLeaves of [33, 100_000])
      for (const side of ["left", "right"] as const)
        expect(QuickScorer.of(chain(nLeaves, side), designOf([1]).dense)).toBeNull();
    const many = chain(3);
    const stumps = Array.from({ length: 200 }, (_, t) => ({
      ...many,
      threshold: many.threshold.map((x) => x + t * 7),
    }));
    const forest: TreesPredictor = {
      ...many,
      treeOffsets: Uint32Array.from(stumps, (_, t) => t * 5),
      treeOutput: new Uint32Array(200),
      feature: Int32Array.from(stumps.flatMap(({ feature }) => Array.from(feature))),
      threshold: Float64Array.from(stumps.flatMap(({ threshold }) => Array.from(threshold))),
      missingLeft: new Uint8Array(1000),
      categoryOffset: new Int32Array(1000).fill(-1),
      left: Int32Array.from(
        stumps.flatMap(({ left }, t) => Array.from(left, (node) => (node < 0 ? -1 : node + t * 5))),
      ),
      right: Int32Array.from(
        stumps.flatMap(({ right }, t) => Array.from(right, (node) => (node < 0 ? -1 : node + t * 5))),
      ),
      value: new Float64Array(1000),
    };
    expect(QuickScorer.of(forest, designOf([1]).dense)).toBeNull();
    expect(
      QuickScorer.of({ ...forest, treeOffsets: forest.treeOffsets.slice(0, 100) }, designOf([1]).dense),
    ).not.toBeNull();
  });
});
