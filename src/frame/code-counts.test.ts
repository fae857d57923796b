import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rowsByCode } from "./code-counts.ts";

const naively = (codes: readonly number[], code: number): number => codes.filter((one) => one === code).length;

describe("rowsByCode", () => {
  it("counts what its naive twin counts, levels and truths, of any number of rows", () => {
    const some = fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 3_000, size: "max" });
    fc.assert(
      fc.property(some, (codes) => {
        const levels = ["a", "b", "c", "d", "e"];
        const counts = rowsByCode({ kind: "category", codes: Int32Array.from(codes), levels });
        expect(Array.from(counts)).toEqual([-1, 0, 1, 2, 3, 4].map((code) => naively(codes, code)));
        const truths = codes.map((code) => (code < 0 ? 255 : code % 2));
        const ofTruths = rowsByCode({ kind: "boolean", values: Uint8Array.from(truths) });
        expect([1, 2, 256].map((place) => ofTruths[place])).toEqual([0, 1, 255].map((code) => naively(truths, code)));
      }),
      { numRuns: 50 },
    );
  });
});
