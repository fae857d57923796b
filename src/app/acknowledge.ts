import type { RunListener } from "../engine/step.ts";
import type { Fetcher } from "../ingest/fetch.ts";

/**
 * A listener that tells sources that what they gave is safe, once the step that made a snapshot of it has ended: by then
 * the snapshot is committed, by this run or by an earlier one. `settled` waits until they know.
 */
export function acknowledgeSnapshots(
  fetcher: Fetcher,
  listener: RunListener = {},
): { readonly listener: RunListener; settled(): Promise<void> } {
  let told: Promise<void> = Promise.resolve();
  return {
    listener: {
      ...listener,
      stepFinished(result) {
        if (result.step === "ingest" && (result.status === "ran" || result.status === "cached"))
          told = fetcher.commit();
        listener.stepFinished?.(result);
      },
    },
    settled: () => told,
  };
}
