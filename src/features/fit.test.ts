import { describe, expect, it } from "vitest";
import { readVectors } from "../../test/vectors/read.ts";
import type { ColumnData } from "../frame/column.ts";
import { createFrame } from "../frame/frame.ts";
import { buildDesign } from "../model/apply.ts";
import type { DesignStyle } from "../model/design.ts";
import type { Target } from "../model/estimator.ts";
import type { FittedFeature, FittedTransform } from "../model/fitted-transform.ts";
import { fitFeatures } from "./fit.ts";
import {
  clip,
  cyclic,
  impute,
  imputeMode,
  oneHot,
  preparationOf,
  standardize,
  targetEncode,
  tfidf,
  type Prepared,
} from "./transform.ts";

function targetOf(values: readonly number[], task: Target["task"] = "regression", nLabels = 0): Target {
  return { task, values: Float64Array.from(values), nLabels, weights: null };
}

interface Given {
  readonly style: DesignStyle;
  readonly prepared?: Prepared<never>;
  readonly target?: Target;
}

function fit(column: ColumnData, nRows: number, { style, prepared, target }: Given): FittedFeature[] {
  const frame = createFrame(nRows, [["x", column]]);
  const prepare = prepared === undefined ? [] : [preparationOf("x", prepared)];
  const features = [{ name: "x", kind: column.kind }];
  const fitted = fitFeatures({
    frame,
    features,
    prepare,
    style,
    target: target ?? targetOf(Array.from({ length: nRows }, () => 0)),
  });
  const design = buildDesign(frame, fitted);
  if (style === "dense")
    for (const { name, values } of design.dense) expect(values.some(Number.isNaN), name).toBe(false);
  return fitted;
}

function stepsOf(column: ColumnData, nRows: number, given: Given): readonly FittedTransform[] {
  const [feature, ...more] = fit(column, nRows, given);
  expect(more).toEqual([]);
  return feature!.steps;
}

const whole: ColumnData = { kind: "number", values: Float64Array.of(1, 2, 3, 6) };
const holed: ColumnData = { kind: "number", values: Float64Array.of(1, NaN, 3, 5) };
const flags: ColumnData = { kind: "boolean", values: Uint8Array.of(1, 0, 1, 255) };
const colours: ColumnData = { kind: "category", codes: Int32Array.of(0, 1, 1, -1), levels: ["red", "blue", "never"] };
const texts: ColumnData = { kind: "text", values: ["win a prize now", "dinner now?", "win win now", null] };
const day = 86_400_000;
const times: ColumnData = { kind: "timestamp", values: Float64Array.of(0, day, NaN, 40 * day) };

describe("the default preparation for trees", () => {
  it("keeps numbers and booleans, missing values included", () => {
    expect(stepsOf(holed, 4, { style: "trees" })).toEqual([{ kind: "keep" }]);
    expect(stepsOf(flags, 4, { style: "trees" })).toEqual([{ kind: "keep" }]);
  });

  it("codes the levels of the train rows, commonest first, at most 1,024", () => {
    expect(stepsOf(colours, 4, { style: "trees" })).toEqual([{ kind: "codes", levels: ["blue", "red"] }]);
    const levels = Array.from({ length: 1500 }, (_, i) => `level ${i}`);
    const many: ColumnData = { kind: "category", levels, codes: Int32Array.from({ length: 1501 }, (_, i) => i % 1500) };
    const [codes] = stepsOf(many, 1501, { style: "trees" });
    const kept = codes?.kind === "codes" ? codes.levels : [];
    expect(kept).toHaveLength(1024);
    expect(kept[0]).toBe("level 0");
  });

  it("takes the parts of a time that vary in the train rows", () => {
    expect(stepsOf(times, 4, { style: "trees" })).toEqual([
      { kind: "timeParts", parts: ["dayOfWeek", "dayOfMonth", "month", "days"] },
    ]);
    const same: ColumnData = { kind: "timestamp", values: Float64Array.of(5, 5) };
    expect(stepsOf(same, 2, { style: "trees" })).toEqual([{ kind: "timeParts", parts: ["days"] }]);
  });

  it("takes the words that say most about the target", () => {
    const target = targetOf([1, 0, 1, 0], "binary", 2);
    const [step] = stepsOf(texts, 4, { style: "trees", prepared: tfidf({ maxWords: 1, ngrams: 1 }), target });
    expect(step).toMatchObject({ kind: "tfidf", terms: ["win"], dense: true });
  });
});

