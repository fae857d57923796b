import { parseDuration } from "../core/duration.ts";
import type { Contract, ViolationPolicy } from "../frame/contract.ts";
import { invalidDefinition, showValue } from "../frame/definition-fault.ts";
import { checkColumnsRead } from "../frame/expression-check.ts";
import { columnExpressions, toNode } from "../frame/expression.ts";
import type { Expr } from "../frame/expression-types.ts";
import type { Roles } from "../model/model.ts";
import type { RowCheck } from "../validate/row-checks.ts";
import type { ColumnRules, SnapshotRules } from "../validate/snapshot-rules.ts";
import { refuseUnknownOptions } from "./option-names.ts";

const policies: readonly unknown[] = ["fail", "quarantine", "warn"];

/** What must hold between the columns of a row, from the definition's `checks`. */
export function rowChecks(checks: unknown, contract: Contract): readonly RowCheck[] {
  if (checks === undefined) return Object.freeze([]);
  if (typeof checks !== "function")
    throw invalidDefinition("checks", "must be a function from the columns to expressions", showValue(checks));
  const given: unknown = (checks as (c: object) => unknown)(columnExpressions(contract.columns));
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw invalidDefinition("checks", "must return an object of expressions", showValue(given));
  return Object.freeze(Object.entries(given).map(([name, check]) => rowCheck(name, check, contract)));
}

function rowCheck(name: string, check: unknown, contract: Contract): RowCheck {
  const subject = `checks.${name}`;
  if (name === "" || contract.columns.some((column) => column.name === name))
    throw invalidDefinition("checks", "have names that no column has", showValue(name));
  const isObject = typeof check === "object" && check !== null;
  const plain = isObject && !("node" in check) ? (check as Readonly<Record<string, unknown>>) : { holds: check };
  refuseUnknownOptions(subject, plain, ["holds", "onViolation"]);
  const { holds, onViolation = "fail" } = plain;
  const isTruth = typeof holds === "object" && holds !== null && "node" in holds && "kind" in holds;
  if (!isTruth || holds.kind !== "boolean")
    throw invalidDefinition(subject, "must be a boolean expression made from c, such as c.a.le(c.b)", showValue(holds));
  if (!policies.includes(onViolation))
    throw invalidDefinition(`${subject}.onViolation`, `must be one of ${policies.join(", ")}`, showValue(onViolation));
  const node = toNode(holds as Expr);
  checkColumnsRead(node, contract.columns);
  return Object.freeze({ name, holds: node, onViolation: onViolation as ViolationPolicy });
}

const expectations = [
  "minRows",
  "maxRows",
  "quarantined",
  "newest",
  "change",
  "drift",
  "columns",
  "schema",
  "onViolation",
];

/** What the snapshot as a whole must be, from the definition's `expect`; null where nothing is asked. */
export function snapshotRules(expect: unknown, roles: Roles, contract: Contract): SnapshotRules | null {
  if (expect === undefined) return null;
  if (typeof expect !== "object" || expect === null || Array.isArray(expect))
    throw invalidDefinition("expect", "must be an object", showValue(expect));
  refuseUnknownOptions("expect", expect, expectations);
  const { schema = false, onViolation = "fail", ...asked } = expect as Readonly<Record<string, unknown>>;
  const { minRows, maxRows, quarantined, newest, change, drift, columns } = asked;
  if (typeof schema !== "boolean") throw invalidDefinition("expect.schema", "must be true or false", showValue(schema));
  checkReaction("expect.onViolation", onViolation);
  if (newest !== undefined && roles.time === null)
    throw invalidDefinition("expect.newest", "needs a column named by `time`", "none");
  const newestMs = typeof newest === "string" ? parseDuration(newest) : undefined;
  if (newest !== undefined && newestMs === undefined)
    throw invalidDefinition("expect.newest", 'must be a duration such as "2d"', showValue(newest));
  return Object.freeze({
    minRows: numberOf("expect.minRows", minRows),
    maxRows: numberOf("expect.maxRows", maxRows),
    // Absent where it is not asked: definitions of earlier releases stay what they were.
    ...(quarantined !== undefined && { quarantined: numberOf("expect.quarantined", quarantined) }),
    newestMs: newestMs ?? null,
    change: numberOf("expect.change", change),
    columns: columnRules(columns, { drift: numberOf("expect.drift", drift), onViolation }, roles, contract),
    schema,
    onViolation,
  });
}

/**
 * What is asked of each column, by itself or of all. A limit of all columns asks nothing of the identifier and the time,
 * which move by nature.
 */
function columnRules(
  columns: unknown,
  ofAll: Pick<ColumnRules, "drift" | "onViolation">,
  roles: Roles,
  contract: Contract,
): readonly ColumnRules[] {
  if (columns !== undefined && (typeof columns !== "object" || columns === null || Array.isArray(columns)))
    throw invalidDefinition("expect.columns", "must be an object of columns", showValue(columns));
  const names = contract.columns.map(({ name }) => name);
  refuseUnknownOptions("expect.columns", columns ?? {}, names);
  const asked = new Map<string, unknown>(Object.entries(columns ?? {}));
  const rules = names.map((name) => {
    const movesByNature = name === roles.id || name === roles.time;
    return columnRule(name, asked.get(name) ?? {}, movesByNature ? { ...ofAll, drift: null } : ofAll);
  });
  return Object.freeze(rules.filter(({ drift, missing }) => drift !== null || missing !== null));
}

function columnRule(column: string, given: unknown, ofAll: Pick<ColumnRules, "drift" | "onViolation">): ColumnRules {
  const subject = `expect.columns.${column}`;
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw invalidDefinition(subject, "must be an object", showValue(given));
  refuseUnknownOptions(subject, given, ["drift", "missing", "onViolation"]);
  const { drift, missing, onViolation = ofAll.onViolation } = given as Readonly<Record<string, unknown>>;
  checkReaction(`${subject}.onViolation`, onViolation);
  return Object.freeze({
    column,
    drift: drift === false ? null : (numberOf(`${subject}.drift`, drift) ?? ofAll.drift),
    missing: numberOf(`${subject}.missing`, missing),
    onViolation,
  });
}

/** A snapshot as a whole has no rows to set aside. */
function checkReaction(subject: string, given: unknown): asserts given is "fail" | "warn" {
  if (given !== "fail" && given !== "warn")
    throw invalidDefinition(subject, "must be one of fail, warn", showValue(given));
}

function numberOf(subject: string, value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value === "number" && value >= 0 && value < Infinity) return value;
  throw invalidDefinition(subject, "must be a number from 0", showValue(value));
}
