import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { Store } from "../store/open.ts";
import { answer, AttemptFailed, entryOf, NotStarted } from "./attempt.ts";
import type { Run, Subject } from "./attempt.ts";
import { reasonNotTo } from "./condition.ts";
import type { StepRecord } from "./context.ts";
import { answerEach } from "./fan-out.ts";
import { startJournal, stepError } from "./journal.ts";
import type { RunStart, StepEntry } from "./journal.ts";
import { requireSound } from "./lint.ts";
import type { WorkflowRule } from "./lint.ts";
import { dependenciesOf, planRun } from "./plan.ts";
import type { Plan, Selection } from "./plan.ts";
import { endReading, neededStill, readersOf } from "./readers.ts";
import { createRng } from "../core/rng.ts";
import { inlineRunner } from "./runner.ts";
import type { Runner } from "./runner.ts";
import { createSlots } from "./slots.ts";
import type { RunListener, RunResult, Step, StepResult, StepStatus, Workflow } from "./step.ts";
import { tellInOrder } from "./tell.ts";
import type { Telling } from "./tell.ts";
import { cancelledBy } from "./time-limit.ts";
import { createDecodedValues } from "./values.ts";

export interface RunOptions extends Selection, RunStart {
  readonly store: Store;
  readonly clock: Clock;
  readonly listener?: RunListener;
  /** Ends the run at the next step, or within one that heeds it. */
  readonly signal?: AbortSignal;
  /** Answer steps from earlier runs where their cache key is known. Default true. */
  readonly cache?: boolean;
  /** How many steps run at once. Default: the cores at hand. */
  readonly jobs?: number;
  /** Default: all in this process. Not closed by the run. */
  readonly runner?: Runner;
  /** What the workflow must keep beside what every workflow must. */
  readonly rules?: readonly WorkflowRule[];
}

/** More attempts than these do not write at once; those that wait keep what they computed in memory. */
const mostWriters = 16;

type Ending = { readonly status: "failed" | "cancelled"; readonly error: MillraceError; readonly at: string };

interface Progressing extends Run {
  readonly plan: Plan;
  readonly telling: Telling;
  readonly stillRead: Map<string, number>;
  ending: Ending | null;
}

/**
 * Runs a workflow: each step once those it needs have ended, up to `jobs` of them at once. A step whose cache key was
 * answered before is not repeated. After a failure nothing new begins, what runs is let finish, and the run ends with
 * status "failed"; it does not throw. Results do not depend on `jobs`. Throws WORKFLOW_INVALID and STEP_UNKNOWN, and what the listener
 * throws: the run is on record as failed then, too.
 */
export async function runWorkflow(workflow: Workflow, options: RunOptions): Promise<RunResult> {
  const warnings = requireSound(workflow, options.rules);
  const plan = planRun(workflow, options);
  const { clock, listener = {} } = options;
  const start = clock.monotonic();
  const run = await startRun(workflow, plan, options);
  const { runId } = run.journal;
  const took = (): number => clock.monotonic() - start;
  let steps: readonly StepResult[];
  try {
    listener.runStarted?.({ runId, workflow: workflow.name, steps: workflow.steps.map((s) => s.name) });
    for (const issue of warnings) listener.warned?.(issue);
    steps = await runSteps(run, (event) => listener.stepFinished?.(event));
  } catch (error) {
    await endUnheard(run, took(), error);
    throw error;
  } finally {
    run.cancelling.end();
  }
  const { ending } = run;
  const summary = { status: ending?.status ?? ("succeeded" as const), durationMs: took() };
  await run.journal.finish(summary, ending?.error ?? null);
  const result = Object.freeze({ runId, ...summary, steps, error: ending?.error ?? null });
  listener.runFinished?.(result);
  return result;
}

