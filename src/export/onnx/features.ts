import { layoutOf } from "../../model/apply.ts";
import type { FittedFeature, FittedTransform } from "../../model/fitted-transform.ts";
import { heldWithin, isNoLevel, levelCodes } from "./expressions.ts";
import { numbersOf } from "./numbers.ts";
import type { Operand, Scope } from "./scope.ts";
import { unsupported } from "./scope.ts";
import { timePart } from "./times.ts";

/** What runs through a chain: a column, dense numbers, or a block of zeros and ones. */
type State =
  | { readonly form: "column"; readonly operand: Operand }
  | { readonly form: "numbers"; readonly columns: readonly string[]; readonly indicator: string | null }
  | { readonly form: "block"; readonly name: string };

/** The columns a predictor reads: the dense ones, then the sparse ones, as one matrix; null where there are none. */
export function designMatrix(scope: Scope, features: readonly FittedFeature[]): string {
  const dense: string[] = [];
  const sparse: string[] = [];
  for (const feature of features) {
    const state = finished(scope, feature);
    if (state.form === "block") sparse.push(state.name);
    else dense.push(...state.columns, ...(state.indicator === null ? [] : [state.indicator]));
  }
  const columns = [...dense, ...sparse];
  if (columns.length === 0) throw unsupported(scope.model, "it reads no column");
  if (dense.length !== layoutOf(features).dense.length) throw unsupported(scope.model, "its design has another width");
  return columns.length === 1 ? columns[0]! : scope.graph.node("Concat", columns, { axis: 1 });
}

function finished(scope: Scope, { feature, steps }: FittedFeature): Exclude<State, { form: "column" }> {
  let state: State = { form: "column", operand: scope.column(feature) };
  for (const step of steps) state = applied(scope, feature, step, state);
  return state.form === "column" ? numbersState(numbersIn(scope, feature, state)) : state;
}

function numbersState(
  columns: readonly string[],
  indicator: string | null = null,
): Extract<State, { form: "numbers" }> {
  return { form: "numbers", columns, indicator };
}

function numbersIn(scope: Scope, feature: string, state: State): readonly string[] {
  if (state.form === "numbers") return state.columns;
  if (state.form === "column" && state.operand.kind !== "category") return [state.operand.name];
  throw unsupported(scope.model, `the feature "${feature}" is no number where one is wanted`);
}

function applied(scope: Scope, feature: string, step: FittedTransform, state: State): State {
  const { graph } = scope;
  const { constant, where, isMissing, ofTruth } = numbersOf(graph);
  const numbers = (): readonly string[] => numbersIn(scope, feature, state);
  // Says where the number was missing, and is itself neither held nor scaled.
  const indicator = state.form === "numbers" ? state.indicator : null;
  switch (step.kind) {
    case "keep":
      return numbersState(numbers(), indicator);
    case "impute": {
      const columns = numbers().map((one) => where(isMissing(one), constant(step.value), one));
      return numbersState(columns, step.indicator ? ofTruth(isMissing(numbers()[0]!)) : indicator);
    }
    case "clip":
      return numbersState(
        numbers().map((one) => heldWithin(scope, one, step.low, step.high)),
        indicator,
      );
    case "standardize": {
      const scaled = (one: string): string =>
        graph.node("Div", [graph.node("Sub", [one, constant(step.mean)]), constant(step.scale)]);
      return numbersState(numbers().map(scaled), indicator);
    }
    case "imputeLevel": {
      const { name } = categoryIn(scope, feature, state);
      const level = graph.constant({ type: "string", dims: [1, 1], values: [step.level] });
      const filled = where(isNoLevel(scope, name), level, name);
      return { form: "column", operand: { name: filled, kind: "category" } };
    }
    case "codes": {
      const codes = codesIn(scope, feature, state, step.levels);
      const isKnown = graph.node("GreaterOrEqual", [codes, constant(0)]);
      return numbersState([where(isKnown, codes, constant(Number.NaN))]);
    }
    case "oneHot":
      return oneHot(scope, codesIn(scope, feature, state, step.levels), step.levels.length, step.other);
    case "targetEncode": {
      const codes = codesIn(scope, feature, state, step.levels);
      const values = graph.constant({
        type: "double",
        dims: [step.values.length + 1],
        values: [...step.values, step.fallback],
      });
      // Position -1 is the last one: the fallback.
      return numbersState([graph.node("Gather", [values, graph.node("Cast", [codes], { to: 7 })])]);
    }
    case "timeParts": {
      if (state.form !== "column" || state.operand.kind !== "timestamp") break;
      const { name } = state.operand;
      return numbersState(step.parts.map((part) => timePart(scope, name, part)));
    }
    case "cyclic":
    case "tfidf":
      break;
  }
  throw unsupported(scope.model, `the feature "${feature}" is prepared by ${step.kind}`);
}

/** Zeros and ones, one column a level; what is missing or unknown lights the last one where there is one more. */
function oneHot(scope: Scope, codes: string, nLevels: number, hasOther: boolean): State {
  const { graph } = scope;
  const { row, where, constant, ofTruth } = numbersOf(graph);
  const isUnknown = graph.node("Less", [codes, constant(0)]);
  const lit = hasOther ? where(isUnknown, constant(nLevels), codes) : codes;
  const positions = row(Array.from({ length: nLevels + (hasOther ? 1 : 0) }, (_, position) => position));
  return { form: "block", name: ofTruth(graph.node("Equal", [lit, positions])) };
}

function categoryIn(scope: Scope, feature: string, state: State): Operand {
  if (state.form === "column" && state.operand.kind === "category") return state.operand;
  throw unsupported(scope.model, `the feature "${feature}" is no category where one is wanted`);
}

/** Codes against the fitted levels as doubles, -1 where missing or unknown; booleans have the levels "false" and "true". */
function codesIn(scope: Scope, feature: string, state: State, levels: readonly string[]): string {
  if (state.form !== "column" || state.operand.kind !== "boolean")
    return levelCodes(scope, categoryIn(scope, feature, state).name, levels);
  const { where, constant, isMissing, equals } = numbersOf(scope.graph);
  const { name } = state.operand;
  const known = where(equals(name, 0), constant(levels.indexOf("false")), constant(levels.indexOf("true")));
  return where(isMissing(name), constant(-1), known);
}