describe("the default preparation for dense designs", () => {
  it("fills with the median, marks what was missing, and scales", () => {
    const [fill, scale] = stepsOf(holed, 4, { style: "dense" });
    expect(fill).toEqual({ kind: "impute", value: 3, indicator: true });
    expect(scale).toEqual({ kind: "standardize", mean: 3, scale: Math.sqrt(2) });
    expect(stepsOf(whole, 4, { style: "dense" })[0]).toEqual({ kind: "impute", value: 2.5, indicator: false });
  });

  it("gives a constant column scale 1 and a column without values 0", () => {
    const constant: ColumnData = { kind: "number", values: Float64Array.of(7, 7) };
    expect(stepsOf(constant, 2, { style: "dense" })[1]).toEqual({ kind: "standardize", mean: 7, scale: 1 });
    const empty: ColumnData = { kind: "number", values: Float64Array.of(NaN, NaN) };
    expect(stepsOf(empty, 2, { style: "dense" })[0]).toEqual({ kind: "impute", value: 0, indicator: true });
  });

  it("fills booleans with the commoner value", () => {
    expect(stepsOf(flags, 4, { style: "dense" })).toEqual([{ kind: "impute", value: 1, indicator: true }]);
  });

  it("lights levels, with a column for the others where the train rows have others", () => {
    expect(stepsOf(colours, 4, { style: "dense" })).toEqual([{ kind: "oneHot", levels: ["blue", "red"], other: true }]);
    const complete: ColumnData = { kind: "category", codes: Int32Array.of(0, 1), levels: ["a", "b"] };
    expect(stepsOf(complete, 2, { style: "dense" })).toEqual([{ kind: "oneHot", levels: ["a", "b"], other: false }]);
  });

  it("puts times on the circles they move along and counts the days", () => {
    const fitted = fit(times, 4, { style: "dense" });
    expect(fitted.map(({ steps }) => steps.map(({ kind }) => kind))).toEqual([
      ["cyclic", "impute"],
      ["cyclic", "impute"],
      ["timeParts", "impute", "standardize"],
    ]);
    expect(fitted.map(({ feature }) => feature)).toEqual(["x", "x", "x"]);
  });

  it("weighs terms of at least two texts", () => {
    const [step] = stepsOf(texts, 4, { style: "dense" });
    expect(step).toMatchObject({ kind: "tfidf", terms: ["now", "win"], ngrams: 2, sublinear: true, dense: false });
  });
});

