import type { Clock } from "../core/clock.ts";
import type { Progress } from "../core/progress.ts";
import { silent } from "../core/progress.ts";
import type { RunListener } from "./step.ts";

const everyMs = 100;

/** Passes a step's progress on at most ten times a second, but always its end. */
export function listenToProgress(step: string, listener: RunListener, clock: Clock): Progress {
  if (!listener.stepProgress) return silent;
  const start = clock.monotonic();
  let last = -Infinity;
  return {
    report(done, total, unit) {
      const elapsedMs = clock.monotonic() - start;
      if (elapsedMs - last < everyMs && done < total) return;
      last = elapsedMs;
      listener.stepProgress?.({ step, done, total, unit, elapsedMs });
    },
  };
}
