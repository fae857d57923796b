import { MillraceError } from "../core/errors/error.ts";
import type { FitContext } from "../model/estimator.ts";

const holdMs = 40;

/**
 * A function for long fits to await between iterations: it lets other work of the process have its turn when the fit has
 * held the thread for 40 ms, and throws CANCELLED once the context's signal is aborted. Results do not depend on it.
 */
export function createPause(context: Pick<FitContext, "clock" | "signal">, subject: string): () => Promise<void> {
  let last = context.clock.monotonic();
  return async () => {
    if (context.clock.monotonic() - last >= holdMs) {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, 0);
      });
      last = context.clock.monotonic();
    }
    if (context.signal?.aborted) throw new MillraceError("CANCELLED", { subject });
  };
}