describe("a chosen preparation", () => {
  it("leaves a feature out", () => {
    expect(fit(whole, 4, { style: "trees", prepared: "drop" })).toEqual([]);
  });

  it("keeps numbers as they are, but complete where the design must be", () => {
    expect(stepsOf(whole, 4, { style: "trees", prepared: "keep" })).toEqual([{ kind: "keep" }]);
    expect(stepsOf(holed, 4, { style: "dense", prepared: "keep" })).toEqual([
      { kind: "keep" },
      { kind: "impute", value: 3, indicator: false },
    ]);
  });

  it("is taken at its word", () => {
    expect(stepsOf(holed, 4, { style: "dense", prepared: [impute("mean"), standardize()] })).toMatchObject([
      { kind: "impute", value: 3, indicator: false },
      { kind: "standardize" },
    ]);
    expect(stepsOf(holed, 4, { style: "trees", prepared: impute(-1) })).toEqual([
      { kind: "impute", value: -1, indicator: false },
    ]);
    expect(stepsOf(colours, 4, { style: "trees", prepared: oneHot({ minShare: 0.5 }) })).toEqual([
      { kind: "oneHot", levels: ["blue"], other: true },
    ]);
    expect(stepsOf(times, 4, { style: "trees", prepared: cyclic("week") })).toEqual([
      { kind: "cyclic", period: "week" },
    ]);
  });

  it("holds numbers within fences learned on the train rows, and goes on as if it were not there", () => {
    const far: ColumnData = { kind: "number", values: Float64Array.of(1, 2, 3, 4, 5, 1000, NaN) };
    const fence = { kind: "clip", low: 2.25 - 2.5, high: 4.75 + 2.5 };
    expect(stepsOf(far, 7, { style: "trees", prepared: clip({ reach: 1 }) })).toEqual([fence, { kind: "keep" }]);
    const dense = stepsOf(far, 7, { style: "dense", prepared: clip({ reach: 1 }) });
    expect(dense.map(({ kind }) => kind)).toEqual(["clip", "impute", "standardize"]);
    const [scaled] = buildDesign(createFrame(7, [["x", far]]), [{ feature: "x", steps: dense.slice(0, 1) }]).dense;
    expect([...scaled!.values]).toEqual([1, 2, 3, 4, 5, 7.25, NaN]);
    const empty: ColumnData = { kind: "number", values: Float64Array.of(NaN, NaN) };
    expect(stepsOf(empty, 2, { style: "trees", prepared: clip() })[0]).toEqual({
      kind: "clip",
      low: -Number.MAX_VALUE,
      high: Number.MAX_VALUE,
    });
  });

  it("is completed where it does not end in numbers or leaves values missing", () => {
    expect(stepsOf(colours, 4, { style: "trees", prepared: imputeMode() })).toEqual([
      { kind: "imputeLevel", level: "blue" },
      { kind: "codes", levels: ["blue", "red"] },
    ]);
    expect(stepsOf(holed, 4, { style: "dense", prepared: standardize() })).toMatchObject([
      { kind: "impute", value: 3, indicator: true },
      { kind: "standardize" },
    ]);
    expect(stepsOf(times, 4, { style: "dense", prepared: cyclic("year") })).toEqual([
      { kind: "cyclic", period: "year" },
      { kind: "impute", value: 0, indicator: false },
    ]);
    expect(stepsOf(flags, 4, { style: "dense", prepared: imputeMode() })).toEqual([
      { kind: "impute", value: 1, indicator: false },
    ]);
  });

  it("draws the mean target of a level towards the mean of all", () => {
    const prepared = targetEncode({ smoothing: 2 });
    const [step] = stepsOf(colours, 4, { style: "dense", prepared, target: targetOf([8, 2, 4, 2]) });
    expect(step).toEqual({ kind: "targetEncode", levels: ["red", "blue"], values: [16 / 3, 14 / 4], fallback: 4 });
    const labels = targetOf([0, 1, 2, 0], "multiclass", 3);
    expect(() => stepsOf(colours, 4, { style: "dense", prepared, target: labels })).toThrow("two labels");
  });

  it("is refused where a transform cannot read what stands before it", () => {
    const fitting = (column: ColumnData, prepared: Prepared<never>) => () =>
      fit(column, 4, { style: "dense", prepared });
    expect(fitting(texts, standardize())).toThrow("prepare.x: standardize() reads number, got text");
    expect(fitting(colours, [oneHot(), standardize()])).toThrow("got columns that are ready");
    expect(fitting(whole, cyclic("day"))).toThrow("reads timestamp, got number");
    expect(fitting(whole, { transform: "eval" } as never)).toThrow("takes transforms");
  });
});

describe("transform builders", () => {
  it("refuse values out of range", () => {
    expect(() => clip({ reach: 0 })).toThrow(/above 0/);
    expect(() => impute(NaN)).toThrow("finite number");
    expect(() => oneHot({ minShare: 2 })).toThrow("share from 0 to 1");
    expect(() => targetEncode({ smoothing: -1 })).toThrow("at least 0");
    expect(() => tfidf({ maxWords: 0 })).toThrow("whole number");
    expect(() => cyclic("month" as never)).toThrow('"year"');
  });
});

describe("learned idf", () => {
  const vectors = readVectors<{
    texts: string[];
    cases: { ngrams: 1 | 2 | 3; minTexts: number; terms: string[]; idf: number[] }[];
  }>("tfidf");

  it.each(vectors.cases.filter(({ minTexts }) => minTexts === 2))(
    "equals scikit-learn's of $ngrams-grams",
    (expected) => {
      const column: ColumnData = { kind: "text", values: vectors.texts };
      const prepared = tfidf({ ngrams: expected.ngrams });
      const [step] = stepsOf(column, vectors.texts.length, { style: "dense", prepared });
      const { terms, idf } = step as Extract<FittedTransform, { kind: "tfidf" }>;
      expect(terms).toEqual(expected.terms);
      idf.forEach((value, i) => expect(value).toBeCloseTo(expected.idf[i]!, 12));
    },
  );
});
