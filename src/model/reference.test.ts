import { array, assert, constantFrom, double, option, property } from "fast-check";
import { describe, expect, it } from "vitest";
import type { ColumnData } from "../frame/column.ts";
import { createFrame } from "../frame/frame.ts";
import type { Model } from "./model.ts";
import { predictionReference, referenceOf, shareOf } from "./reference.ts";
import type { ColumnReference } from "./reference-profile.ts";

function referenceFor(column: ColumnData, nRows: number): ColumnReference {
  return referenceOf(createFrame(nRows, [["x", column]]), ["x"])[0]!;
}

function categories(levels: readonly (string | null)[]): ColumnData {
  const names = [...new Set(levels.filter((level) => level !== null))];
  return {
    kind: "category",
    codes: Int32Array.from(levels, (level) => (level === null ? -1 : names.indexOf(level))),
    levels: names,
  };
}

describe("the reference of a column", () => {
  it("has shares that add up to 1 with the missing ones, and are its own shares again", () => {
    const numbers = array(option(double({ noNaN: true, noDefaultInfinity: true }), { nil: NaN }), { minLength: 1 });
    assert(
      property(numbers, (values) => {
        const column: ColumnData = { kind: "number", values: Float64Array.from(values) };
        const reference = referenceFor(column, values.length) as Extract<ColumnReference, { form: "bins" }>;
        expect(reference.missing + reference.shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
        expect(reference.edges).toEqual([...new Set(reference.edges)].sort((a, b) => a - b));
        expect(shareOf(reference, column)).toMatchObject({ shares: reference.shares, missing: reference.missing });
      }),
    );
    assert(
      property(array(option(constantFrom("a", "b", "__proto__")), { minLength: 1 }), (levels) => {
        const column = categories(levels);
        const reference = referenceFor(column, levels.length) as Extract<ColumnReference, { form: "levels" }>;
        const sum = reference.shares.reduce((total, share) => total + share, reference.other + reference.missing);
        expect(sum).toBeCloseTo(1, 12);
        expect(shareOf(reference, column)).toEqual({
          missing: reference.missing,
          unknown: 0,
          shares: reference.shares,
          other: reference.other,
        });
      }),
    );
  });

  it("cuts numbers at their deciles and texts at those of their lengths", () => {
    const values = Float64Array.from({ length: 101 }, (_, i) => i);
    expect(referenceFor({ kind: "number", values }, 101)).toMatchObject({
      edges: [10, 20, 30, 40, 50, 60, 70, 80, 90],
    });
    expect(referenceFor({ kind: "text", values: ["ab", null, "abcd"] }, 3)).toMatchObject({
      form: "bins",
      missing: 1 / 3,
    });
  });

  it("keeps the 50 commonest levels and counts the others together", () => {
    const levels = Array.from({ length: 60 }, (_, i) => [`level ${i + 10}`, `level ${i + 10}`]).flat();
    const reference = referenceFor(categories([...levels, "rare"]), 121);
    expect(reference).toMatchObject({ form: "levels", other: 21 / 121 });
    const current = shareOf(reference, categories(["level 10", "rare", "new", null]));
    expect(current).toMatchObject({ missing: 0.25, unknown: 0.25, other: 0.25 });
    expect(current.shares[0]).toBe(0.25);
  });

  it("counts booleans by name", () => {
    const column: ColumnData = { kind: "boolean", values: Uint8Array.of(1, 1, 0, 255) };
    expect(referenceFor(column, 4)).toMatchObject({ levels: ["true", "false"], shares: [0.5, 0.25], missing: 0.25 });
  });

  it("of no rows has shares of 0", () => {
    expect(shareOf(referenceFor(categories(["a"]), 1), categories([]))).toEqual({
      missing: 0,
      unknown: 0,
      shares: [0],
      other: 0,
    });
  });
});

describe("the reference of predictions", () => {
  const roles = { target: "y" } as Model["roles"];

  it("looks at the probability of labels[1] where there are two labels", () => {
    const predictions = {
      nRows: 2,
      width: 2,
      values: Float64Array.of(0.75, 0.25, 0.5, 0.5),
      labelIndex: Int32Array.of(0, 1),
    };
    const reference = predictionReference({ task: "binary", labels: [false, true], roles }, predictions);
    expect(reference).toMatchObject({ form: "bins", column: "y" });
    const edges = reference.form === "bins" ? reference.edges : [];
    expect([edges.length > 0, edges.every((edge) => edge >= 0.25 && edge <= 0.5)]).toEqual([true, true]);
  });

  it("looks at the answered labels or clusters otherwise", () => {
    const predictions = { nRows: 3, width: 2, values: new Float64Array(6), labelIndex: Int32Array.of(0, 1, 1) };
    expect(predictionReference({ task: "multiclass", labels: ["a", "b"], roles }, predictions)).toMatchObject({
      levels: ["b", "a"],
      shares: [2 / 3, 1 / 3],
    });
    const clusters = { nRows: 2, width: 1, values: Float64Array.of(2, 2), labelIndex: null };
    const clustering = { task: "clustering", labels: [], roles: { ...roles, target: null } } as const;
    expect(predictionReference(clustering, clusters)).toMatchObject({ column: "cluster", levels: ["2"] });
  });
});
