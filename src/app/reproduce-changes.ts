import { MillraceError } from "../core/errors/error.ts";
import { canonicalJson } from "../core/json.ts";
import { recordedKeys, type RecordedKey, type RunDetails } from "../engine/runs.ts";
import type { Step } from "../engine/step.ts";
import type { Store } from "../store/open.ts";

/** Throws RUN_NOT_REPRODUCIBLE for this run; the remedy names the revision its code was at, where that is known. */
export function refuseToReproduce({ runId, provenance }: RunDetails, reason: string): never {
  const { source } = (provenance ?? {}) as { readonly source?: { readonly revision?: string } | null };
  throw new MillraceError("RUN_NOT_REPRODUCIBLE", { run: runId, reason, revision: source?.revision });
}

/** Throws RUN_NOT_REPRODUCIBLE where code, parameters or outputs of one of these steps are not as they were recorded. */
export async function requireUnchanged(store: Store, run: RunDetails, steps: readonly Step[]): Promise<void> {
  const recorded = await recordedKeys(store, run.runId);
  for (const step of steps) {
    const then = recorded.get(step.name);
    const change = then && changeOf(step, then);
    if (change) refuseToReproduce(run, `${change} of step "${step.name}" is not as it was`);
  }
}

/** What of a step is another than it was; null where nothing is. */
function changeOf(step: Step, then: RecordedKey): string | null {
  if (canonicalJson(step.params) !== canonicalJson(then.params)) return "a parameter";
  if (canonicalJson([...step.outputs]) !== canonicalJson([...then.outputs])) return "an output";
  if (step.code === then.code) return null;
  if (!step.codeParts || !then.codeParts) return "the code";
  const names = [...new Set([...Object.keys(step.codeParts), ...Object.keys(then.codeParts)])];
  // Another release of ours must give the same: that is what a reproduction is to show.
  const changed = names.find((name) => name !== "package millrace" && step.codeParts![name] !== then.codeParts![name]);
  return changed === undefined ? null : `the code (${changed})`;
}
