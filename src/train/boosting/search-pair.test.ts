import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Candidate, type SearchRules, type Totals, emptyCandidate } from "./candidate.ts";
import { compileKernels } from "./kernels/compile.ts";
import { foundSplit, scanState } from "./kernels/scan-state.ts";
import { instantiateKernels, type VectorKernels } from "./kernels/kernels.ts";
import { type Height, heights, placed } from "../../math/wasm/heights.fixtures.ts";
import type { WasmMemory } from "../../math/wasm/webassembly.ts";
import { type SearchPlace, type SearchedLeaf, listNumbers, searchPair, writePenalties } from "./search-pair.ts";
import { searchFeatures } from "./search.ts";
import type { View } from "./view.ts";

const countShift = 44;
/** Where things stand, from the place on. */
const [stateAt, listAt, firstAt, secondAt, foundAt, bytesOfAll] = [64, 512, 1024, 32768, 65536, 131_072];

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

/** The rows summed in two leaves, and where one thread searches them; columns are numbers unless said otherwise. */
function placeOf(
  rows: readonly Row[],
  l1: number,
  threads: number,
  height: Height,
  isCategory: Uint8Array = new Uint8Array(3),
): {
  readonly place: SearchPlace;
  readonly vector: VectorKernels;
  readonly binOffsets: Uint32Array;
  readonly memory: WasmMemory;
  /** Histograms of both leaves. */
  readonly leaves: readonly [number, number];
  readonly found: number;
} {
  const binOffsets = Uint32Array.of(0, 2, 7, 16);
  const nValues = Int32Array.from(binCounts, (count) => count - 1);
  const fixed = { stride: 16, isPacked: false, binRoom: 256, outputs: 1, threads };
  const shape = { ...fixed, binOffsets, countShift, hasL1: l1 > 0 };
  const { memory, pages, at } = placed(height, bytesOfAll);
  const kernels = instantiateKernels(compileKernels(shape, { pages, shared: false }), memory, () => {});
  const view = { words: new Int32Array(memory.buffer), doubles: new Float64Array(memory.buffer) } as unknown as View;
  const leaves = [at + firstAt, at + secondAt] as const;
  for (const [leaf, to] of leaves.entries()) {
    const own = rows.filter((row) => row[3] === leaf);
    addRows(new BigInt64Array(memory.buffer), to, binOffsets, own);
  }
  const features = { nValues, isCategory };
  const places = { state: at + stateAt, list: at + listAt };
  const place = { view, kernels, ...places, shape, features, from: 0, to: 3 };
  return { place, vector: kernels.vector!, binOffsets, memory, leaves, found: at + foundAt };
}

describe.each(heights)("searchPair $name", (height) => {
  it("finds in two leaves at once what searching each alone finds, ties and missing rows included", () => {
    fc.assert(
      fc.property(
        fc.array(anyRow, { maxLength: 40 }),
        fc.boolean(),
        fc.constantFrom(0, 1500),
        fc.constantFrom(1, 8000),
        (rows, isSecondOpen, l1, minHessian) => {
          const rules = { ...plain, l1, minHessian };
          const { place, vector, binOffsets, leaves: at } = placeOf(rows, l1, 1, height, isCategory);
          const { features } = place;
          const { words } = place.view;
          const used = new Uint8Array(3).fill(1);
          const leaves = at.map((at, which): SearchedLeaf => {
            const own = rows.filter(([, , , leaf]) => leaf === which);
            return { at, totals: totalsOf(own), isOpen: which === 0 || isSecondOpen, best: emptyCandidate(256) };
          });
          searchPair(place, vector, used, listNumbers(place, used), rules, [leaves[0]!, leaves[1]!]);
          for (const leaf of leaves) {
            const alone: Candidate = emptyCandidate(256);
            searchFeatures({
              histogram: { words, countShift },
              at: leaf.at / 4,
              binOffsets,
              features,
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
      { numRuns: height.isLow ? 500 : 60 },
    );
  });
});

describe.each(heights)("the kernels searchPair and takeSplit $name", (height) => {
  it("find what searchFeatures finds in each of two leaves, whichever threads search which features", () => {
    const tables = fc.array(anyRow, { maxLength: 40 });
    fc.assert(
      fc.property(
        tables,
        fc.boolean(),
        fc.constantFrom(0, 1500),
        fc.constantFrom(1, 8000),
        fc.nat({ max: 3 }),
        (rows, isSecondOpen, l1, minHessian, parted) => {
          const rules = { ...plain, l1, minHessian };
          const { place, vector, binOffsets, memory, leaves: histograms, found } = placeOf(rows, l1, 2, height);
          const { view, features, state, list } = place;
          const { searchPair: searchBoth, takeSplit } = vector.functions;
          const used = new Uint8Array(3).fill(1);
          const leaves = histograms.map((at, leaf) => ({
            at,
            totals: totalsOf(rows.filter((row) => row[3] === leaf)),
          }));
          const [one, other] = [leaves[0]!.totals, leaves[1]!.totals];
          for (const thread of [0, 1]) {
            const bounds = thread === 0 ? { from: 0, to: parted } : { from: parted, to: 3 };
            const own = { ...place, ...bounds, state: state + thread * scanState.bytes, list: list + thread * 64 };
            for (const lane of [0, 1]) writePenalties(own, rules, lane);
            const sums = [one.gradient, one.hessian, one.count, other.gradient, other.hessian] as const;
            const end = listNumbers(own, used);
            const count = isSecondOpen ? other.count : -1;
            searchBoth!(own.list, end, ...histograms, own.state, rules.minRows, ...sums, count);
          }
          for (const [lane, { at, totals }] of leaves.entries()) {
            const alone: Candidate = emptyCandidate(256);
            const histogram = { words: view.words, countShift };
            const all = { features, used, from: 0, to: 3, totals, rules, best: alone, order: null };
            searchFeatures({ histogram, at: at / 4, binOffsets, ...all });
            const isFound = alone.feature >= 0 && (lane === 0 || isSecondOpen);
            expect(takeSplit!(state + 8 * lane, at, totals.count, found)).toBe(Number(isFound));
            if (!isFound) continue;
            const { score, gradient, hessian, count } = foundSplit;
            const numbers = [score, gradient, hessian, count].map((field) => view.doubles[(found + field) / 8]);
            expect(numbers).toEqual([alone.score, alone.gradient, alone.hessian, alone.count]);
            const fields = [foundSplit.feature, foundSplit.bin, foundSplit.missingLeft];
            const integers = fields.map((field) => view.words[(found + field) / 4]);
            expect(integers).toEqual([alone.feature, alone.bin, alone.missingLeft]);
            expect(new Uint8Array(memory.buffer, found + foundSplit.routes, 256)).toEqual(alone.routes);
          }
        },
      ),
      { numRuns: height.isLow ? 500 : 60 },
    );
  });
});
