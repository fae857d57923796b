import { asRequested, type Contract, type ContractColumn } from "./contract.ts";

/** One way in which a request that one contract takes is refused by another. */
export interface ContractBreak {
  readonly column: string;
  readonly rule:
    | "removed"
    | "required"
    | "kind"
    | "min"
    | "max"
    | "integer"
    | "levels"
    | "pattern"
    | "maxLength"
    | "after"
    | "before"
    | "clean"
    | "privacy";
  /** What callers may send now, for people. */
  readonly before: string;
  /** What they could send then. */
  readonly after: string;
}

/** The columns a request sends, and what holds for each. */
export interface RequestContract {
  readonly contract: Contract;
  readonly inputs: readonly string[];
}

/**
 * What a caller who keeps to contract `from` could send that contract `to` refuses; empty where every such request is
 * taken. A removed column is a break, too: a request with a column the contract does not know is refused.
 */
export function contractBreaks(from: RequestContract, to: RequestContract): readonly ContractBreak[] {
  const before = columnsOf(from);
  const after = columnsOf(to);
  const breaks: ContractBreak[] = [];
  for (const column of before.values()) {
    const next = after.get(column.name);
    if (next) breaks.push(...columnBreaks(column, next));
    else breaks.push({ column: column.name, rule: "removed", before: column.kind, after: "unknown" });
  }
  for (const column of after.values())
    if (!before.has(column.name) && column.missing === 0)
      breaks.push({ column: column.name, rule: "required", before: "unknown", after: `required ${column.kind}` });
  return breaks;
}

function columnsOf({ contract, inputs }: RequestContract): ReadonlyMap<string, ContractColumn> {
  const sent = new Set(inputs);
  const columns = contract.columns.filter(({ name }) => sent.has(name)).map(asRequested);
  return new Map(columns.map((column) => [column.name, column]));
}

function columnBreaks(from: ContractColumn, to: ContractColumn): ContractBreak[] {
  const column = from.name;
  if (from.kind !== to.kind) return [{ column, rule: "kind", before: from.kind, after: to.kind }];
  const breaks: ContractBreak[] = [];
  const found = (rule: ContractBreak["rule"], before: unknown, after: unknown): void =>
    void breaks.push({ column, rule, before: textOf(before), after: textOf(after) });
  if (from.missing > 0 && to.missing === 0) found("required", "may be missing", "required");
  for (const rule of ["min", "after"] as const)
    if ((to[rule] ?? -Infinity) > (from[rule] ?? -Infinity)) found(rule, from[rule], to[rule]);
  for (const rule of ["max", "before", "maxLength"] as const)
    if ((to[rule] ?? Infinity) < (from[rule] ?? Infinity)) found(rule, from[rule], to[rule]);
  if (to.integer === true && from.integer !== true) found("integer", "any number", "whole numbers");
  if (to.pattern !== undefined && to.pattern !== from.pattern) found("pattern", from.pattern, to.pattern);
  const lost = lostLevels(from.levels, to.levels);
  if (lost !== null) found("levels", from.levels?.join(", "), `without ${lost}`);
  // Rules are asked of what cleaning and privacy leave, so with other ones the same value may be refused.
  for (const rule of ["clean", "privacy"] as const) {
    const [old, next] = [JSON.stringify(from[rule]), JSON.stringify(to[rule])];
    if (old !== next && isRestricted(to)) found(rule, old, next);
  }
  return breaks;
}

function isRestricted({
  levels,
  min,
  max,
  pattern,
  maxLength,
  after,
  before,
  missing,
  integer,
}: ContractColumn): boolean {
  return (
    missing === 0 ||
    integer === true ||
    [levels, min, max, pattern, maxLength, after, before].some((rule) => rule !== undefined)
  );
}

/** The levels that are no longer taken, for people; null where there are none. */
function lostLevels(from: readonly string[] | undefined, to: readonly string[] | undefined): string | null {
  if (to === undefined) return null;
  if (from === undefined) return "all others";
  const kept = new Set(to);
  const lost = from.filter((level) => !kept.has(level));
  return lost.length === 0 ? null : lost.map((level) => JSON.stringify(level)).join(", ");
}

function textOf(value: unknown): string {
  if (value === undefined) return "any";
  return typeof value === "string" ? value : JSON.stringify(value);
}
