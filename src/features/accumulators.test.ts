import { array, assert, constantFrom, double, integer, option, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import type { ColumnData } from "../frame/column.ts";
import { LevelCountsAccumulator, MomentsAccumulator, TermCountsAccumulator } from "./accumulators.ts";

/** Cuts a list in up to three parts. */
function parts<T>(items: readonly T[], a: number, b: number): T[][] {
  const [first, second] = [a % (items.length + 1), b % (items.length + 1)].sort((x, y) => x - y) as [number, number];
  return [items.slice(0, first), items.slice(first, second), items.slice(second)];
}

const cuts = integer({ min: 0, max: 1000 });
const someNumbers = array(option(double({ min: -1e6, max: 1e6, noNaN: true }), { nil: NaN }));

describe("moments", () => {
  it("merged of parts equal the moments of the whole", () => {
    assert(
      property(someNumbers, cuts, cuts, (values, a, b) => {
        const whole = new MomentsAccumulator();
        whole.add(Float64Array.from(values));
        const merged = new MomentsAccumulator();
        for (const part of parts(values, a, b)) {
          const own = new MomentsAccumulator();
          own.add(Float64Array.from(part));
          merged.merge(own);
        }
        const expected = whole.finish();
        const actual = merged.finish();
        expect([actual.count, actual.missing]).toEqual([expected.count, expected.missing]);
        expect(Math.abs(actual.mean - expected.mean)).toBeLessThanOrEqual(1e-9);
        expect(Math.abs(actual.variance - expected.variance)).toBeLessThanOrEqual(1e-9 * (1 + expected.variance));
      }),
    );
  });

  it("leave missing values out and keep small variances beside large means", () => {
    const moments = new MomentsAccumulator();
    moments.add(Float64Array.of(1e9 + 1, NaN, 1e9 + 2));
    moments.add(Float64Array.of(1e9 + 3));
    expect(moments.finish()).toEqual({ count: 3, missing: 1, mean: 1e9 + 2, variance: 2 / 3 });
    expect(new MomentsAccumulator().finish()).toEqual({ count: 0, missing: 0, mean: 0, variance: 0 });
  });
});

function categories(levels: readonly (string | null)[]): ColumnData {
  const names = [...new Set(levels.filter((level) => level !== null))];
  const codes = Int32Array.from(levels, (level) => (level === null ? -1 : names.indexOf(level)));
  return { kind: "category", codes, levels: names };
}

describe("level counts", () => {
  it("merged of parts equal the counts of the whole, however each part codes its levels", () => {
    assert(
      property(array(option(constantFrom("a", "b", "c", "__proto__"))), cuts, cuts, (levels, a, b) => {
        const whole = new LevelCountsAccumulator();
        whole.add(categories(levels));
        const merged = new LevelCountsAccumulator();
        for (const part of parts(levels, a, b).toReversed()) {
          const own = new LevelCountsAccumulator();
          own.add(categories(part));
          merged.merge(own);
        }
        expect(merged.finish()).toEqual(whole.finish());
      }),
    );
  });

  it("rank by rows, then by name", () => {
    const counter = new LevelCountsAccumulator();
    counter.add(categories(["b", "a", "c", "c", null]));
    expect(counter.finish()).toEqual({ nRows: 5, missing: 1, levels: ["c", "a", "b"], counts: [2, 1, 1] });
  });
});

describe("term counts", () => {
  it("merged of parts equal the counts of the whole", () => {
    const texts = array(option(string({ unit: constantFrom("ab", "cd", " ", "e") })));
    assert(
      property(texts, cuts, cuts, (values, a, b) => {
        const whole = new TermCountsAccumulator(2);
        whole.add(values);
        const merged = new TermCountsAccumulator(2);
        for (const part of parts(values, a, b)) {
          const own = new TermCountsAccumulator(2);
          own.add(part);
          merged.merge(own);
        }
        expect(merged.finish()).toEqual(whole.finish());
      }),
    );
  });
});
