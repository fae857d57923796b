import { array, assert, constantFrom, double, integer, oneof, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { quantiles } from "./quantile.ts";
import { selectQuantiles } from "./select.ts";

const ps = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1];

/** -0 and 0 are one value to a quantile. */
const positiveZero = (values: readonly number[]): number[] => values.map((value) => value + 0);

describe("selectQuantiles", () => {
  it("gives what sorting gives", () => {
    const value = oneof(double(), integer({ min: 0, max: 5 }), constantFrom(NaN, Infinity, -Infinity));
    assert(
      property(array(value, { maxLength: 500, size: "max" }), (values) => {
        const given = Float64Array.from(values);
        expect(positiveZero(selectQuantiles(given, ps))).toEqual(positiveZero(quantiles(given, ps)));
        expect(given).toEqual(Float64Array.from(values));
      }),
    );
  });

  it.each([
    ["ascending", (i: number) => i],
    ["descending", (i: number) => -i],
    ["all equal", () => 7],
    ["an organ pipe", (i: number) => Math.min(i, 20_000 - i)],
    ["a saw", (i: number) => i % 97],
  ] as const)("gives what sorting gives where the order is %s", (_, valueAt) => {
    const values = Float64Array.from({ length: 20_000 }, (__, i) => valueAt(i));
    expect(selectQuantiles(values, ps)).toEqual(quantiles(values, ps));
  });

  it("has no quantiles of nothing", () => {
    expect(selectQuantiles(Float64Array.of(NaN), [0.5])).toEqual([NaN]);
  });
});
