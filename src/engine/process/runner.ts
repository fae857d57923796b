import { renameSync } from "node:fs";
import type { Digest } from "../../core/digest.ts";
import { listCodec } from "../list.ts";
import { inlineRunner } from "../runner.ts";
import type { AttemptCall, Runner } from "../runner.ts";
import type { Step, StepContext, TaskReference } from "../step.ts";
import type { StagedOutput, StepTask } from "./protocol.ts";
import { startWorker } from "./worker.ts";
import type { Done, StepWorker } from "./worker.ts";

export interface ProcessRunnerOptions {
  /** The module a child runs: it calls serveTasks(). */
  readonly entry: string;
  readonly execArgv?: readonly string[];
  /** The store's folder. */
  readonly store: string;
  /** The environment that steps may be given parts of. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Everyday variables that programs need to run at all; no keys, no tokens. */
const commonEnv = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "SystemRoot", "PATHEXT"];

/**
 * Runs steps that another process can load (those with a `task`) in child processes, which are kept warm for the next
 * step; all others in this process. A child sees only everyday environment variables and those its step names. It is
 * killed when the step's time is up, when it needs more memory than the step may have, and when the run is cancelled.
 */
export function createProcessRunner(options: ProcessRunnerOptions): Runner {
  const children = new Children(options);
  const killAll = (): void => children.killAll();
  process.on("exit", killAll);
  let lastId = 0;
  return {
    // The child starts, and loads the step's file, while this process does what comes before the step.
    warm(step) {
      if (!step.task) return;
      const worker = children.start(step, step.task);
      worker.load({ file: step.task.file, store: options.store });
      children.giveBack(keyOf(step, step.task), worker, true);
    },
    async run(step, call) {
      if (!step.task) return inlineRunner.run(step, call);
      const sent = await taskOf(step, step.task, call, ++lastId, options.store);
      await takeIn(await runInChild(children, step, step.task, sent, call), call.context);
    },
    async close() {
      process.off("exit", killAll);
      killAll();
    },
  };
}

/** The child processes of a runner, by what steps may run in them. */
class Children {
  readonly #options: ProcessRunnerOptions;
  readonly #all = new Set<StepWorker>();
  readonly #idle = new Map<string, StepWorker[]>();

  constructor(options: ProcessRunnerOptions) {
    this.#options = options;
  }

  /** One that is warm, or else a new one. */
  take(key: string, step: Step, task: TaskReference): StepWorker {
    const waiting = this.#idle.get(key) ?? [];
    for (let worker = waiting.pop(); worker; worker = waiting.pop()) if (worker.isAlive()) return worker;
    return this.start(step, task);
  }

  start(step: Step, task: TaskReference): StepWorker {
    const { entry, execArgv = [], env } = this.#options;
    const memoryMb = step.memoryMb ?? null;
    const worker = startWorker({ entry, execArgv, env: environmentFor(env, task.env), memoryMb });
    this.#all.add(worker);
    return worker;
  }

  giveBack(key: string, worker: StepWorker, isUsable: boolean): void {
    if (!isUsable) worker.kill();
    if (isUsable && worker.isAlive()) this.#idle.set(key, [...(this.#idle.get(key) ?? []), worker]);
    else this.#all.delete(worker);
  }

  killAll(): void {
    for (const worker of this.#all) worker.kill();
  }
}

async function runInChild(
  children: Children,
  step: Step,
  reference: TaskReference,
  task: StepTask,
  { context, name, onBegin, onLine }: AttemptCall,
): Promise<Done> {
  const key = keyOf(step, reference);
  const worker = children.take(key, step, reference);
  const { signal, progress } = context;
  const onProgress = progress.report.bind(progress);
  let hasReturned = false;
  try {
    const done = await worker.run({ task, name, signal, onBegin, onProgress, onLine });
    hasReturned = true;
    return done;
  } finally {
    // A step that failed may have left something at work, which is to harm no other.
    children.giveBack(key, worker, hasReturned && !signal.aborted);
  }
}

async function takeIn({ outputs, numbers }: Done, context: StepContext): Promise<void> {
  await context.computed();
  for (const staged of outputs) await takeOver(staged, context);
  context.record(Object.fromEntries(numbers.map(([metric, value]) => [metric, value ?? Number.NaN])));
}

async function takeOver(staged: StagedOutput, context: StepContext): Promise<void> {
  const { output, type, format } = staged;
  if ("bytes" in staged) await context.writeBytes(output, { type, format }, Buffer.from(staged.bytes, "base64"));
  else await context.writeFile(output, { type, format }, async (place) => renameSync(staged.path, place));
}

/** Steps of one key may run in one child. */
function keyOf({ memoryMb }: Step, { env }: TaskReference): string {
  return JSON.stringify([memoryMb ?? null, ...env]);
}

async function taskOf(
  step: Step,
  { file, step: name }: TaskReference,
  { context, seed, stream, staging }: AttemptCall,
  id: number,
  store: string,
): Promise<StepTask> {
  const inputs: [string, StepTask["inputs"][number][1], string][] = [];
  for (const input of step.inputs) {
    const digest = context.digestOf(input);
    inputs.push([input, digest, await context.pathOf(digest)]);
  }
  const elements: [Digest, string][] = [];
  for (const digest of await elementsOf(step, context)) elements.push([digest, await context.pathOf(digest)]);
  const { runId, fence, item } = context;
  return { id, file, step: name, runId, fence, seed, stream, inputs, elements, item, store, staging: staging() };
}

/** A child reaches no store: what lists name is brought to this machine for it. */
async function elementsOf(step: Step, context: StepContext): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  if (context.item?.digest) found.add(context.item.digest);
  for (const input of step.lists ?? []) {
    const { digests } = await listCodec.read(await context.pathOf(context.digestOf(input)));
    for (const digest of digests) found.add(digest);
  }
  return found;
}

function environmentFor(
  given: Readonly<Record<string, string | undefined>>,
  named: readonly string[],
): Readonly<Record<string, string>> {
  const chosen = [...commonEnv, ...named].flatMap((name) => {
    const value = given[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(chosen);
}
