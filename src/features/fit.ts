import { MillraceError } from "../core/errors/error.ts";
import type { ColumnData, Kind } from "../frame/column.ts";
import { columnOf, type Frame } from "../frame/frame.ts";
import { applyChain, compileChain } from "../model/chain.ts";
import type { DesignStyle } from "../model/design.ts";
import type { Target } from "../model/estimator.ts";
import type { FittedFeature, FittedTransform } from "../model/fitted-transform.ts";
import { defaultChains, defaultEnding } from "./default-chains.ts";
import { fillValue, fitStep, hasMissing, numbersIn } from "./fit-step.ts";
import { acceptedKinds, type PreparationChoice, type TransformChoice } from "./transform.ts";

export interface FeaturesToFit {
  /** The train rows and nothing else, derived columns included: all that is learned is learned here. */
  readonly frame: Frame;
  readonly features: readonly { readonly name: string; readonly kind: Kind }[];
  /** Features without an entry get the default preparation of their kind. */
  readonly prepare: readonly PreparationChoice[];
  readonly style: DesignStyle;
  readonly target: Target;
}

/**
 * Fits the preparation of every feature, in order. A feature may give several chains (the parts of a time). Deterministic;
 * throws DEFINITION_INVALID where a chosen transform cannot read what stands before it.
 */
export function fitFeatures({ frame, features, prepare, style, target }: FeaturesToFit): FittedFeature[] {
  const choices = new Map(prepare.map(({ feature, choice }) => [feature, choice]));
  return features.flatMap(({ name }): FittedFeature[] => {
    const column = columnOf(frame, name);
    const choice = choices.get(name);
    if (choice === "drop") return [];
    if (choice === undefined) return defaultChains({ feature: name, column, style, target });
    const steps = choice === "keep" ? keptAsIs(column) : fitChosen(choice, { feature: name, column, style, target });
    return [frozen(name, completed(name, steps, { feature: name, column, style, target }))];
  });
}

type Input = Parameters<typeof defaultChains>[0];

function keptAsIs(column: ColumnData): FittedTransform[] {
  return column.kind === "category" || column.kind === "text" ? [] : [{ kind: "keep" }];
}

/** What stands in a chain after some steps, as far as the next transform cares. */
type Standing = Kind | "columns that are ready";

function fitChosen(choices: readonly TransformChoice[], input: Input): FittedTransform[] {
  const steps: FittedTransform[] = [];
  let standing: Standing = input.column.kind;
  for (const choice of choices) {
    checkAccepted(input.feature, choice, standing);
    const needsFilling = choice.transform === "standardize" && input.style === "dense" && !steps.some(fills);
    if (needsFilling) steps.push(fillWithIndicator(columnAfter(input, steps)));
    steps.push(fitStep(choice, { ...input, column: columnAfter(input, steps) }));
    standing = standingAfter(choice, standing);
  }
  return steps;
}

function checkAccepted(feature: string, choice: TransformChoice, standing: Standing): void {
  const accepted: readonly string[] = acceptedKinds[choice.transform];
  if (accepted.includes(standing)) return;
  throw new MillraceError("DEFINITION_INVALID", {
    subject: `prepare.${feature}: ${choice.transform}()`,
    rule: `reads ${accepted.join(" or ")}`,
    actual: standing,
    remedy: "Choose a transform that reads this kind, or change the order of the chain.",
  });
}

function standingAfter(choice: TransformChoice, before: Standing): Standing {
  if (choice.transform === "oneHot" || choice.transform === "tfidf") return "columns that are ready";
  return choice.transform === "imputeMode" && before === "category" ? "category" : "number";
}

/** The feature's column after steps that end in a column or in numbers; of several number columns the first. */
function columnAfter({ feature, column }: Input, steps: readonly FittedTransform[]): ColumnData {
  if (steps.length === 0) return column;
  const last = steps.at(-1)!;
  if (last.kind === "imputeLevel" && column.kind === "category") {
    const levels = column.levels.includes(last.level) ? column.levels : [...column.levels, last.level];
    const code = levels.indexOf(last.level);
    return { kind: "category", levels, codes: column.codes.map((own) => (own < 0 ? code : own)) };
  }
  const state = applyChain(compileChain({ feature, steps }), column);
  return state.form === "numbers" ? { kind: "number", values: state.values[0]! } : column;
}

/** Adds what a chosen chain leaves out: an ending that gives numbers, and for dense designs values in place of missing ones. */
function completed(feature: string, steps: readonly FittedTransform[], input: Input): readonly FittedTransform[] {
  const isColumn = steps.every(({ kind }) => kind === "imputeLevel" || kind === "clip");
  if (isColumn) {
    const column = columnAfter({ ...input, feature }, steps);
    return [...steps, ...defaultEnding({ ...input, column })];
  }
  const givesNumbers = steps.every(({ kind }) => kind !== "oneHot" && kind !== "tfidf" && kind !== "targetEncode");
  if (input.style !== "dense" || !givesNumbers || steps.some(fills)) return steps;
  const isCyclic = steps.some(({ kind }) => kind === "cyclic");
  const values = numbersIn(columnAfter(input, steps));
  return [...steps, { kind: "impute", value: isCyclic ? 0 : fillValue(values, "median"), indicator: false }];
}

function fillWithIndicator(column: ColumnData): FittedTransform {
  const values = numbersIn(column);
  return { kind: "impute", value: fillValue(values, "median"), indicator: hasMissing(values) };
}

function fills({ kind }: FittedTransform): boolean {
  return kind === "impute";
}

function frozen(feature: string, steps: readonly FittedTransform[]): FittedFeature {
  return Object.freeze({ feature, steps: Object.freeze([...steps]) });
}
