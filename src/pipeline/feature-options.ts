import { acceptedKinds, preparationOf, type PreparationChoice, type Prepared } from "../features/transform.ts";
import { checkColumnNames } from "../frame/column-name.ts";
import type { Contract } from "../frame/contract.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import { checkColumnsRead } from "../frame/expression-check.ts";
import type { FeatureExpression } from "../frame/expression-node.ts";
import { columnExpressions, toNode } from "../frame/expression.ts";
import type { Expr } from "../frame/expression-types.ts";
import type { Roles } from "../model/model.ts";
import type { CleanSpec } from "./clean-options.ts";
import { noSuchColumn } from "./column-list.ts";

/** The derived features a definition's `features` makes. */
export function expressionsOf(features: unknown, contract: Contract, roles: Roles): readonly FeatureExpression[] {
  if (features === undefined) return Object.freeze([]);
  if (typeof features !== "function")
    throw invalidDefinition("features", "must be a function from the columns to expressions", showValue(features));
  const visible = contract.columns.filter(({ name }) => name !== roles.target && name !== roles.weight);
  const derived: unknown = (features as (c: object) => unknown)(columnExpressions(visible));
  if (typeof derived !== "object" || derived === null || Array.isArray(derived))
    throw invalidDefinition("features", "must return an object of expressions", showValue(derived));
  const names = Object.keys(derived);
  checkColumnNames([...contract.columns.map(({ name }) => name), ...names]);
  const expressions = names.map((name) => {
    const value = (derived as Readonly<Record<string, unknown>>)[name];
    const expression = nodeOf(name, value);
    checkColumnsRead(expression, visible);
    return Object.freeze({ name, expression });
  });
  return Object.freeze(expressions);
}

function nodeOf(name: string, value: unknown): FeatureExpression["expression"] {
  if (typeof value === "object" && value !== null && "node" in value) return toNode(value as Expr);
  const remedy = "Start from a column: c.area.log(), c.area.div(c.rooms), when(condition, a).else(b).";
  throw invalidDefinition(`features.${name}`, "must be an expression made from c", showValue(value), remedy);
}

/** What `prepare` says, by column or derived feature. */
export function preparationsOf(
  prepare: unknown,
  contract: Contract,
  roles: Roles,
  expressions: readonly FeatureExpression[],
): readonly PreparationChoice[] {
  if (prepare === undefined) return Object.freeze([]);
  if (typeof prepare !== "object" || prepare === null)
    throw invalidDefinition("prepare", "must be an object by column or feature", showValue(prepare));
  const kindOf = new Map(contract.columns.map(({ name, kind }) => [name, kind]));
  for (const role of [roles.target, roles.weight]) if (role !== null) kindOf.delete(role);
  for (const { name, expression } of expressions) kindOf.set(name, expression.kind);
  const entries = Object.entries(prepare).filter(([, prepared]) => prepared !== undefined);
  const choices = entries.map(([name, prepared]) => {
    const kind = kindOf.get(name);
    if (!kind) throw noSuchColumn("prepare", name, [...kindOf.keys()]);
    const choice = preparationOf(name, prepared as Prepared<never>);
    const first = typeof choice.choice === "string" ? undefined : choice.choice[0];
    if (first && !acceptedKinds[first.transform].includes(kind))
      throw invalidDefinition(`prepare.${name}`, `takes transforms for a ${kind}`, `${first.transform}()`);
    return choice;
  });
  return Object.freeze(choices);
}

/** What `clean` says of values far out is the first step of the feature's preparation. */
export function withClips(
  prepare: readonly PreparationChoice[],
  { clips }: CleanSpec,
  { target, weight }: Roles,
): readonly PreparationChoice[] {
  const choices = new Map(prepare.map((one) => [one.feature, one.choice]));
  for (const { column, fences } of clips) {
    if (column === target || column === weight)
      throw invalidDefinition(`clean.columns.${column}.outliers`, "clips features alone", `"${column}", which is none`);
    const choice = choices.get(column);
    if (choice === "drop") continue;
    if (choice === "keep")
      throw invalidDefinition(
        `clean.columns.${column}.outliers`,
        "clips no feature that is to be kept as it is",
        column,
      );
    choices.set(column, Object.freeze([{ transform: "clip" as const, fences }, ...(choice ?? [])]));
  }
  return Object.freeze([...choices].map(([feature, choice]) => Object.freeze({ feature, choice })));
}
