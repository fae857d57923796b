import { silent } from "../core/progress.ts";
import type { Run, Subject } from "./attempt.ts";
import { createAttemptContext, emptyRecord } from "./context.ts";
import { createOver, limitTime } from "./time-limit.ts";

/** Asks the step's own condition, which may take as long as an attempt. */
export async function reasonNotTo(run: Run, subject: Subject): Promise<string | null> {
  const { step } = subject;
  const { when } = step;
  if (!when) return null;
  const over = createOver();
  const time = limitTime(step.name, step.timeoutMs, over, run.cancelling);
  const { context, end } = createAttemptContext({
    store: run.store,
    step: { ...step, outputs: [] },
    runId: run.journal.runId,
    fence: run.journal.held.fence,
    inputs: subject.inputs,
    observed: null,
    values: run.values,
    readLater: { digest: () => true, output: () => false },
    record: emptyRecord(),
    progress: silent,
    rng: run.rng.fork(`${step.name} when`),
    clock: run.clock,
    get signal() {
      return over.signal;
    },
    item: null,
  });
  try {
    time.start();
    return await time.within(() => when(context));
  } finally {
    await end();
  }
}
