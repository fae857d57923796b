import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { numberKernels } from "./number-kernels.ts";
import { eachIrregular, totalsOf } from "./number-scan.ts";

const number = fc.oneof(
  { arbitrary: fc.double({ noNaN: false }), weight: 1 },
  { arbitrary: fc.integer({ min: -9, max: 9 }), weight: 4 },
  { arbitrary: fc.constantFrom(NaN, 0, -0, 0.5, Infinity, -Infinity, Number.MAX_VALUE), weight: 2 },
);
/** Repeated, so that many numbers are few to make: more than the kernels look at at once. */
const numbers = fc
  .tuple(fc.array(number, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 300 }), fc.nat({ max: 6 }))
  .map(([few, times, more]) =>
    Float64Array.from({ length: few.length * times + more }, (_, i) => few[i % few.length]!),
  );
const limits = fc
  .tuple(fc.constantFrom(-Infinity, -5, 0, 2), fc.constantFrom(Infinity, 5, 0))
  .map(([min, max]) => ({ min, max }));

describe("a scan of numbers", () => {
  it("gives the same totals with kernels and without, bit for bit, and those of their definition", () => {
    const kernels = numberKernels();
    expect(kernels).not.toBeNull();
    fc.assert(
      fc.property(numbers, limits, (values, { min, max }) => {
        const found = totalsOf(values, min, max, kernels);
        expect(found).toEqual(totalsOf(values, min, max, null));
        const present = values.filter((value) => !Number.isNaN(value));
        expect(found.nMissing).toBe(values.length - present.length);
        expect(found.nOutside).toBe(present.filter((value) => value < min || value > max).length);
        expect([found.min + 0, found.max + 0]).toEqual([Math.min(...present) + 0, Math.max(...present) + 0]);
      }),
    );
    const few = Float64Array.from({ length: 100_003 }, (_, i) => (i % 20 === 0 ? NaN : (i * 37) % 101));
    const naive = few.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : value), 0);
    expect(totalsOf(few, 0, 1).sum).toBe(naive);
  });

  it("finds what is not plain with kernels and without, as its definition says", () => {
    fc.assert(
      fc.property(numbers, limits, fc.boolean(), fc.boolean(), (values, { min, max }, integer, missing) => {
        const plain = { min, max, integer, missing };
        const found = [numberKernels(), null].map((kernels) => {
          const places: number[] = [];
          return [eachIrregular(values, plain, (place) => places.push(place), kernels), places];
        });
        expect(found[0]).toEqual(found[1]);
        const isPlain = (value: number): boolean =>
          Number.isNaN(value)
            ? missing
            : Number.isFinite(value) && value >= min && value <= max && (!integer || Number.isInteger(value));
        const places = [...values.keys()].filter((i) => !isPlain(values[i]!));
        expect(found[0]).toEqual([missing ? values.filter(Number.isNaN).length : 0, places]);
      }),
    );
  });
});
