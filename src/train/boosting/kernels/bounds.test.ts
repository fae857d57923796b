import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRng } from "../../../core/rng.ts";
import { binFinder, findBins, rowsSampled } from "../bins.ts";
import { BoundsFinder } from "./bounds-finder.ts";
import { compileBounds } from "./bounds.ts";

const room = { values: 4000, bins: 300 };
/** In the second one values are sorted across 2 GiB, and bounds stand below 4 GiB. */
const finders = [room, { ...room, values: 268_432_000 }].map(
  (own) => new BoundsFinder({ ...own, module: compileBounds(own) }),
);
const column = (values: readonly number[]) => ({
  name: "x",
  source: "x",
  values: Float64Array.from(values),
  cardinality: 0,
});

/** What the kernels find of a column is what plain TypeScript finds, bit for bit. */
function expectTwins(values: readonly number[], maxBins: number): void {
  const [plain, ...found] = [null, ...finders].map((by) => findBins(column(values), maxBins, createRng(1), by));
  for (const own of found) expect(own).toEqual(plain);
}

describe("a bounds finder", () => {
  it("finds the bounds that findBins finds without it, of any values and for any number of bins", () => {
    const value = fc.oneof(
      fc.double(),
      fc.integer({ min: -3, max: 3 }),
      fc.constantFrom(0, -0, Infinity, -Infinity, NaN, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE),
    );
    const bins = fc.integer({ min: 2, max: 300 });
    fc.assert(fc.property(fc.array(value, { maxLength: 700 }), bins, expectTwins), { numRuns: 300 });
  });

  it("finds those of many values: spikes, close ones, equal ones and ones of all signs and sizes", () => {
    const random = createRng(5);
    const rows = Array.from({ length: room.values }, (_, row) => row);
    const columns = [
      rows.map(() => random.next() - 0.5),
      rows.map((row) => (row % 3 === 0 ? 7 : random.next())),
      rows.map((row) => 1.7e9 + row * 2 ** -20),
      rows.map((row) => (row === 9 ? -1 : 1 + random.next() * 2 ** -30)),
      rows.map((row) => (row === 9 ? -1 : 1 + (row % 2) * 2 ** -50)),
      rows.map(() => Math.fround(random.next() - 0.5)),
      rows.map(() => Math.round(random.next() * 40)),
      rows.map(() => (random.next() - 0.5) * 2 ** Math.floor(random.next() * 600)),
      rows.map(() => 3),
      rows.map(() => NaN),
    ];
    for (const values of columns) for (const maxBins of [2, 40, 41, 42, 255]) expectTwins(values, maxBins);
  });

  it("samples the rows that findBins samples without it, of values given in any parts, some of them missing", () => {
    const [nRows, maxBins] = [250_001, 255];
    const many = { values: rowsSampled(nRows, maxBins), bins: maxBins };
    expect(many.values).toBeLessThan(nRows / 2);
    const finder = new BoundsFinder({ ...many, module: compileBounds(many) });
    const random = createRng(7);
    const values = Float64Array.from({ length: nRows }, (_, row) => (row % 5 === 0 ? NaN : random.next() * row));
    const boundsBy = (by: BoundsFinder | null, ends: readonly number[]) => {
      const own = binFinder({ cardinality: 0 }, nRows, maxBins, createRng(3), by);
      for (const [part, end] of ends.entries()) own.add(values.subarray(ends[part - 1] ?? 0, end));
      return own.finish();
    };
    const plain = boundsBy(null, [nRows]);
    for (const ends of [[nRows], [1, 3, 3, 8192, 16_385, 200_000, nRows]])
      expect(boundsBy(finder, ends)).toEqual(plain);
  });
});