/** Ends the record of a run whose listener threw: what it threw is told, whether or not that can be written. */
async function endUnheard(run: Progressing, durationMs: number, thrown: unknown): Promise<void> {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const unheard = new MillraceError("LISTENER_FAILED", { workflow: run.workflow.name, reason }, { cause: thrown });
  const { status, error } = run.ending ?? { status: "failed" as const, error: unheard };
  await run.journal.finish({ status, durationMs }, error).catch(() => {});
}

async function startRun(workflow: Workflow, plan: Plan, options: RunOptions): Promise<Progressing> {
  const { store, clock, listener = {} } = options;
  const journal = await startJournal(store, clock, workflow, options);
  const telling = tellInOrder(listener);
  const signal = manyMayListen(options.signal ? [options.signal, journal.lost] : [journal.lost]);
  const run: Progressing = {
    workflow,
    store,
    clock,
    listener: telling.steps,
    allTold: telling.allTold,
    telling,
    plan,
    ending: null,
    signal,
    cancelling: cancelledBy(signal),
    mayReuse: (step) => (options.cache ?? true) && !plan.isForced(step),
    journal,
    rng: createRng(workflow.seed),
    values: createDecodedValues(),
    writers: createSlots(mostWriters),
    slots: createSlots(Math.max(1, options.jobs ?? availableParallelism())),
    runner: options.runner ?? inlineRunner,
    digests: new Map(),
    stillRead: readersOf(workflow.steps),
    isEnding: () => run.ending !== null || run.signal.aborted,
  };
  return run;
}

/** Aborts with any of these; every attempt under way listens to it. */
function manyMayListen(signals: AbortSignal[]): AbortSignal {
  const signal = AbortSignal.any(signals);
  setMaxListeners(0, signal);
  return signal;
}

/**
 * Every step waits for those it needs; the linter has seen to it that they stand before it. It begins once these are
 * committed: that they last is told, and may turn out wrong, while it computes. Throws what a listener throws, at the end.
 */
async function runSteps(
  run: Progressing,
  tell: NonNullable<RunListener["stepFinished"]>,
): Promise<readonly StepResult[]> {
  const { steps } = run.workflow;
  const results = new Map<string, Promise<StepResult>>();
  const ends: Promise<StepResult>[] = [];
  for (const [index, step] of steps.entries()) {
    const needed = dependenciesOf(step).map((name) => results.get(name)!);
    const result = Promise.all(needed).then((done) => runStep(run, step, index, done));
    results.set(step.name, result);
    ends.push(
      result.then(async (ended) => {
        const lasting = lastingResult(run, step, ended);
        await run.telling.after(lasting, (result) => tell({ ...result, index, count: steps.length }));
        return lasting;
      }),
    );
  }
  await Promise.allSettled(ends);
  // Where a listener threw, nobody waited for it.
  await run.journal.onRecord().catch(() => {});
  return Promise.all(ends);
}

/** Lets go of what a step that ended had read, and gives its result once it lasts; one that may never last has failed. */
async function lastingResult(run: Progressing, step: Step, result: StepResult): Promise<StepResult> {
  // Those that waited for it begin first.
  await setImmediate();
  endReading(run.stillRead, step);
  run.values.release(neededStill(run.stillRead, run.digests));
  try {
    await run.journal.lasting();
    return result;
  } catch (error) {
    // Worse than that it was cancelled: a record may be gone.
    if (run.ending?.status !== "failed")
      run.ending = { status: "failed", error: stepError(result.step, error), at: result.step };
    return result.status === "ran" ? Object.freeze({ ...result, status: "failed" }) : result;
  }
}

