import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { Kind } from "../frame/column.ts";
import type { Contract } from "../frame/contract.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import type { Roles } from "../model/model.ts";

/** The options that give a column a role. */
type RoleOptions = { readonly [K in keyof Roles]?: unknown };

const kindsOfRole: Readonly<Record<keyof Roles, readonly Kind[]>> = {
  target: ["number", "boolean", "category"],
  id: ["number", "text", "category"],
  time: ["timestamp"],
  group: ["number", "text", "category", "boolean", "timestamp"],
  weight: ["number"],
  sensitive: ["category", "boolean"],
};

/** The roles a definition gives its columns. Throws where a column does not exist, has a wrong kind or two roles that exclude each other. */
export function rolesOf(given: RoleOptions, contract: Contract): Roles {
  const roles: Roles = Object.freeze({
    target: columnFor("target", given.target, contract),
    id: columnFor("id", given.id, contract),
    time: columnFor("time", given.time, contract),
    group: columnFor("group", given.group, contract),
    weight: columnFor("weight", given.weight, contract),
    sensitive: sensitiveColumns(given.sensitive, contract),
  });
  refuseSharedRoles(roles);
  return roles;
}

function columnFor(role: keyof Roles, name: unknown, contract: Contract): string | null {
  if (name === undefined) return null;
  if (typeof name !== "string") throw invalidDefinition(role, "must be the name of a column", showValue(name));
  const column = contract.columns.find((candidate) => candidate.name === name);
  if (!column) {
    const found = contract.columns.map((candidate) => candidate.name);
    throw new MillraceError("COLUMN_MISSING", { name, subject: role, found, nearest: nearestName(name, found) });
  }
  const kinds = kindsOfRole[role];
  if (kinds.includes(column.kind)) return name;
  throw invalidDefinition(
    role,
    `must be a column of kind ${kinds.join(" or ")}`,
    `${showValue(name)} of kind ${column.kind}`,
  );
}

function sensitiveColumns(given: unknown, contract: Contract): readonly string[] {
  if (given === undefined) return Object.freeze([]);
  if (!Array.isArray(given)) throw invalidDefinition("sensitive", "must be a list of columns", showValue(given));
  const names = (given as unknown[]).map((name) => columnFor("sensitive", name, contract));
  return Object.freeze([...new Set(names.filter((name) => name !== null))]);
}

/**
 * Target and weight stand for themselves alone; an id cannot be a time or a group, for every row has its own.
 * A time may be the group (all rows of one instant together), a group may be sensitive.
 */
function refuseSharedRoles(roles: Roles): void {
  const pairs: readonly (readonly [keyof Roles, keyof Roles])[] = [
    ["target", "id"],
    ["target", "time"],
    ["target", "group"],
    ["target", "weight"],
    ["weight", "id"],
    ["weight", "group"],
    ["id", "time"],
    ["id", "group"],
  ];
  for (const [first, second] of pairs) {
    if (roles[first] === null || roles[first] !== roles[second]) continue;
    throw invalidDefinition(second, `must be another column than ${first}`, showValue(roles[second]));
  }
  if (roles.target !== null && roles.sensitive.includes(roles.target))
    throw invalidDefinition("sensitive", "must not name the target", showValue(roles.target));
}
