import type { JsonValue } from "../core/json.ts";
import type { PredictionEntry } from "./log-line.ts";

/** What the prediction log keeps of an entry. */
export type Redactor = (entry: PredictionEntry) => PredictionEntry;

/** Leaves columns of the request out; the entry says which. */
export function redactorOf(columns: readonly string[]): Redactor {
  if (columns.length === 0) return (entry) => entry;
  const left = new Set(columns);
  return (entry) => {
    const inputs = Object.create(null) as Record<string, JsonValue>;
    for (const [name, value] of Object.entries(entry.inputs)) if (!left.has(name)) inputs[name] = value;
    return { ...entry, inputs, redacted: columns };
  };
}

/** Where nobody knows what may be kept, nothing that was asked is. */
export function withoutInputs(entry: PredictionEntry): PredictionEntry {
  return { ...entry, inputs: {}, redacted: Object.keys(entry.inputs) };
}