/** Runs one step, finds its answer or skips it. Whatever goes wrong becomes the run's ending. */
async function runStep(
  run: Progressing,
  step: Step,
  position: number,
  needed: readonly StepResult[],
): Promise<StepResult> {
  let isStarted = false;
  const onStart = (): void => {
    if (isStarted) return;
    isStarted = true;
    run.listener.stepStarted?.({ step: step.name, index: position, count: run.workflow.steps.length });
  };
  const inputs = new Map(step.inputs.flatMap((input) => pair(input, run.digests.get(input))));
  const subject: Subject = { name: step.name, step, position, inputs, item: null, onStart };
  noteCancel(run, step.name);
  const start = run.clock.monotonic();
  try {
    const reason = reasonToSkip(run, step, needed) ?? (await reasonNotTo(run, subject));
    if (reason !== null) return skip(run, subject, reason);
    const done = await (step.over === undefined ? answer(run, subject) : answerEach(run, subject));
    onStart();
    for (const { output, digest } of done.record.outputs.values()) run.digests.set(`${step.name}.${output}`, digest);
    return resultOf(done, done.status === "cached" ? "cached" : "ran");
  } catch (error) {
    if (error instanceof NotStarted) {
      noteCancel(run, step.name);
      return skip(run, subject, endingReason(run), error.attempt);
    }
    return failed(run, subject, error, run.clock.monotonic() - start);
  }
}

function failed(run: Progressing, subject: Subject, error: unknown, durationMs: number): StepResult {
  const isCancelled = run.signal.aborted;
  const found = error instanceof AttemptFailed ? error.entry : null;
  const fault = found?.error ?? stepError(subject.name, error);
  const ending = isCancelled
    ? cancelled(run, subject.name)
    : { status: "failed" as const, error: fault, at: subject.name };
  run.ending ??= ending;
  const status = isCancelled ? "skipped" : "failed";
  const entry = found ?? { ...entryOf(run, subject, 1), durationMs };
  const ended: StepEntry = {
    ...entry,
    status,
    error: isCancelled ? ending.error : fault,
    reason: isCancelled ? endingReason(run) : null,
  };
  run.journal.note(ended);
  if (ended.name === subject.name) return resultOf(ended, status);
  // An element failed: the fanned-out step did so too.
  const whole: StepEntry = {
    ...entryOf(run, subject, 1),
    status,
    durationMs,
    error: ended.error,
    reason: ended.reason,
  };
  run.journal.note(whole);
  return resultOf(whole, status);
}

function reasonToSkip(run: Progressing, step: Step, needed: readonly StepResult[]): string | null {
  if (!run.plan.isIncluded(step.name)) return "it was not asked for";
  if (run.ending) return endingReason(run);
  const isRead = (name: string): boolean => step.inputs.some((input) => input.startsWith(`${name}.`));
  const missing = needed.find((result) => result.status === "skipped" && isRead(result.step));
  return missing ? `it needs "${missing.step}", which was skipped` : null;
}

function endingReason(run: Progressing): string {
  if (run.ending?.status === "failed") return `step "${run.ending.at}" failed`;
  return "the run was cancelled";
}

function skip(run: Run, subject: Subject, reason: string, attempt = 1): StepResult {
  const entry: StepEntry = {
    ...entryOf(run, subject, attempt),
    status: "skipped",
    startedAt: null,
    durationMs: 0,
    reason,
    inputs: new Map(),
  };
  run.journal.note(entry);
  return resultOf(entry, "skipped");
}

function resultOf(entry: StepEntry, status: StepStatus): StepResult {
  const { outputs, metrics }: StepRecord = entry.record;
  return Object.freeze({
    step: entry.step.name,
    status,
    durationMs: entry.durationMs ?? 0,
    reason: entry.reason,
    attempts: status === "ran" || status === "failed" ? entry.attempt : 0,
    outputs: new Map([...outputs].map(([output, { digest }]) => [output, digest])),
    metrics: Object.freeze(Object.fromEntries(metrics)),
  });
}

/** A run that was cancelled ends as that, unless a step failed before. */
function noteCancel(run: Progressing, at: string): void {
  if (run.signal.aborted) run.ending ??= cancelled(run, at);
}

function cancelled(run: Run, at: string): Ending {
  return { status: "cancelled", error: new MillraceError("CANCELLED", { subject: `run ${run.journal.runId}` }), at };
}

function pair<V>(key: string, value: V | undefined): readonly (readonly [string, V])[] {
  return value === undefined ? [] : [[key, value]];
}
