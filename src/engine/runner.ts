import type { Step, StepContext } from "./step.ts";
import type { LogStream } from "./step-log.ts";

/** What one attempt is called with, beside what its step reads and writes. */
export interface AttemptCall {
  readonly name: string;
  /** Name of its random stream. */
  readonly stream: string;
  readonly attempt: number;
  readonly seed: number;
  readonly context: StepContext;
  /** Called when the step's own code begins: its time counts from here, not from the start of a process. */
  readonly onBegin: () => void;
  /** A folder of this attempt alone, which nobody has made; it goes with the attempt. */
  readonly staging: () => string;
  readonly onLine: (stream: LogStream, line: string) => void;
}

/** Where attempts run. */
export interface Runner {
  /** Resolves when the step has written its outputs through the context; heeds the context's signal as well as it can. */
  run(step: Step, call: AttemptCall): Promise<void>;
  /** Makes ready for a step that is likely to come soon. */
  warm?(step: Step): void;
  close(): Promise<void>;
}

/** In this process, on this thread. A step that never yields cannot be stopped here. */
export const inlineRunner: Runner = Object.freeze({
  run(step: Step, { context, onBegin }: AttemptCall) {
    onBegin();
    return step.run(context);
  },
  close: async () => {},
});
