import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { sha256 } from "../core/digest.ts";
import { silent } from "../core/progress.ts";
import { createRng } from "../core/rng.ts";
import type { Rng } from "../core/rng.ts";
import type { Store } from "../store/open.ts";
import { cacheKeyOf, elementDigest } from "./cache-key.ts";
import { createAttemptContext, emptyRecord, requireAllWritten } from "./context.ts";
import type { AttemptContext } from "./context.ts";
import { findCached } from "./find-cached.ts";
import { stepError } from "./journal.ts";
import type { Journal, StepEntry } from "./journal.ts";
import { listenToProgress } from "./progress.ts";
import { createOver, limitTime } from "./time-limit.ts";
import type { Cancelling } from "./time-limit.ts";
import { delayAfter, isWorthRetrying, oneAttempt } from "./retry.ts";
import { pause } from "../core/pause.ts";
import type { Runner } from "./runner.ts";
import type { Slots } from "./slots.ts";
import { createStepLog, showLines } from "./step-log.ts";
import type { LogStream } from "./step-log.ts";
import type { FanOutItem, RunListener, Step, Workflow } from "./step.ts";
import type { DecodedValues } from "./values.ts";

/** One run under way. */
export interface Run {
  readonly workflow: Workflow;
  readonly store: Store;
  readonly clock: Clock;
  readonly listener: RunListener;
  /** Resolves once the listener heard all that it is to hear so far. */
  readonly allTold: () => Promise<void>;
  readonly signal: AbortSignal;
  /** Of `signal`, for what comes and goes. */
  readonly cancelling: Cancelling;
  readonly journal: Journal;
  /** Root of all randomness of its steps. */
  readonly rng: Rng;
  readonly values: DecodedValues;
  readonly slots: Slots;
  /** Places for attempts that have computed and now write. */
  readonly writers: Slots;
  readonly runner: Runner;
  /** Whether earlier runs may answer this step. */
  readonly mayReuse: (step: string) => boolean;
  /** Digests of the outputs so far, by "step.output". */
  readonly digests: Map<string, Digest>;
  /** Inputs that steps not yet ended read, each with the number of those steps. */
  readonly stillRead: ReadonlyMap<string, number>;
  /** Whether something failed or the run was cancelled, so that nothing new begins. */
  readonly isEnding: () => boolean;
}

/** A step, or one element of a fanned-out step, about to be answered. */
export interface Subject {
  readonly name: string;
  readonly step: Step;
  readonly position: number;
  readonly inputs: ReadonlyMap<string, Digest>;
  readonly item: FanOutItem | null;
  /** Called when its first attempt begins. */
  readonly onStart: () => void;
}

/** What a subject that waited for its turn, or to be tried again, throws when the run ended meanwhile. */
export class NotStarted extends Error {
  /** The attempt that was not made; those before it failed and are on record as that. */
  readonly attempt: number;

  constructor(attempt: number) {
    super("the run ended before the attempt began");
    this.attempt = attempt;
  }
}

/** Its first entry, before anything is known. */
export function entryOf(run: Run, subject: Subject, attempt: number): StepEntry {
  return {
    name: subject.name,
    step: subject.step,
    position: subject.position,
    inputs: subject.inputs,
    attempt,
    status: "running",
    startedAt: run.clock.now(),
    durationMs: null,
    cacheKey: null,
    reason: null,
    record: emptyRecord(),
    log: null,
    error: null,
  };
}

/** The entry of an attempt that failed or was cut off. */
export class AttemptFailed extends Error {
  readonly entry: StepEntry;

  constructor(entry: StepEntry, options: ErrorOptions) {
    super("an attempt failed", options);
    this.entry = entry;
  }
}

/** Finds the answer of an earlier run, or tries as often as the step's policy allows. Throws AttemptFailed. */
export async function answer(run: Run, subject: Subject): Promise<StepEntry> {
  const { step, name } = subject;
  const start = run.clock.monotonic();
  const first = entryOf(run, subject, 1);
  const fail = (entry: StepEntry, error: unknown): AttemptFailed => {
    const ended = { ...entry, status: "failed" as const, durationMs: run.clock.monotonic() - start };
    return new AttemptFailed({ ...ended, error: stepError(name, error) }, { cause: error });
  };
  try {
    if (!step.readsInputsOnly) await run.journal.onRecord();
    const cacheKey = await cacheKeyOf(step, run.workflow.seed, subject.inputs, subject.item);
    const cached = run.mayReuse(step.name) ? await findCached(run.store, step, cacheKey.digest) : null;
    if (cached) {
      const durationMs = run.clock.monotonic() - start;
      const answered: StepEntry = { ...first, status: "cached", cacheKey, record: cached, durationMs };
      run.journal.note(answered);
      return answered;
    }
    return await tryUntilDone(run, subject, { ...first, cacheKey }, fail);
  } catch (error) {
    throw error instanceof AttemptFailed || error instanceof NotStarted ? error : fail(first, error);
  }
}

