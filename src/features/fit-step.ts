import { MillraceError } from "../core/errors/error.ts";
import type { ColumnData } from "../frame/column.ts";
import { log } from "../math/elementary.ts";
import { type FenceRule, fencesOf } from "../math/fences.ts";
import { selectQuantiles } from "../math/select.ts";
import type { DesignStyle } from "../model/design.ts";
import type { Target } from "../model/estimator.ts";
import type { FittedTransform } from "../model/fitted-transform.ts";
import {
  codesOf,
  type LevelCounts,
  LevelCountsAccumulator,
  MomentsAccumulator,
  TermCountsAccumulator,
  type Moments,
} from "./accumulators.ts";
import { strongestTerms } from "./term-strength.ts";
import type { TransformChoice } from "./transform.ts";

/** Trees part a column of codes by any set of levels; beyond this many, a level has too few rows to be worth its place. */
const maxCodedLevels = 1024;
const maxOneHotLevels = 1000;
const maxSparseTerms = 20_000;
const maxDenseTerms = 100;

/** What a step is fitted on: the column as the steps before it left it, and the whole target. */
export interface StepInput {
  readonly feature: string;
  readonly column: ColumnData;
  readonly style: DesignStyle;
  readonly target: Target;
}

/** Fits one chosen transform on the train rows. */
export function fitStep(choice: TransformChoice, input: StepInput): FittedTransform {
  switch (choice.transform) {
    case "standardize":
      return fitStandardize(numbersIn(input.column));
    case "clip":
      return fitClip(numbersIn(input.column), choice.fences);
    case "impute":
      return { kind: "impute", value: fillValue(numbersIn(input.column), choice.how), indicator: false };
    case "imputeMode":
      return fitMode(input.column);
    case "oneHot":
      return fitOneHot(input.column, choice.minShare);
    case "targetEncode":
      return fitTargetEncode(input, choice.smoothing);
    case "tfidf":
      return fitTfidf(input, choice);
    case "cyclic":
      return { kind: "cyclic", period: choice.period };
  }
}

/** Mean and population standard deviation; a constant column keeps scale 1. */
export function fitStandardize(values: Float64Array): FittedTransform {
  const { mean, variance } = momentsOf(values);
  const scale = Math.sqrt(variance);
  return { kind: "standardize", mean, scale: scale > 0 && Number.isFinite(scale) ? scale : 1 };
}

/** A column without values or with infinite fences is held by the largest numbers there are. */
function fitClip(values: Float64Array, rule: FenceRule): FittedTransform {
  const { low, high } = fencesOf(rule, (ps) => selectQuantiles(values, ps));
  const fence = (value: number, otherwise: number): number => (Number.isFinite(value) ? value : otherwise);
  return { kind: "clip", low: fence(low, -Number.MAX_VALUE), high: fence(high, Number.MAX_VALUE) };
}

/** What stands in for missing values: the median, the mean or a given number; 0 where every value is missing. */
export function fillValue(values: Float64Array, how: "median" | "mean" | number): number {
  if (typeof how === "number") return how;
  if (how === "mean") return momentsOf(values).mean;
  const [median] = selectQuantiles(values, [0.5]);
  return Number.isNaN(median!) ? 0 : median!;
}

/** Levels by rows, commonest first; beyond 1,024 the rarest become missing. */
export function fitCodes(column: ColumnData): FittedTransform {
  return { kind: "codes", levels: levelsOf(column).levels.slice(0, maxCodedLevels) };
}

/** Levels of at least `minShare` of the rows, at most 1,000; the column "other" stands for what the train rows have besides. */
export function fitOneHot(column: ColumnData, minShare: number): FittedTransform {
  const { nRows, levels, counts } = levelsOf(column);
  const kept = levels.slice(0, maxOneHotLevels).filter((_, i) => counts[i]! >= minShare * nRows);
  const nKept = counts.slice(0, kept.length).reduce((sum, count) => sum + count, 0);
  return { kind: "oneHot", levels: kept, other: nKept < nRows };
}

