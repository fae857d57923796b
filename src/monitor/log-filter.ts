import { MillraceError } from "../core/errors/error.ts";
import type { JsonValue } from "../core/json.ts";
import type { PredictionEntry } from "./log-line.ts";

/** One condition on an entry: `amount>=100`, `plan!=basic`, `prediction=true`, `latencyMs>20`, `region=null`. */
export interface Condition {
  readonly name: string;
  readonly operator: "=" | "!=" | "<" | "<=" | ">" | ">=";
  readonly value: string;
}

/** Reads a condition. Throws USAGE. */
export function parseCondition(text: string): Condition {
  const [, name, operator, value] = /^([^=<>!]+)(!=|<=|>=|=|<|>)(.*)$/s.exec(text) ?? [];
  if (name === undefined)
    throw new MillraceError("USAGE", {
      reason: `a condition is written column=value, with =, !=, <, <=, > or >=; got "${text}"`,
    });
  return { name: name.trim(), operator: operator as Condition["operator"], value: value!.trim() };
}

/** Whether an entry meets a condition on a column of its request, on `id`, `latencyMs` or `prediction` (a label or number). */
export function meets(entry: PredictionEntry, { name, operator, value }: Condition): boolean {
  const found = valueOf(entry, name);
  if (operator === "=" || operator === "!=") {
    const isEqual = typeof found === "number" ? found === Number(value) : textOf(found) === value;
    return isEqual === (operator === "=");
  }
  if (found === null || typeof found === "object") return false;
  return compare(found, value, operator);
}

function valueOf(entry: PredictionEntry, name: string): JsonValue {
  if (Object.hasOwn(entry.inputs, name)) return entry.inputs[name]!;
  if (name === "id") return entry.id;
  if (name === "latencyMs") return entry.latencyMs;
  if (name !== "prediction") return null;
  const { output } = entry;
  return output !== null && typeof output === "object" && "label" in output ? output.label! : output;
}

function textOf(value: Exclude<JsonValue, number>): string {
  return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Numbers by size, texts (times among them, all in ISO 8601) by code unit. */
function compare(found: string | number | boolean, value: string, operator: string): boolean {
  const [left, right] = typeof found === "number" ? [found, Number(value)] : [String(found), value];
  if (operator === "<") return left < right;
  if (operator === "<=") return left <= right;
  return operator === ">" ? left > right : left >= right;
}
