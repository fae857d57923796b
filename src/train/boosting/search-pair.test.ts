import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Candidate, type SearchRules, type Totals, emptyCandidate } from "./candidate.ts";
import { compileKernels } from "./kernels/compile.ts";
import { instantiateKernels } from "./kernels/kernels.ts";
import { createMemory } from "../../math/wasm/webassembly.ts";
import { type SearchedLeaf, listNumbers, searchPair } from "./search-pair.ts";
import { searchFeatures } from "./search.ts";
import type { View } from "./view.ts";

const countShift = 44;
const [state, firstAt, secondAt] = [64, 1024, 32768];

/** A row: gradient, hessian, its bin in each of three features, and which of the two leaves it is in. */
type Row = readonly [g: number, h: number, bins: readonly number[], leaf: number];
const binCounts = [2, 5, 9];
const isCategory = Uint8Array.of(0, 1, 0);

const plain: SearchRules = {
  l1: 0,
  l2: 100,
  minRows: 2,
  minHessian: 1,
  category: { smoothing: 50, l2: 30, minLevelRows: 2, minGroup: 3, maxLevels: 64, oneVersusRest: 4 },
};

/** Few and small numbers, so that cuts tie often. */
const anyRow: fc.Arbitrary<Row> = fc.tuple(
  fc.integer({ min: -3, max: 3 }).map((g) => g * 1000),
  fc.integer({ min: 1, max: 3 }).map((h) => h * 1000),
  fc.tuple(...binCounts.map((count) => fc.nat({ max: count - 1 }))),
  fc.nat({ max: 1 }),
);

const totalsOf = (rows: readonly Row[]): Totals => ({
  gradient: rows.reduce((sum, [g]) => sum + g, 0),
  hessian: rows.reduce((sum, [, h]) => sum + h, 0),
  count: rows.length,
});

function addRows(lanes: BigInt64Array, at: number, binOffsets: Uint32Array, rows: readonly Row[]): void {
  for (const [g, h, bins] of rows) {
    bins.forEach((bin, f) => {
      const cell = at / 8 + (binOffsets[f]! + bin) * 2;
      lanes[cell]! += BigInt(g);
      lanes[cell + 1]! += BigInt(h) + (1n << BigInt(countShift));
    });
  }
}

describe("searchPair", () => {
  it("finds in two leaves at once what searching each alone finds, ties and missing rows included", () => {
    fc.assert(
      fc.property(
        fc.array(anyRow, { maxLength: 40 }),
        fc.boolean(),
        fc.constantFrom(0, 1500),
        (rows, isSecondOpen, l1) => {
          const rules = { ...plain, l1 };
          const binOffsets = Uint32Array.of(0, 2, 7, 16);
          const nValues = Int32Array.from(binCounts, (count) => count - 1);
          const used = new Uint8Array(3).fill(1);
          const shape = { stride: 16, isPacked: false, binOffsets, countShift, hasL1: l1 > 0, outputs: 1, threads: 1 };
          const memory = createMemory(2, false);
          const kernels = instantiateKernels(compileKernels(shape, { pages: 2, shared: false }), memory);
          const words = new Int32Array(memory.buffer);
          const view = { words, doubles: new Float64Array(memory.buffer) } as unknown as View;
          const leaves = [firstAt, secondAt].map((at, which): SearchedLeaf => {
            const own = rows.filter(([, , , leaf]) => leaf === which);
            addRows(new BigInt64Array(memory.buffer), at, binOffsets, own);
            return { at, totals: totalsOf(own), isOpen: which === 0 || isSecondOpen, best: emptyCandidate() };
          });
          const place = { view, kernels, state, list: 512, shape, features: { nValues, isCategory }, from: 0, to: 3 };
          searchPair(place, used, listNumbers(place, used), rules, [leaves[0]!, leaves[1]!]);
          for (const leaf of leaves) {
            const alone: Candidate = emptyCandidate();
            searchFeatures({
              histogram: { words, countShift },
              at: leaf.at / 4,
              binOffsets,
              features: { nValues, isCategory },
              used,
              from: 0,
              to: 3,
              totals: leaf.totals,
              rules,
              best: alone,
              order: null,
            });
            if (!leaf.isOpen) expect(leaf.best.feature).toBe(-1);
            else if (alone.feature < 0) expect(leaf.best.feature).toBe(-1);
            else expect(leaf.best).toEqual(alone);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
