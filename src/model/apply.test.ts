import { describe, expect, it } from "vitest";
import { readVectors } from "../../test/vectors/read.ts";
import type { CategoryColumnData, ColumnData } from "../frame/column.ts";
import { createFrame } from "../frame/frame.ts";
import { buildDesign, layoutOf } from "./apply.ts";
import type { Design } from "./design.ts";
import type { FittedFeature, FittedTransform } from "./fitted-transform.ts";
import { termsOf, wordsOf } from "./text-terms.ts";

function designOf(column: ColumnData, nRows: number, ...steps: FittedTransform[]): Design {
  return buildDesign(createFrame(nRows, [["x", column]]), [{ feature: "x", steps }]);
}

function denseOf(column: ColumnData, nRows: number, ...steps: FittedTransform[]): number[][] {
  return designOf(column, nRows, ...steps).dense.map(({ values }) => [...values]);
}

/** Entries of each row as [index, value]. */
function entriesOf({ nRows, sparse }: Design): [number, number][][] {
  return Array.from({ length: nRows }, (_, row) =>
    Array.from({ length: sparse.offsets[row + 1]! - sparse.offsets[row]! }, (_, e): [number, number] => {
      const at = sparse.offsets[row]! + e;
      return [sparse.indices[at]!, sparse.values[at]!];
    }),
  );
}

const numbers: ColumnData = { kind: "number", values: Float64Array.of(1, NaN, 3) };
const colours: CategoryColumnData = {
  kind: "category",
  codes: Int32Array.of(1, -1, 0, 2),
  levels: ["blue", "red", "new"],
};

describe("buildDesign", () => {
  it("hands a kept number column on without copying it", () => {
    expect(designOf(numbers, 3, { kind: "keep" }).dense[0]!.values).toBe(numbers.values);
    expect(designOf(numbers, 3).dense[0]!.values).toBe(numbers.values);
  });

  it("keeps booleans as 0, 1 and missing", () => {
    expect(denseOf({ kind: "boolean", values: Uint8Array.of(0, 1, 255) }, 3, { kind: "keep" })).toEqual([[0, 1, NaN]]);
  });

  it("fills missing numbers, scales them, and leaves the indicator alone", () => {
    const steps = [
      { kind: "impute", value: 5, indicator: true },
      { kind: "standardize", mean: 3, scale: 2 },
    ] as const;
    const design = designOf(numbers, 3, ...steps);
    expect(design.dense.map(({ name, values }) => [name, [...values]])).toEqual([
      ["x", [-1, 1, 0]],
      ["x is missing", [0, 1, 0]],
    ]);
  });

  it("codes levels against the fitted ones; missing and unknown are missing", () => {
    const design = designOf(colours, 4, { kind: "codes", levels: ["red", "green", "blue"] });
    expect(design.dense[0]).toMatchObject({ name: "x", source: "x", cardinality: 3 });
    expect([...design.dense[0]!.values]).toEqual([0, NaN, 2, NaN]);
    const few = { ...colours, codes: Int32Array.of(2) };
    expect(denseOf(few, 1, { kind: "codes", levels: ["new"] })).toEqual([[0]]);
  });

  it("codes booleans by name", () => {
    const column: ColumnData = { kind: "boolean", values: Uint8Array.of(1, 0, 255) };
    expect(denseOf(column, 3, { kind: "codes", levels: ["true"] })).toEqual([[0, NaN, NaN]]);
  });

  it("lights one column a level, and the last one for all others", () => {
    const other = designOf(colours, 4, { kind: "oneHot", levels: ["red", "blue"], other: true });
    expect(entriesOf(other)).toEqual([[[0, 1]], [[2, 1]], [[1, 1]], [[2, 1]]]);
    expect(other.sparse.names).toEqual(["x=red", "x=blue", "x is other"]);
    expect(entriesOf(designOf(colours, 4, { kind: "oneHot", levels: ["red"], other: false }))).toEqual([
      [[0, 1]],
      [],
      [],
      [],
    ]);
  });

  it("puts the mode in place of a missing level, also where the frame does not have it", () => {
    const codes = { kind: "codes", levels: ["red", "green", "blue"] } as const;
    expect(denseOf(colours, 4, { kind: "imputeLevel", level: "red" }, codes)).toEqual([[0, 0, 2, NaN]]);
    expect(denseOf(colours, 4, { kind: "imputeLevel", level: "green" }, codes)).toEqual([[0, 1, 2, NaN]]);
  });

  it("puts a level's value in its place", () => {
    const step = { kind: "targetEncode", levels: ["blue", "red"], values: [7, 8], fallback: 9 } as const;
    expect(denseOf(colours, 4, step)).toEqual([[8, 9, 7, 9]]);
  });

  it("lays sparse features side by side with ascending indices", () => {
    const frame = createFrame(4, [
      ["a", colours],
      ["b", { kind: "text", values: ["two words", null, "words", ""] }],
      ["c", colours],
    ]);
    const tfidf = {
      kind: "tfidf",
      terms: ["two", "words"],
      idf: [1, 1],
      ngrams: 1,
      sublinear: false,
      dense: false,
    } as const;
    const features: FittedFeature[] = [
      { feature: "a", steps: [{ kind: "oneHot", levels: ["red"], other: false }] },
      { feature: "b", steps: [tfidf] },
      { feature: "c", steps: [{ kind: "oneHot", levels: ["blue"], other: true }] },
    ];
    const half = Math.SQRT1_2;
    const rows = entriesOf(buildDesign(frame, features));
    expect(rows.map((row) => row.map(([index]) => index))).toEqual([[0, 1, 2, 4], [4], [2, 3], [4]]);
    expect(rows[0]![1]![1]).toBeCloseTo(half, 15);
    expect(layoutOf(features).sparseSources).toEqual(["a", "b", "b", "c", "c"]);
  });

  it("takes times apart in UTC", () => {
    const times: ColumnData = { kind: "timestamp", values: Float64Array.of(Date.UTC(2024, 1, 29, 13, 30), NaN, -1) };
    const parts = ["hour", "dayOfWeek", "month", "dayOfMonth", "dayOfYear", "year", "days"] as const;
    const columns = denseOf(times, 3, { kind: "timeParts", parts });
    expect(columns.map(([first]) => first)).toEqual([13, 3, 2, 29, 60, 2024, 19_782]);
    expect(columns.map((column) => column[1])).toEqual(parts.map(() => NaN));
    expect(columns.map((column) => column[2])).toEqual([23, 2, 12, 31, 365, 1969, -1]);
  });

  it("puts times on circles: a quarter of the day, the week and the year is a right angle", () => {
    const at = (time: number, period: "day" | "week" | "year"): number[] =>
      denseOf({ kind: "timestamp", values: Float64Array.of(time) }, 1, { kind: "cyclic", period }).map(
        ([value]) => value!,
      );
    const close = (actual: number[], expected: number[]): void =>
      expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 12));
    close(at(Date.UTC(2023, 5, 1, 6), "day"), [1, 0]);
    close(at(Date.UTC(2024, 0, 1), "week"), [0, 1]);
    close(at(Date.UTC(2024, 0, 1) + 1.75 * 86_400_000, "week"), [1, 0]);
    close(at(Date.UTC(2023, 0, 1) + (365 / 4) * 86_400_000, "year"), [1, 0]);
    close(at(Date.UTC(2024, 0, 1) + 183 * 86_400_000, "year"), [0, -1]);
    expect(at(NaN, "day")).toEqual([NaN, NaN]);
  });

  it("gives trees dense terms, missing where the text is missing", () => {
    const step = {
      kind: "tfidf",
      terms: ["free", "now"],
      idf: [2, 1],
      ngrams: 1,
      sublinear: false,
      dense: true,
    } as const;
    expect(denseOf({ kind: "text", values: ["free!", null, "else"] }, 3, step)).toEqual([
      [1, NaN, 0],
      [0, NaN, 0],
    ]);
  });

  it("names a column that the frame lacks", () => {
    expect(() => buildDesign(createFrame(0, []), [{ feature: "x", steps: [] }])).toThrow('has no column "x"');
  });
});

