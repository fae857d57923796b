import { MillraceError } from "../core/errors/error.ts";
import type { Rng } from "../core/rng.ts";
import { exp, log } from "../math/elementary.ts";
import type {
  EstimatorImplementation,
  HyperparameterDeclaration,
  HyperparameterTable,
  HyperparameterValue as Value,
  HyperparameterValues,
  SearchRange,
  TuningPlan,
} from "../model/estimator.ts";
import { isAllowed, refuseHyperparameter, ruleOf, unknownName } from "./hyperparameters.ts";

/** One hyperparameter to search; `range` lists its values or bounds them. */
export interface Dimension {
  readonly name: string;
  readonly declaration: HyperparameterDeclaration;
  readonly range: SearchRange;
}

/**
 * What is searched, in the order of the table: the plan's space or, where that is empty, every hyperparameter with a
 * declared search range that the definition has not fixed.
 */
export function dimensionsOf(
  table: HyperparameterTable,
  space: TuningPlan["space"],
  fixed: HyperparameterValues,
): readonly Dimension[] {
  const isDeclared = Object.keys(space).length === 0;
  return Object.entries(table).flatMap(([name, declaration]) => {
    const range = isDeclared ? declaredRange(declaration) : space[name];
    return range === undefined || (isDeclared && Object.hasOwn(fixed, name)) ? [] : [{ name, declaration, range }];
  });
}

function declaredRange(declaration: HyperparameterDeclaration): SearchRange | undefined {
  if (declaration.type === "choice") return declaration.search;
  if ((declaration.type !== "real" && declaration.type !== "integer") || declaration.search === undefined)
    return undefined;
  return { low: declaration.search[0], high: declaration.search[1], scale: declaration.scale };
}

/** Checks a plan's space against the table; throws HYPERPARAMETER_INVALID or, for a grid that is none, DEFINITION_INVALID. */
export function checkSpace(
  implementation: Pick<EstimatorImplementation, "name" | "hyperparameters">,
  plan: TuningPlan,
): void {
  const { name: estimator, hyperparameters: table } = implementation;
  for (const [name, range] of Object.entries(plan.space)) {
    if (!Object.hasOwn(table, name)) refuseHyperparameter(estimator, name, unknownName(table, name), range);
    const declaration = table[name]!;
    if (isList(range)) {
      if (range.length === 0) refuseHyperparameter(estimator, name, "searched over at least one value", range);
      for (const value of range)
        if (!isAllowed(declaration, value)) refuseHyperparameter(estimator, name, ruleOf(declaration), value);
    } else checkRange(estimator, name, declaration, range);
  }
  if (plan.strategy === "grid") checkGrid(dimensionsOf(table, plan.space, {}), plan);
}

function checkRange(
  estimator: string,
  name: string,
  declaration: HyperparameterDeclaration,
  range: { readonly low: number; readonly high: number },
): void {
  if (declaration.type === "choice" || declaration.type === "boolean")
    refuseHyperparameter(estimator, name, `searched over a list of values: ${ruleOf(declaration)}`, range);
  for (const bound of [range.low, range.high])
    if (!isAllowed(declaration, bound)) refuseHyperparameter(estimator, name, ruleOf(declaration), bound);
}

function checkGrid(dimensions: readonly Dimension[], plan: TuningPlan): void {
  const unlisted = dimensions.find((dimension) => !isList(dimension.range));
  if (Object.keys(plan.space).length === 0 || unlisted)
    throw new MillraceError("DEFINITION_INVALID", {
      subject: 'tune() with strategy "grid"',
      rule: "needs a list of values for each hyperparameter in `space`",
      actual: unlisted ? `a range for ${unlisted.name}` : "no space",
      remedy: 'List the values to try, or use strategy: "random".',
    });
  const nPoints = dimensions.reduce((count, { range }) => count * (isList(range) ? range.length : 1), 1);
  if (nPoints > plan.trials)
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "the grid of tune()",
      rule: `must have at most \`trials\` (${plan.trials}) points`,
      actual: String(nPoints),
      remedy: 'List fewer values, raise `trials`, or use strategy: "random".',
    });
}

/** A random setting: `base` with each dimension drawn uniformly on its scale. */
export function drawSetting(
  dimensions: readonly Dimension[],
  base: HyperparameterValues,
  rng: Rng,
): HyperparameterValues {
  const drawn = dimensions.map(({ name, declaration, range }) => [name, drawValue(declaration, range, rng)] as const);
  return Object.freeze({ ...base, ...Object.fromEntries(drawn) });
}

function drawValue(declaration: HyperparameterDeclaration, range: SearchRange, rng: Rng): Value {
  if (isList(range)) return range[rng.integer(range.length)]!;
  const { low, high, scale } = range;
  const position = rng.next();
  if (declaration.type !== "integer") {
    if (scale === "linear") return low + position * (high - low);
    return Math.min(Math.max(exp(log(low) + position * (log(high) - log(low))), low), high);
  }
  // Each whole number owns the unit interval above it, so that the bounds are as likely as their neighbours.
  const top = Math.floor(high) + 1;
  const bottom = Math.ceil(low);
  const drawn =
    scale === "linear" || bottom <= 0
      ? bottom + position * (top - bottom)
      : exp(log(bottom) + position * (log(top) - log(bottom)));
  return Math.min(Math.max(Math.floor(drawn), bottom), top - 1);
}

/** `base` moved into the space: a number outside a range to its nearer bound, a value outside a list to the nearest listed. */
export function moveInto(dimensions: readonly Dimension[], base: HyperparameterValues): HyperparameterValues {
  const moved = dimensions.map(({ name, range }) => [name, nearestIn(range, base[name]!)] as const);
  return Object.freeze({ ...base, ...Object.fromEntries(moved) });
}

function nearestIn(range: SearchRange, value: Value): Value {
  if (!isList(range)) return Math.min(Math.max(Number(value), range.low), range.high);
  if (range.includes(value) || typeof value !== "number") return range.includes(value) ? value : range[0]!;
  return range.reduce((best, item) => (Math.abs(Number(item) - value) < Math.abs(Number(best) - value) ? item : best));
}

/** Every combination of the listed values, the last dimension varying fastest. */
export function gridOf(dimensions: readonly Dimension[], base: HyperparameterValues): readonly HyperparameterValues[] {
  let points: HyperparameterValues[] = [base];
  for (const { name, range } of dimensions) {
    const values = isList(range) ? range : [range.low, range.high];
    points = points.flatMap((point) => values.map((value) => Object.freeze({ ...point, [name]: value })));
  }
  return points;
}

function isList(range: SearchRange): range is readonly Value[] {
  return Array.isArray(range);
}