async function tryUntilDone(
  run: Run,
  subject: Subject,
  first: StepEntry,
  fail: (entry: StepEntry, error: unknown) => AttemptFailed,
): Promise<StepEntry> {
  const { step, name } = subject;
  const policy = step.retry ?? oneAttempt;
  let delays: Rng | null = null;
  for (let attempt = 1; ; ++attempt) {
    const giveBack = await run.slots.take(step.slots ?? 1);
    const entry: StepEntry = { ...entryOf(run, subject, attempt), cacheKey: first.cacheKey, log: createStepLog() };
    try {
      return await tryOnce(run, subject, entry, giveBack);
    } catch (error) {
      // Not before the failure is known everywhere: whoever takes the place looks first whether it still should.
      setImmediate(giveBack);
      if (error instanceof NotStarted) throw error;
      const failed = fail(entry, error);
      if (run.signal.aborted || attempt >= policy.attempts || !isWorthRetrying(error)) throw failed;
      // At once, for the wait may be long. What goes wrong here goes wrong again at a commit that is waited for.
      run.journal.commit(failed.entry).catch(() => {});
      // Not of the workflow's seed: runs that fail together on several machines must not come back together.
      delays ??= createRng(Number.parseInt(sha256(run.journal.runId).slice(7, 15), 16)).fork(name);
      const delayMs = delayAfter(policy, attempt, delays);
      run.listener.stepRetried?.({ step: name, attempt, delayMs, error: failed.entry.error! });
      await pause(delayMs, run.signal);
    }
  }
}

/** Makes an attempt and commits it. Throws NotStarted where the run ended meanwhile, and what the step throws. */
async function tryOnce(run: Run, subject: Subject, entry: StepEntry, giveBack: () => void): Promise<StepEntry> {
  const begun = run.clock.monotonic();
  // It may keep this thread for long, and nobody could be told meanwhile of the end of the step before it.
  if (subject.step.slots === "all") await run.allTold();
  if (run.isEnding()) throw new NotStarted(entry.attempt);
  subject.onStart();
  // Of a fanned-out step, the step itself shows as running: a thousand elements need not.
  if (subject.item === null) run.journal.show(entry);
  await execute(run, subject, entry, giveBack);
  giveBack();
  const done: StepEntry = { ...entry, status: "ran", durationMs: run.clock.monotonic() - begun };
  await (subject.item === null ? run.journal.commit(done) : run.journal.commitTogether(done));
  // Of a thousand elements not all are to be kept in memory.
  return { ...done, log: null };
}

async function execute(run: Run, subject: Subject, entry: StepEntry, giveBack: () => void): Promise<void> {
  const { step, name, item } = subject;
  const over = createOver();
  // An element's stream goes by what it is, as its cache key does, not by where it stands in the list.
  const stream = item === null ? name : `${step.name} ${elementDigest(item)}`;
  let doneWriting = (): void => {};
  const onComputed = async (): Promise<void> => {
    doneWriting = await run.writers.take(1);
    giveBack();
  };
  const { context, staging, end } = contextOf(run, subject, entry, { over, stream, onComputed });
  const live = showLines(name, run.listener);
  const onLine = (from: LogStream, line: string): void => {
    entry.log?.add(from, line);
    live.add(from, line);
  };
  try {
    const time = limitTime(name, step.timeoutMs, over, run.cancelling);
    const onBegin = time.start;
    const call = { name, stream, attempt: entry.attempt, seed: run.workflow.seed, context, staging, onBegin, onLine };
    await time.within(() => run.runner.run(step, call));
    requireAllWritten(step, entry.record.outputs);
  } finally {
    live.end();
    doneWriting();
    await end();
  }
}

function contextOf(
  run: Run,
  { step, name, inputs, item }: Subject,
  { record, cacheKey }: StepEntry,
  own: {
    readonly over: Pick<AbortController, "signal">;
    readonly stream: string;
    readonly onComputed: () => Promise<void>;
  },
): AttemptContext {
  return createAttemptContext({
    store: run.store,
    step,
    runId: run.journal.runId,
    fence: run.journal.held.fence,
    inputs,
    observed: cacheKey?.observed ?? null,
    values: run.values,
    readLater: {
      digest: (digest) => [...run.stillRead.keys()].some((input) => run.digests.get(input) === digest),
      output: (output) => run.stillRead.has(`${step.name}.${output}`),
    },
    record,
    progress: item === null ? listenToProgress(name, run.listener, run.clock) : silent,
    rng: run.rng.fork(own.stream),
    clock: run.clock,
    get signal() {
      return own.over.signal;
    },
    item,
    onComputed: own.onComputed,
  });
}
