import type { ColumnData } from "../frame/column.ts";
import type { DesignStyle } from "../model/design.ts";
import type { Target } from "../model/estimator.ts";
import type { FittedFeature, FittedTransform, TimePart } from "../model/fitted-transform.ts";
import { timePart } from "../model/time-parts.ts";
import { fillValue, fitCodes, fitOneHot, fitStandardize, fitTfidf, hasMissing, modeOf, numbersIn } from "./fit-step.ts";

export interface ChainInput {
  readonly feature: string;
  /** The feature in the train rows. */
  readonly column: ColumnData;
  readonly style: DesignStyle;
  readonly target: Target;
}

const treeTimeParts: readonly TimePart[] = ["hour", "dayOfWeek", "dayOfMonth", "month", "days"];

/** Each cycle with the part that tells whether the train rows move along it. */
const cycles: readonly (readonly [period: "day" | "week" | "year", part: TimePart])[] = [
  ["day", "hour"],
  ["week", "dayOfWeek"],
  ["year", "dayOfYear"],
];

/** The preparation of a feature nobody chose one for, by its kind and what the estimator wants. */
export function defaultChains(input: ChainInput): FittedFeature[] {
  const { feature, column, style } = input;
  if (column.kind === "timestamp" && style === "dense") return denseTimeChains(feature, column.values);
  return [frozen(feature, defaultEnding(input))];
}

/** The steps that turn a column into numbers for this style. */
export function defaultEnding({ column, style, target }: ChainInput): FittedTransform[] {
  if (style === "trees") return treesEnding(column, target);
  switch (column.kind) {
    case "number":
    case "timestamp":
      return numberSteps(column.values);
    case "boolean":
      return [{ ...filling(numbersIn(column)), value: modeOf(numbersIn(column)) }];
    case "category":
      return [fitOneHot(column, 0.001)];
    case "text":
      return [fitTfidf({ column, style, target }, { maxWords: null, ngrams: 2 })];
  }
}

function treesEnding(column: ColumnData, target: Target): FittedTransform[] {
  switch (column.kind) {
    case "number":
    case "boolean":
      return [{ kind: "keep" }];
    case "category":
      return [fitCodes(column)];
    case "timestamp": {
      const varying = treeTimeParts.filter((part) => varies(timePart(column.values, part)));
      return [{ kind: "timeParts", parts: varying.length > 0 ? varying : ["days"] }];
    }
    case "text":
      return [fitTfidf({ column, style: "trees", target }, { maxWords: null, ngrams: 1 })];
  }
}

/** Positions in the cycles the train rows move along, and the days passed for trends; a missing time stands at 0. */
function denseTimeChains(feature: string, times: Float64Array): FittedFeature[] {
  const cyclic = cycles
    .filter(([, part]) => varies(timePart(times, part)))
    .map(([period]) =>
      frozen(feature, [
        { kind: "cyclic", period },
        { kind: "impute", value: 0, indicator: false },
      ]),
    );
  const days = numberSteps(timePart(times, "days"));
  return [...cyclic, frozen(feature, [{ kind: "timeParts", parts: ["days"] }, ...days])];
}

/** Median in place of missing, with an indicator where the train rows have missing values, then mean 0 and deviation 1. */
function numberSteps(values: Float64Array): FittedTransform[] {
  const fill = filling(values);
  const filled = values.map((value) => (Number.isNaN(value) ? fill.value : value));
  return [fill, fitStandardize(filled)];
}

type Filling = Extract<FittedTransform, { kind: "impute" }>;

function filling(values: Float64Array): Filling {
  return { kind: "impute", value: fillValue(values, "median"), indicator: hasMissing(values) };
}

function varies(values: Float64Array): boolean {
  const first = values.find((value) => !Number.isNaN(value));
  return first !== undefined && values.some((value) => !Number.isNaN(value) && value !== first);
}

function frozen(feature: string, steps: readonly FittedTransform[]): FittedFeature {
  return Object.freeze({ feature, steps: Object.freeze([...steps]) });
}
