import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrame } from "../frame/frame.ts";
import { cleanedRows } from "./cleaning.ts";

const frameOf = (a: readonly number[], b: readonly (string | null)[]): ReturnType<typeof createFrame> =>
  createFrame(a.length, [
    ["a", { kind: "number", values: Float64Array.from(a) }],
    ["b", { kind: "text", values: b }],
  ]);

describe("cleanedRows", () => {
  it("keeps one of equal rows, as its naive twin does, by every column or by some", () => {
    const row = fc.tuple(fc.constantFrom(0, 1, NaN), fc.constantFrom("x", "y", null));
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 40 }),
        fc.constantFrom("first" as const, "last" as const),
        fc.constantFrom(null, ["a"], ["b"]),
        (rows, keep, by) => {
          const frame = frameOf(
            rows.map(([a]) => a),
            rows.map(([, b]) => b),
          );
          const found = cleanedRows(frame, { duplicates: { by, keep }, outliers: [] }, new Set());
          const keyOf = ([a, b]: (typeof rows)[number]): string =>
            JSON.stringify(by === null ? [String(a), b] : by[0] === "a" ? [String(a)] : [b]);
          const expected = rows.flatMap((one, i) => {
            const others = keep === "first" ? rows.slice(0, i) : rows.slice(i + 1);
            return others.some((other) => keyOf(other) === keyOf(one)) ? [i] : [];
          });
          expect(found.map((one) => one.row).sort((a, b) => a - b)).toEqual(expected);
          expect(found.every(({ reason }) => reason.code === "duplicate")).toBe(true);
        },
      ),
    );
  });

  it("sets values far out aside, and leaves alone what is gone already", () => {
    const frame = frameOf(
      [1, 2, 3, 4, 5, 6, 7, 8, 100, -100, NaN],
      Array.from({ length: 11 }, () => null),
    );
    const cleaning = { duplicates: null, outliers: [{ column: "a", reach: 3 }] };
    expect(cleanedRows(frame, cleaning, new Set([9]))).toEqual([
      { row: 8, reason: { code: "outlier", column: "a", expected: "-9 to 19", actual: "100" } },
    ]);
  });
});
