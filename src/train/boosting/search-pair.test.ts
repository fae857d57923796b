import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Candidate, type SearchRules, type Totals, emptyCandidate } from "./candidate.ts";
import { compileKernels } from "./kernels/compile.ts";
import { foundSplit, scanEntry, scanState } from "./kernels/scan-state.ts";
import { instantiateKernels, type VectorKernels } from "./kernels/kernels.ts";
import { type Height, heights, placed } from "../../math/wasm/heights.fixtures.ts";
import type { WasmMemory } from "../../math/wasm/webassembly.ts";
import { type SearchPlace, type SearchedLeaf, listNumbers, searchPair, writePenalties } from "./search-pair.ts";
import { searchFeatures } from "./search.ts";
import type { View } from "./view.ts";

const countShift = 44;
/** Where things stand, from the place on. */
const [stateAt, listAt, firstAt, secondAt, foundAt, bytesOfAll] = [64, 512, 1024, 32768, 65536, 131_072];

/** A row: gradient, hessian, its bin in each feature, and which of the two leaves it is in. */
type Row = readonly [g: number, h: number, bins: readonly number[], leaf: number];
const binCounts = [2, 5, 5, 5, 9];
const isCategory = Uint8Array.of(0, 1, 0, 0, 0);
const nFeatures = binCounts.length;

const plain: SearchRules = {
  l1: 0,
  l2: 100,
  minRows: 2,
  minHessian: 1,
  category: { smoothing: 50, l2: 30, minLevelRows: 2, minGroup: 3, maxLevels: 64, oneVersusRest: 4 },
};

const rowOf = (gradient: fc.Arbitrary<number>, hessian: fc.Arbitrary<number>): fc.Arbitrary<Row> =>
  fc.tuple(gradient, hessian, fc.tuple(...binCounts.map((count) => fc.nat({ max: count - 1 }))), fc.nat({ max: 1 }));
/** Few and small numbers, so that cuts tie often. */
const plainRow = rowOf(
  fc.integer({ min: -3, max: 3 }).map((g) => g * 1000),
  fc.integer({ min: 1, max: 3 }).map((h) => h * 1000),
);
/** As small and as large as sums of 40 have room for. */
const largestGradient = 2 ** 45;
const wildRow = rowOf(
  fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.constant(largestGradient),
    fc.maxSafeInteger().map((g) => g % largestGradient),
  ),
  fc.oneof(
    fc.nat({ max: 3 }),
    fc.constant(2 ** 38),
    fc.maxSafeNat().map((h) => h % 2 ** 38),
  ),
);
/** Gradients all but alike: no cut gains more than the last digits of a score tell. */
const evenRow = rowOf(
  fc.nat({ max: 4 }).map((k) => 2 ** 40 + k * 2 ** 20),
  fc.nat({ max: 1 }).map((k) => 2 ** 30 + k * 2 ** 10),
);
const tables = fc.oneof(...[plainRow, wildRow, evenRow].map((row) => fc.array(row, { maxLength: 40 })));
const l2s = fc.constantFrom(0, 100, 2 ** 43);

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
  isCategory: Uint8Array = new Uint8Array(nFeatures),
): {
  readonly place: SearchPlace;
  readonly vector: VectorKernels;
  readonly binOffsets: Uint32Array;
  readonly memory: WasmMemory;
  /** Histograms of both leaves. */
  readonly leaves: readonly [number, number];
  readonly found: number;
} {
  const binOffsets = Uint32Array.of(0, 2, 7, 12, 17, 26);
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
  const place = { view, kernels, ...places, shape, features, from: 0, to: nFeatures };
  return { place, vector: kernels.vector!, binOffsets, memory, leaves, found: at + foundAt };
}

describe.each(heights)("searchPair $name", (height) => {
  it("finds in two leaves at once what searching each alone finds, ties and missing rows included", () => {
    fc.assert(
      fc.property(
        tables,
        fc.boolean(),
        fc.constantFrom(0, 1500),
        l2s,
        fc.constantFrom(0, 1, 8000),
        (rows, isSecondOpen, l1, l2, minHessian) => {
          const rules = { ...plain, l1, l2, minHessian };
          const { place, vector, binOffsets, leaves: at } = placeOf(rows, l1, 1, height, isCategory);
          const { features } = place;
          const { words } = place.view;
          const used = new Uint8Array(nFeatures).fill(1);
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
              to: nFeatures,
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
    fc.assert(
      fc.property(
        tables,
        fc.constantFrom("both", "first", "first, two features at a time"),
        fc.constantFrom(0, 1500),
        l2s,
        fc.constantFrom(0, 1, 8000),
        fc.nat({ max: nFeatures }),
        (rows, searched, l1, l2, minHessian, parted) => {
          const rules = { ...plain, l1, l2, minHessian };
          const { place, vector, binOffsets, memory, leaves: histograms, found } = placeOf(rows, l1, 2, height);
          const { view, features, state, list } = place;
          const { searchPair: searchBoth, takeSplit } = vector.functions;
          const used = new Uint8Array(nFeatures).fill(1);
          const leaves = histograms.map((at, leaf) => ({
            at,
            totals: totalsOf(rows.filter((row) => row[3] === leaf)),
          }));
          const ahead = searched === "first, two features at a time" ? scanEntry.bytes : 0;
          const [one, other] = [leaves[0]!, leaves[ahead === 0 ? 1 : 0]!];
          const isOtherOpen = searched !== "first";
          for (const thread of [0, 1]) {
            const bounds = thread === 0 ? { from: 0, to: parted } : { from: parted, to: nFeatures };
            const own = { ...place, ...bounds, state: state + thread * scanState.bytes, list: list + thread * 64 };
            for (const lane of [0, 1]) writePenalties(own, rules, lane);
            const sums = ({ gradient, hessian }: Totals): number[] => [gradient, hessian];
            const both = [...sums(one.totals), one.totals.count, ...sums(other.totals)];
            const end = listNumbers(own, used);
            const count = isOtherOpen ? other.totals.count : -1;
            searchBoth!(own.list, end, one.at, other.at, own.state, ahead, rules.minRows, ...both, count);
          }
          for (const [lane, { at, totals }] of leaves.entries()) {
            const alone: Candidate = emptyCandidate(256);
            const histogram = { words: view.words, countShift };
            const all = { features, used, from: 0, to: nFeatures, totals, rules, best: alone, order: null };
            searchFeatures({ histogram, at: at / 4, binOffsets, ...all });
            const isFound = alone.feature >= 0 && (lane === 0 || searched === "both");
            if (lane === 1 && ahead > 0) continue;
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
