import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Candidate, type SearchRules, type Totals, emptyCandidate } from "./candidate.ts";
import { searchFeatures } from "./search.ts";

const countShift = 44;

interface Bin {
  readonly g: number;
  readonly h: number;
  readonly n: number;
}

/** A histogram of one feature as the kernels leave it. */
function toWords(bins: readonly Bin[]): Int32Array {
  const lanes = new BigInt64Array(bins.length * 2);
  bins.forEach(({ g, h, n }, bin) => {
    lanes[bin * 2] = BigInt(g);
    lanes[bin * 2 + 1] = BigInt(h) + (BigInt(n) << BigInt(countShift));
  });
  return new Int32Array(lanes.buffer);
}

const sumOf = (bins: readonly Bin[]): Totals => ({
  gradient: bins.reduce((sum, { g }) => sum + g, 0),
  hessian: bins.reduce((sum, { h }) => sum + h, 0),
  count: bins.reduce((sum, { n }) => sum + n, 0),
});

const rules: SearchRules = {
  l1: 2 ** 31,
  l2: 100,
  minRows: 2,
  minHessian: 1,
  category: { smoothing: 50, l2: 30, minLevelRows: 2, minGroup: 3, maxLevels: 64, oneVersusRest: 4 },
};

function search(bins: readonly Bin[], isCategory: boolean): Candidate {
  const best = emptyCandidate(1024);
  searchFeatures({
    histogram: { words: toWords(bins), countShift },
    at: 0,
    binOffsets: Uint32Array.of(0, bins.length),
    features: { nValues: Int32Array.of(bins.length - 1), isCategory: Uint8Array.of(isCategory ? 1 : 0) },
    used: Uint8Array.of(1),
    from: 0,
    to: 1,
    totals: sumOf(bins),
    rules,
    best,
    order: null,
  });
  return best;
}

/** The score of sending `left` bins left, or null where the rules forbid it. */
function scoreOf(bins: readonly Bin[], left: readonly number[], l2: number): number | null {
  const l = sumOf(left.map((bin) => bins[bin]!));
  const all = sumOf(bins);
  const [g, h, n] = [all.gradient - l.gradient, all.hessian - l.hessian, all.count - l.count];
  if (l.count < rules.minRows || n < rules.minRows || l.hessian < rules.minHessian || h < rules.minHessian) return null;
  return kept(l.gradient) ** 2 / (l.hessian + l2) + kept(g) ** 2 / (h + l2);
}

/** What l1 leaves of a sum of gradients, without its sign. */
const kept = (gradient: number): number => Math.max(0, Math.abs(gradient) - rules.l1);

const parentOf = (bins: readonly Bin[]): number => kept(sumOf(bins).gradient) ** 2 / (sumOf(bins).hessian + rules.l2);

/** The naive twin: the best score over every subset offered, or -1 where none beats the leaf itself. */
function naiveBest(bins: readonly Bin[], subsets: readonly (readonly number[])[], l2: number): number {
  const scores = subsets.map((left) => scoreOf(bins, left, l2)).filter((score) => score !== null);
  const best = Math.max(-1, ...scores);
  return best > parentOf(bins) * (1 + 1e-12) ? best : -1;
}

const leftOf = (found: Candidate, nBins: number): number[] =>
  Array.from({ length: nBins }, (_, bin) => bin).filter((bin) => found.routes[bin] === 4);

const arbitraryBin = fc
  .tuple(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
    fc.integer({ min: 1, max: 2 ** 34 }),
    fc.integer({ min: 0, max: 9 }),
  )
  .map(([g, h, n]): Bin => (n === 0 ? { g: 0, h: 0, n: 0 } : { g, h, n }));

/** What found must say, whatever it chose: its sums and its routes are those of the bins it sends left. */
function expectConsistent(found: Candidate, bins: readonly Bin[], score: number): void {
  if (score < 0) {
    expect(found.feature).toBe(-1);
    return;
  }
  const left = leftOf(found, bins.length);
  expect(found.score / score).toBeCloseTo(1, 12);
  expect(sumOf(left.map((bin) => bins[bin]!))).toEqual({
    gradient: found.gradient,
    hessian: found.hessian,
    count: found.count,
  });
  expect(found.missingLeft).toBe(left.includes(bins.length - 1) ? 1 : 0);
}

