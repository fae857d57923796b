import fc from "fast-check";
import { expect, it } from "vitest";

import { createRng } from "../../core/rng.ts";
import { binOf, findBins } from "../boosting/bins.ts";
import { writeBins } from "./write-bins.ts";

it("writes what binOf says of any numbers and levels, and no byte beside them", () => {
  const value = fc.oneof(fc.double(), fc.integer({ min: -3, max: 8 }), fc.constant(NaN));
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 2, max: 255 }),
      fc.constantFrom(0, 7),
      (values, maxBins, cardinality) => {
        const column = { name: "x", source: "x", values: Float64Array.from(values), cardinality };
        const bins = findBins(column, maxBins, createRng(3));
        const bytes = new Uint8Array(values.length + 2).fill(99);
        for (const _ of writeBins(column, bins, bytes, 1));
        expect(Array.from(bytes)).toEqual([99, ...values.map((x) => binOf(bins, x)), 99]);
      },
    ),
    { numRuns: 60 },
  );
});
