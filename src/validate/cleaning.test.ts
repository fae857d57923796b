import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrame } from "../frame/frame.ts";
import { cleanedRows, type RowCleaning, warnedRows } from "./cleaning.ts";

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
    const cleaning = {
      duplicates: null,
      outliers: [{ column: "a", policy: "quarantine" as const, fences: { reach: 3 } }],
    };
    expect(cleanedRows(frame, cleaning, new Set([9]))).toEqual([
      { row: 8, reason: { code: "outlier", column: "a", expected: "-9 to 19", actual: "100" } },
    ]);
  });

  it("holds rows in = rows ok + rows set aside with every policy and every kind of fences, and tells without setting aside", () => {
    const ascending = fc.tuple(fc.double({ min: 0, max: 0.4 }), fc.double({ min: 0.6, max: 1 }));
    const rule = fc.oneof(
      fc.record({ reach: fc.double({ min: 0.1, max: 5 }) }),
      fc.record({ quantiles: ascending }),
      fc.constant({ range: [-10, 10] as const }),
    );
    const values = fc.array(fc.oneof(fc.double({ min: -20, max: 20, noNaN: true }), fc.constant(NaN)), {
      minLength: 1,
    });
    fc.assert(
      fc.property(values, rule, fc.constantFrom(null, "exact"), (a, fences, repeated) => {
        const frame = frameOf(
          a,
          a.map(() => "x"),
        );
        const duplicates = repeated === null ? null : ({ by: null, keep: "first" } as const);
        const of = (policy: "quarantine" | "warn"): RowCleaning => ({
          duplicates,
          outliers: [{ column: "a", policy, fences }],
        });
        const gone = cleanedRows(frame, of("quarantine"), new Set()).map(({ row }) => row);
        expect(new Set(gone).size).toBe(gone.length);
        expect(gone.every((row) => row >= 0 && row < frame.nRows)).toBe(true);
        const far = warnedRows(frame, of("warn"), new Set());
        const setAside = cleanedRows(frame, of("quarantine"), new Set()).filter(
          ({ reason }) => reason.code === "outlier",
        );
        expect(far).toEqual(setAside);
        const stayed = cleanedRows(frame, of("warn"), new Set());
        expect(stayed.every(({ reason }) => reason.code === "duplicate")).toBe(true);
        if ("range" in fences)
          expect(far.map(({ row }) => row)).toEqual(a.flatMap((x, row) => (Math.abs(x) > 10 ? [row] : [])));
      }),
    );
  });
});
