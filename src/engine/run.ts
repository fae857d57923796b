import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { createRng } from "../core/rng.ts";
import type { Store } from "../store/open.ts";
import { cacheKeyOf } from "./cache-key.ts";
import { createStepContext, requireAllWritten } from "./context.ts";
import type { StepRecord } from "./context.ts";
import { findCached, startJournal, stepError } from "./journal.ts";
import type { Journal, StepEntry } from "./journal.ts";
import { requireSound } from "./lint.ts";
import { listenToProgress } from "./progress.ts";
import type { RunListener, RunResult, Step, StepResult, StepStatus, Workflow } from "./step.ts";
import { createDecodedValues } from "./values.ts";
import type { DecodedValues } from "./values.ts";

export interface RunOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly listener?: RunListener;
  /** Ends the run at the next step, or within one that heeds it. */
  readonly signal?: AbortSignal;
  /** Answer steps from earlier runs where their cache key is known. Default true. */
  readonly cache?: boolean;
}

/** One run under way. */
interface Run {
  readonly workflow: Workflow;
  readonly store: Store;
  readonly clock: Clock;
  readonly listener: RunListener;
  readonly signal: AbortSignal;
  readonly useCache: boolean;
  readonly journal: Journal;
  readonly values: DecodedValues;
  /** Digests of the outputs so far, by "step.output". */
  readonly digests: Map<string, Digest>;
}

type Ending = { readonly status: "failed" | "cancelled"; readonly error: MillraceError };

/**
 * Runs the steps one after another in this process, in the given order. A step whose cache key was answered before is
 * not repeated. A failed step ends the run with status "failed"; it does not throw. Throws WORKFLOW_INVALID.
 */
export async function runWorkflow(workflow: Workflow, options: RunOptions): Promise<RunResult> {
  requireSound(workflow);
  const { store, clock, listener = {} } = options;
  const start = clock.monotonic();
  const journal = await startJournal(store, clock, workflow);
  const run: Run = {
    workflow,
    store,
    clock,
    listener,
    signal: options.signal ?? new AbortController().signal,
    useCache: options.cache ?? true,
    journal,
    values: createDecodedValues(),
    digests: new Map(),
  };
  listener.runStarted?.({ runId: journal.runId, workflow: workflow.name, steps: workflow.steps.map((s) => s.name) });
  const { steps, ending } = await runSteps(run);
  const summary = { status: ending?.status ?? ("succeeded" as const), durationMs: clock.monotonic() - start };
  await journal.finish(summary, ending?.error ?? null);
  const result = Object.freeze({ runId: journal.runId, ...summary, steps, error: ending?.error ?? null });
  listener.runFinished?.(result);
  return result;
}

async function runSteps(run: Run): Promise<{ steps: readonly StepResult[]; ending: Ending | null }> {
  const { steps } = run.workflow;
  const results: StepResult[] = [];
  let ending: Ending | null = null;
  for (const [index, step] of steps.entries()) {
    if (!ending && run.signal.aborted) ending = cancelled(run);
    if (!ending) run.listener.stepStarted?.({ step: step.name, index, count: steps.length });
    const outcome: { result: StepResult; ending: Ending | null } = ending
      ? { result: skip(run, step, index), ending }
      : await runStep(run, step, index);
    ending = outcome.ending;
    results.push(outcome.result);
    run.listener.stepFinished?.({ ...outcome.result, index, count: steps.length });
    run.values.release(neededAfter(run, index));
  }
  return { steps: results, ending };
}

/** Runs one step, or finds its answer. Whatever goes wrong becomes an ending. */
async function runStep(run: Run, step: Step, index: number): Promise<{ result: StepResult; ending: Ending | null }> {
  const start = run.clock.monotonic();
  const entry: StepEntry = {
    step,
    position: index,
    status: "running",
    startedAt: run.clock.now(),
    durationMs: null,
    cacheKey: null,
    inputs: new Map(step.inputs.map((input) => [input, run.digests.get(input)!])),
    record: { outputs: new Map(), metrics: new Map() },
    error: null,
  };
  const spent = (): number => run.clock.monotonic() - start;
  try {
    const done = await answerStep(run, entry, spent);
    for (const { output, digest } of done.record.outputs.values()) run.digests.set(`${step.name}.${output}`, digest);
    return { result: resultOf(done, done.status === "cached" ? "cached" : "ran"), ending: null };
  } catch (error) {
    const ending: Ending = run.signal.aborted
      ? cancelled(run)
      : { status: "failed", error: stepError(step.name, error) };
    const status = ending.status === "failed" ? "failed" : "skipped";
    const ended: StepEntry = { ...entry, status, durationMs: spent(), error: ending.error };
    run.journal.note(ended);
    return { result: resultOf(ended, status), ending };
  }
}

async function answerStep(run: Run, entry: StepEntry, spent: () => number): Promise<StepEntry> {
  const cacheKey = await cacheKeyOf(entry.step, run.workflow.seed, entry.inputs);
  const cached = run.useCache ? await findCached(run.store, entry.step, cacheKey) : null;
  if (cached) {
    const answered: StepEntry = { ...entry, status: "cached", cacheKey, record: cached, durationMs: spent() };
    run.journal.note(answered);
    return answered;
  }
  await run.journal.commit({ ...entry, cacheKey });
  await execute(run, entry);
  const done: StepEntry = { ...entry, status: "ran", cacheKey, durationMs: spent() };
  await run.journal.commit(done);
  return done;
}

async function execute(run: Run, entry: StepEntry): Promise<void> {
  const { step, record, inputs, position } = entry;
  const later = run.workflow.steps.slice(position + 1).flatMap((next) => next.inputs);
  const context = createStepContext({
    store: run.store,
    step,
    runId: run.journal.runId,
    inputs,
    values: run.values,
    readLater: {
      digest: (digest) => later.some((input) => run.digests.get(input) === digest),
      output: (output) => later.includes(`${step.name}.${output}`),
    },
    record,
    progress: listenToProgress(step.name, run.listener, run.clock),
    rng: createRng(run.workflow.seed).fork(step.name),
    clock: run.clock,
    signal: run.signal,
  });
  await step.run(context);
  requireAllWritten(step, record);
}

function skip(run: Run, step: Step, index: number): StepResult {
  const entry: StepEntry = {
    step,
    position: index,
    status: "skipped",
    startedAt: null,
    durationMs: 0,
    cacheKey: null,
    inputs: new Map(),
    record: { outputs: new Map(), metrics: new Map() },
    error: null,
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
    outputs: new Map([...outputs].map(([output, { digest }]) => [output, digest])),
    metrics: Object.freeze(Object.fromEntries(metrics)),
  });
}

function cancelled(run: Run): Ending {
  return { status: "cancelled", error: new MillraceError("CANCELLED", { subject: `run ${run.journal.runId}` }) };
}

/** The known digests that steps after position `index` read. */
function neededAfter(run: Run, index: number): ReadonlySet<Digest> {
  const inputs = run.workflow.steps.slice(index + 1).flatMap((step) => step.inputs);
  return new Set(inputs.flatMap((input) => run.digests.get(input) ?? []));
}