describe("words", () => {
  it("are runs of at least two letters, digits or underscores, lowercased", () => {
    expect(wordsOf("Don't PANIC: a 42 x_1 e-mail")).toEqual(["don", "panic", "42", "x_1", "mail"]);
    expect(wordsOf("Größe ÉTÉ हिन्दी 你好 été")).toEqual(["größe", "été", "हिन्दी", "你好", "été"]);
    expect(wordsOf("")).toEqual([]);
  });

  it("join to runs of up to n words", () => {
    expect(termsOf("aa bb cc", 3)).toEqual(["aa", "bb", "cc", "aa bb", "bb cc", "aa bb cc"]);
  });
});

interface Vectors {
  readonly texts: readonly string[];
  readonly cases: readonly {
    readonly ngrams: 1 | 2 | 3;
    readonly sublinear: boolean;
    readonly terms: readonly string[];
    readonly idf: readonly number[];
    readonly rows: readonly (readonly (readonly [number, number])[])[];
  }[];
}

describe("TF-IDF", () => {
  const vectors = readVectors<Vectors>("tfidf");

  it.each(vectors.cases)(
    "equals scikit-learn's with $ngrams-grams, sublinear $sublinear",
    ({ terms, idf, ngrams, sublinear, rows }) => {
      const step: FittedTransform = { kind: "tfidf", terms, idf, ngrams, sublinear, dense: false };
      const actual = entriesOf(designOf({ kind: "text", values: vectors.texts }, vectors.texts.length, step));
      expect(actual.map((row) => row.map(([index]) => index))).toEqual(rows.map((row) => row.map(([index]) => index)));
      rows.forEach((row, i) => row.forEach(([, value], e) => expect(actual[i]![e]![1]).toBeCloseTo(value, 12)));
    },
  );
});
