import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createRng } from "../../core/rng.ts";
import { type ColumnBins, binOf, findBins } from "./bins.ts";

const column = (values: readonly number[], cardinality = 0) => ({
  name: "x",
  source: "x",
  values: Float64Array.from(values),
  cardinality,
});
const upperOf = (bins: ColumnBins): number[] => (bins.kind === "number" ? Array.from(bins.upper) : []);

describe("findBins", () => {
  it("puts bounds half-way between few distinct values", () => {
    expect(upperOf(findBins(column([3, 1, NaN, 1, 2, 3]), 255, createRng(1)))).toEqual([1.5, 2.5]);
  });

  it("gives equal counts to many distinct values", () => {
    const values = Array.from({ length: 1000 }, (_, i) => i);
    const bins = findBins(column(values), 10, createRng(1));
    expect(upperOf(bins)).toEqual([99.5, 199.5, 299.5, 399.5, 499.5, 599.5, 699.5, 799.5, 899.5]);
  });

  it("gives a spike one bin and the rest the others", () => {
    const values = Array.from({ length: 2000 }, (_, i) => (i < 1000 ? 0 : i));
    const upper = upperOf(findBins(column(values), 11, createRng(1)));
    expect(upper[0]).toBe(500);
    expect(upper).toHaveLength(10);
    expect(upper[1]).toBeCloseTo(1099.5, 0);
  });

  it("gives each of many values, and each of many levels, a bin of its own where there may be so many", () => {
    const values = Array.from({ length: 5000 }, (_, row) => (row * 7919) % 3000);
    const upper = upperOf(findBins(column(values), 65_535, createRng(1)));
    expect(upper).toEqual(Array.from({ length: 2999 }, (_, i) => i + 0.5));
    const levels = findBins(column([...values, NaN], 3001), 3000, createRng(1));
    expect(levels.nValues).toBe(3000);
    for (const code of [0, 1, 255, 256, 257, 2999]) expect(binOf(levels, code)).toBe(code);
    for (const absent of [3000, NaN]) expect(binOf(levels, absent)).toBe(3000);
  });

  it("keeps bounds where halving cannot", () => {
    const next = 1 + Number.EPSILON;
    expect(upperOf(findBins(column([1, next]), 255, createRng(1)))).toEqual([1]);
    expect(upperOf(findBins(column([-Infinity, 0, Infinity]), 255, createRng(1)))).toEqual([-Infinity, 0]);
    expect(upperOf(findBins(column([-Number.MAX_VALUE, Number.MAX_VALUE]), 255, createRng(1)))[0]).toBeLessThan(
      Number.MAX_VALUE,
    );
  });

  it("has no bound in a constant or missing column", () => {
    expect(findBins(column([7, 7, 7]), 255, createRng(1)).nValues).toBe(1);
    expect(findBins(column([NaN, NaN]), 255, createRng(1)).nValues).toBe(1);
  });

  it("lets the rarest levels share a bin and treats levels without rows as missing", () => {
    const bins = findBins(column([0, 0, 0, 1, 1, 2, 3, NaN], 6), 3, createRng(1));
    expect([0, 1, 2, 3, 4, 5, NaN].map((code) => binOf(bins, code))).toEqual([0, 1, 2, 2, 3, 3, 3]);
  });
});

describe("binOf", () => {
  it("gives the bin whose bound is the first that is not below the value", () => {
    const value = fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }), fc.constant(NaN));
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 2, max: 255 }),
        (values, maxBins) => {
          const bins = findBins(column(values), maxBins, createRng(3));
          const upper = upperOf(bins);
          expect(bins.nValues).toBeLessThanOrEqual(maxBins);
          for (const x of values) {
            const first = upper.findIndex((bound) => x <= bound);
            expect(binOf(bins, x)).toBe(Number.isNaN(x) ? bins.nValues : first < 0 ? upper.length : first);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
