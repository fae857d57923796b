import { formatDuration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";

/** How long a cancelled step may take to stop before the run ends without it. */
const graceMs = 2000;

/** Tells all who want to know that a run is cancelled. */
export interface Cancelling {
  /** Calls `listener` with the reason once the run is cancelled, at once where it is; gives what lets go of it. */
  hear(listener: (reason: unknown) => void): () => void;
  /** Nobody listens any more: a signal that is heard outlives its run. */
  end(): void;
}

/** With one listener of the signal for all: to add one and take it away for every attempt takes longer than most else of it. */
export function cancelledBy(signal: AbortSignal): Cancelling {
  const listeners = new Set<(reason: unknown) => void>();
  const tell = (): void => {
    for (const listener of listeners) listener(signal.reason);
    listeners.clear();
  };
  signal.addEventListener("abort", tell, { once: true });
  return {
    hear(listener) {
      if (signal.aborted) listener(signal.reason);
      else listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    end: () => signal.removeEventListener("abort", tell),
  };
}

/** Ends one attempt; its signal is made once somebody asks for it, which most steps do not. */
export function createOver(): Pick<AbortController, "abort" | "signal"> {
  let made: AbortController | undefined;
  const controller = (): AbortController => (made ??= new AbortController());
  return {
    get signal() {
      return controller().signal;
    },
    abort: (reason) => controller().abort(reason),
  };
}

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
  over: Pick<AbortController, "abort">,
  cancel: Cancelling,
): TimeLimit {
  let timer: NodeJS.Timeout | undefined;
  let grace: NodeJS.Timeout | undefined;
  let giveUp: (error: MillraceError) => void = () => {};
  const late = new Promise<never>((_, reject) => void (giveUp = reject));
  const onCancel = (reason: unknown): void => {
    over.abort(reason);
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
      const forget = cancel.hear(onCancel);
      try {
        const working = work();
        // Once it is given up, what the work still says interests nobody.
        working.catch(() => {});
        return await Promise.race([working, late]);
      } finally {
        clearTimeout(timer);
        clearTimeout(grace);
        forget();
      }
    },
  };
}