/** Terms of at least two texts: sparse by document frequency, dense by what they say about the target. */
export function fitTfidf(
  { column, style, target }: Pick<StepInput, "column" | "style" | "target">,
  { maxWords, ngrams }: { readonly maxWords: number | null; readonly ngrams: 1 | 2 | 3 },
): FittedTransform {
  const texts = column.kind === "text" ? column.values : [];
  const counter = new TermCountsAccumulator(ngrams);
  counter.add(texts);
  const common = counter.finish(2);
  const { nTexts, terms, counts } = common.terms.length > 0 ? common : counter.finish(1);
  const dense = style === "trees";
  const limit = maxWords ?? (dense ? maxDenseTerms : maxSparseTerms);
  const chosen = dense ? strongestTerms(texts, terms, ngrams, target, limit) : terms.slice(0, limit);
  const countOf = new Map(terms.map((term, i) => [term, counts[i]!]));
  const sorted = [...chosen].sort();
  const idf = sorted.map((term) => log((1 + nTexts) / (1 + countOf.get(term)!)) + 1);
  return { kind: "tfidf", terms: sorted, idf, ngrams, sublinear: true, dense };
}

function fitMode(column: ColumnData): FittedTransform {
  if (column.kind === "category") return { kind: "imputeLevel", level: levelsOf(column).levels[0] ?? "" };
  return { kind: "impute", value: modeOf(numbersIn(column)), indicator: false };
}

/** The commonest number that is not missing; of equally common ones the smallest, of none 0. */
export function modeOf(numbers: Float64Array): number {
  const values = numbers.filter((value) => !Number.isNaN(value)).sort();
  let value = values[0] ?? 0;
  let longest = 0;
  for (let i = 0; i < values.length;) {
    const first = i;
    while (i < values.length && values[i] === values[first]) ++i;
    if (i - first > longest) {
      longest = i - first;
      value = values[first]!;
    }
  }
  return value;
}

function fitTargetEncode({ feature, column, target }: StepInput, smoothing: number): FittedTransform {
  if (target.task !== "regression" && target.task !== "ranking" && target.task !== "binary")
    throw new MillraceError("DEFINITION_INVALID", {
      subject: `prepare.${feature}: targetEncode()`,
      rule: "needs a target that is a number or has two labels",
      actual: target.task,
    });
  const { codes, levels } = codesOf(column);
  const sums = new Float64Array(levels.length);
  const weights = new Float64Array(levels.length);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < codes.length; ++i) {
    const weight = target.weights ? target.weights[i]! : 1;
    sum += weight * target.values[i]!;
    total += weight;
    if (codes[i]! < 0) continue;
    sums[codes[i]!]! += weight * target.values[i]!;
    weights[codes[i]!]! += weight;
  }
  const mean = total > 0 ? sum / total : 0;
  const seen = Array.from(levels, (_, code) => code).filter((code) => weights[code]! > 0);
  const known = seen.map((code) => levels[code]!);
  const values = seen.map((code) => (sums[code]! + smoothing * mean) / (weights[code]! + smoothing));
  return { kind: "targetEncode", levels: known, values, fallback: mean };
}

/** Numbers of a number, timestamp or boolean column. */
export function numbersIn(column: ColumnData): Float64Array {
  if (column.kind === "number" || column.kind === "timestamp") return column.values;
  const { codes } = codesOf(column);
  const numbers = new Float64Array(codes.length);
  for (let i = 0; i < codes.length; ++i) numbers[i] = codes[i]! < 0 ? NaN : codes[i]!;
  return numbers;
}

function momentsOf(values: Float64Array): Moments {
  const moments = new MomentsAccumulator();
  moments.add(values);
  return moments.finish();
}

function levelsOf(column: ColumnData): LevelCounts {
  const counter = new LevelCountsAccumulator();
  counter.add(column);
  return counter.finish();
}

/** Whether any value is missing. */
export function hasMissing(values: Float64Array): boolean {
  for (let i = 0; i < values.length; ++i) if (Number.isNaN(values[i]!)) return true;
  return false;
}
