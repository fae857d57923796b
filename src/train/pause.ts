import { MillraceError } from "../core/errors/error.ts";
import type { FitContext } from "../model/estimator.ts";

const holdMs = 40;

/** Calls back once other work had its turn. A timer, which is all a browser has, takes a millisecond at least. */
function soon(done: () => void): void {
  if (typeof setImmediate === "undefined") setTimeout(done, 0);
  else setImmediate(done);
}

/**
 * A function for long fits to await between iterations: it lets other work of the process have its turn when the fit has
 * held the thread for 40 ms, and throws CANCELLED once the context's signal is aborted. Results do not depend on it.
 */
export function createPause(context: Pick<FitContext, "clock" | "signal">, subject: string): () => Promise<void> {
  let last = context.clock.monotonic();
  return async () => {
    if (context.clock.monotonic() - last >= holdMs) {
      await new Promise<void>((resolve) => {
        soon(resolve);
      });
      last = context.clock.monotonic();
    }
    if (context.signal?.aborted) throw new MillraceError("CANCELLED", { subject });
  };
}
