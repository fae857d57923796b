import type { JsonObject, JsonValue } from "../core/json.ts";

/** The value itself, or the probability of the positive label; NaN where the answer has neither. */
export function numberOf(output: JsonValue, positive: string): number {
  if (typeof output === "number") return output;
  const probabilities = memberOf(output, "probabilities");
  const value = probabilities === undefined ? undefined : memberOf(probabilities, positive);
  return typeof value === "number" ? value : Number.NaN;
}

/** The answered label, or the answer itself as JSON. */
export function labelOf(output: JsonValue): string {
  const label = memberOf(output, "label") ?? output;
  return typeof label === "string" ? label : JSON.stringify(label);
}

function memberOf(value: JsonValue, name: string): JsonValue | undefined {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined;
}
