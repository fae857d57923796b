import { sha256 } from "../core/digest.ts";
import type { Digest } from "../core/digest.ts";
import { canonicalJson } from "../core/json.ts";
import type { Step } from "./step.ts";

/** The digest of everything the step's result may depend on; `inputs` by "step.output". */
export async function cacheKeyOf(step: Step, seed: number, inputs: ReadonlyMap<string, Digest>): Promise<Digest> {
  const observed = (await step.observe?.(inputs)) ?? null;
  return sha256(
    canonicalJson({
      name: step.name,
      code: step.code,
      params: step.params,
      outputs: step.outputs,
      seed,
      inputs: [...inputs],
      observed,
    }),
  );
}
