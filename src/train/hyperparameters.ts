import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type {
  EstimatorImplementation,
  HyperparameterDeclaration,
  HyperparameterTable,
  HyperparameterValues,
} from "../model/estimator.ts";

/**
 * All hyperparameters of an estimator: the given ones, checked against its table, and the defaults of the others.
 * Throws HYPERPARAMETER_INVALID, as in "boosting.learningRate must be a number in (0, 1], got -0.3".
 */
export function resolveHyperparameters(
  implementation: Pick<EstimatorImplementation, "name" | "hyperparameters">,
  given: HyperparameterValues,
): HyperparameterValues {
  const table = implementation.hyperparameters;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(table, name)) refuseHyperparameter(implementation.name, name, unknownName(table, name), value);
    if (!isAllowed(table[name]!, value)) refuseHyperparameter(implementation.name, name, ruleOf(table[name]!), value);
  }
  return Object.freeze(
    Object.fromEntries(
      Object.entries(table).map(([name, declaration]) => [
        name,
        Object.hasOwn(given, name) ? given[name]! : declaration.default,
      ]),
    ),
  );
}

/** Whether `value` is in the declared range. */
export function isAllowed(declaration: HyperparameterDeclaration, value: unknown): boolean {
  if (declaration.type === "boolean") return typeof value === "boolean";
  if (declaration.type === "names") return isNames(value);
  if (declaration.type === "groups") return Array.isArray(value) && value.every(isNames);
  if (declaration.type === "sizes") return isSizes(declaration, value);
  if (declaration.type === "choice") return typeof value === "string" && declaration.choices.includes(value);
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (declaration.type === "integer" && !Number.isInteger(value)) return false;
  return value <= declaration.max && (declaration.openMin ? value > declaration.min : value >= declaration.min);
}

function isSizes({ min, max, most }: Sizes, value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= most &&
    value.every((size: unknown) => Number.isInteger(size) && (size as number) >= min && (size as number) <= max)
  );
}

type Sizes = Extract<HyperparameterDeclaration, { readonly type: "sizes" }>;

function isNames(value: unknown): boolean {
  return (
    Array.isArray(value) && value.every((name) => typeof name === "string") && new Set(value).size === value.length
  );
}

/** The declared range for people: "a whole number in [1, 100]". */
export function ruleOf(declaration: HyperparameterDeclaration): string {
  if (declaration.type === "boolean") return "true or false";
  if (declaration.type === "names") return "a list of different names";
  if (declaration.type === "groups") return "a list of lists of different names";
  if (declaration.type === "sizes")
    return `a list of at most ${declaration.most} whole numbers in [${declaration.min}, ${declaration.max}]`;
  if (declaration.type === "choice") return `one of ${declaration.choices.map((choice) => `"${choice}"`).join(", ")}`;
  const noun = declaration.type === "integer" ? "a whole number" : "a number";
  return `${noun} in ${declaration.openMin ? "(" : "["}${declaration.min}, ${declaration.max}]`;
}

/** The rule a name that is not in the table breaks. */
export function unknownName(table: HyperparameterTable, name: string): string {
  const nearest = nearestName(name, Object.keys(table));
  const hint = nearest === undefined ? `there are ${Object.keys(table).join(", ")}` : `did you mean "${nearest}"?`;
  return `left out (there is no such hyperparameter; ${hint})`;
}

/** Throws HYPERPARAMETER_INVALID. */
export function refuseHyperparameter(estimator: string, name: string, rule: string, value: unknown): never {
  throw new MillraceError("HYPERPARAMETER_INVALID", {
    estimator,
    name,
    rule,
    actual: typeof value === "number" ? String(value) : (JSON.stringify(value) ?? typeof value),
  });
}
