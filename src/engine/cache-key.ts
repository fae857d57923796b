import type { Digest } from "../core/digest.ts";
import { canonicalJson } from "../core/json.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { digestOf } from "../store/platform-digest.ts";
import type { FanOutItem, Step } from "./step.ts";

/** Everything a step's result may depend on, by part. */
export interface KeyParts {
  readonly name: string;
  readonly code: string;
  readonly params: JsonObject;
  readonly outputs: readonly string[];
  readonly seed: number;
  /** By "step.output". */
  readonly inputs: readonly (readonly [input: string, digest: Digest])[];
  readonly observed: JsonValue;
}

export interface CacheKey {
  readonly digest: Digest;
  /** The parts as JSON text, with what the code consists of where that is known. */
  readonly parts: string;
  /** What the step's `observe` gave; null where it has none. */
  readonly observed: JsonValue;
}

/** The digest of everything the step's result may depend on, and its parts for whoever asks why it ran again. */
export async function cacheKeyOf(
  step: Step,
  seed: number,
  inputs: ReadonlyMap<string, Digest>,
  item: FanOutItem | null = null,
): Promise<CacheKey> {
  const parts: KeyParts = {
    name: step.name,
    code: step.code,
    params: step.params,
    outputs: step.outputs,
    seed,
    inputs: [...inputs],
    observed: (await step.observe?.(inputs)) ?? null,
  };
  const inputsBeside = parts.inputs.filter(([input]) => input !== step.over);
  // One element depends on itself, not on where it stands or on its neighbours.
  const own = item === null ? parts : { ...parts, inputs: inputsBeside, element: elementDigest(item) };
  const shown = step.codeParts ? { ...own, codeParts: step.codeParts } : own;
  return { digest: digestOf(canonicalJson(own)), parts: JSON.stringify(shown), observed: parts.observed };
}

/** What an element of a list is, wherever it stands. */
export function elementDigest(item: FanOutItem): Digest {
  return item.digest ?? digestOf(canonicalJson(item.value));
}
