import { formatDuration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";

/** How long a cancelled step may take to stop before the run ends without it. */
const graceMs = 2000;

/** The time one attempt may take, counted from `start`. */
export interface TimeLimit {
  start(): void;
  /**
   * What the work gives; or STEP_TIMED_OUT, after aborting the attempt, once its time is up; or CANCELLED once the run is
   * cancelled, which aborts the attempt too, and the step does not heed it.
   */
  within<T>(work: () => Promise<T>): Promise<T>;
}

export function limitTime(
  name: string,
  timeoutMs: number | undefined,
  over: AbortController,
  cancel: AbortSignal,
): TimeLimit {
  let timer: NodeJS.Timeout | undefined;
  let grace: NodeJS.Timeout | undefined;
  let giveUp: (error: MillraceError) => void = () => {};
  const late = new Promise<never>((_, reject) => void (giveUp = reject));
  const onCancel = (): void => {
    over.abort(cancel.reason);
    grace = setTimeout(() => giveUp(new MillraceError("CANCELLED", { subject: `step "${name}"` })), graceMs);
  };
  return {
    start() {
      if (timeoutMs === undefined) return;
      timer ??= setTimeout(() => {
        const error = new MillraceError("STEP_TIMED_OUT", { step: name, limit: formatDuration(timeoutMs) });
        over.abort(error);
        giveUp(error);
      }, timeoutMs);
    },
    async within(work) {
      if (cancel.aborted) onCancel();
      else cancel.addEventListener("abort", onCancel, { once: true });
      try {
        const working = work();
        // Once it is given up, what the work still says interests nobody.
        working.catch(() => {});
        return await Promise.race([working, late]);
      } finally {
        clearTimeout(timer);
        clearTimeout(grace);
        cancel.removeEventListener("abort", onCancel);
      }
    },
  };
}