describe("searchFeatures on numbers", () => {
  it("finds the best cut, missing rows on either side, as trying all of them does", () => {
    fc.assert(
      fc.property(fc.array(arbitraryBin, { minLength: 2, maxLength: 40 }), (bins) => {
        const missing = bins.length - 1;
        const cuts = Array.from({ length: missing }, (_, bin) => Array.from({ length: bin + 1 }, (_, i) => i));
        const subsets = [...cuts, ...cuts.map((cut) => [...cut, missing])];
        expectConsistent(search(bins, false), bins, naiveBest(bins, subsets, rules.l2));
      }),
      { numRuns: 300 },
    );
  });

  it("sends missing with most rows where the leaf has none to learn from", () => {
    const many = { g: 2 ** 33, h: 1000, n: 50 };
    const few = { g: -(2 ** 33), h: 1000, n: 5 };
    const none = { g: 0, h: 0, n: 0 };
    expect(search([many, few, none], false).missingLeft).toBe(1);
    expect(search([few, many, none], false).missingLeft).toBe(0);
  });

  it("splits missing from present when that alone tells", () => {
    const found = search(
      [
        { g: 2 ** 32, h: 900, n: 9 },
        { g: 2 ** 32, h: 900, n: 9 },
        { g: -(2 ** 33), h: 900, n: 9 },
      ],
      false,
    );
    expect([found.bin, found.missingLeft, leftOf(found, 3)]).toEqual([1, 0, [0, 1]]);
  });

  it("finds nothing in a pure leaf", () => {
    expect(
      search(
        [
          { g: 10, h: 100, n: 10 },
          { g: 20, h: 200, n: 20 },
          { g: 0, h: 0, n: 0 },
        ],
        false,
      ).feature,
    ).toBe(-1);
  });
});

describe("searchFeatures on categories", () => {
  it("tries each of few levels against the rest", () => {
    fc.assert(
      fc.property(fc.array(arbitraryBin, { minLength: 2, maxLength: 4 }), (bins) => {
        const singles = bins.map((_, bin) => [bin]).filter(([bin]) => bins[bin!]!.n >= rules.category.minLevelRows);
        if (bins.filter(({ n }) => n > 0).length < 2) return;
        const found = search(bins, true);
        // The missing bin joins the larger side when it is empty: compare without it.
        const score = naiveBest(bins, singles, rules.l2);
        expectConsistent(found, bins, score);
      }),
      { numRuns: 300 },
    );
  });

  it("cuts many levels sorted by smoothed gradient, from both ends, in groups large enough", () => {
    fc.assert(
      fc.property(fc.array(arbitraryBin, { minLength: 6, maxLength: 60 }), (bins) => {
        if (bins.filter(({ n }) => n > 0).length <= rules.category.oneVersusRest) return;
        expectConsistent(search(bins, true), bins, naiveBest(bins, naiveCuts(bins), rules.l2 + rules.category.l2));
      }),
      { numRuns: 300 },
    );
  });

  it("cuts more levels than a byte tells apart in the same way, however many searches came before", () => {
    fc.assert(
      fc.property(fc.array(arbitraryBin, { minLength: 250, maxLength: 1000 }), (bins) => {
        expectConsistent(search(bins, true), bins, naiveBest(bins, naiveCuts(bins), rules.l2 + rules.category.l2));
      }),
      { numRuns: 30 },
    );
  });
});

/** The subsets the sorted search may try, spelled out. */
function naiveCuts(bins: readonly Bin[]): number[][] {
  const { smoothing, minLevelRows, minGroup, maxLevels } = rules.category;
  const key = (bin: number): number => bins[bin]!.g / (bins[bin]!.h + smoothing);
  const kept = bins.map((_, bin) => bin).filter((bin) => bins[bin]!.n >= minLevelRows);
  const sorted = kept.toSorted((a, b) => key(a) - key(b) || a - b);
  const total = sumOf(bins).count;
  return [sorted, sorted.toReversed()].flatMap((order) => {
    const cuts: number[][] = [];
    let group = 0;
    for (let length = 1; length <= Math.min(maxLevels, (order.length + 1) >> 1); ++length) {
      const left = order.slice(0, length);
      group += bins[order[length - 1]!]!.n;
      if (total - sumOf(left.map((bin) => bins[bin]!)).count < minGroup) break;
      if (group < minGroup) continue;
      if (scoreOf(bins, left, 0) === null) continue;
      group = 0;
      cuts.push(left);
    }
    return cuts;
  });
}
