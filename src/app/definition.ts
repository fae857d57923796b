import type { JsonValue } from "../core/json.ts";
import type { PipelineSpec } from "../pipeline/spec.ts";

/** The definition as it is recorded: plain data. Functions of own steps are not; their places show that they were there. */
export function definitionOf(spec: PipelineSpec): JsonValue {
  return JSON.parse(JSON.stringify(spec)) as JsonValue;
}
