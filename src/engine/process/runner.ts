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
  const all = new Set<StepWorker>();
  const idle = new Map<string, StepWorker[]>();
  let lastId = 0;
  const killAll = (): void => {
    for (const worker of all) worker.kill();
  };
  process.on("exit", killAll);

  const take = (key: string, step: Step, task: TaskReference): StepWorker => {
    const waiting = idle.get(key) ?? [];
    for (let worker = waiting.pop(); worker; worker = waiting.pop()) if (worker.isAlive()) return worker;
    return start(step, task);
  };

  const start = (step: Step, task: TaskReference): StepWorker => {
    const { entry, execArgv = [] } = options;
    const memoryMb = step.memoryMb ?? null;
    const worker = startWorker({ entry, execArgv, env: environmentFor(options.env, task.env), memoryMb });
    all.add(worker);
    return worker;
  };

  const giveBack = (key: string, worker: StepWorker, isUsable: boolean): void => {
    if (!isUsable) worker.kill();
    if (isUsable && worker.isAlive()) idle.set(key, [...(idle.get(key) ?? []), worker]);
    else all.delete(worker);
  };

  async function runInChild(step: Step, task: TaskReference, call: AttemptCall): Promise<void> {
    const key = keyOf(step, task);
    const { context, name, onBegin, onLine } = call;
    const sent = await taskOf(step, task, call, ++lastId, options.store);
    const worker = take(key, step, task);
    const { signal, progress } = context;
    const onProgress = progress.report.bind(progress);
    let hasReturned = false;
    let done: Done;
    try {
      done = await worker.run({ task: sent, name, signal, onBegin, onProgress, onLine });
      hasReturned = true;
    } finally {
      // A step that failed may have left something at work, which is to harm no other.
      giveBack(key, worker, hasReturned && !signal.aborted);
    }
    await context.computed();
    for (const staged of done.outputs) await takeOver(staged, context);
    context.record(Object.fromEntries(done.numbers.map(([metric, value]) => [metric, value ?? Number.NaN])));
  }

  return {
    // The child starts, and loads the step's file, while this process does what comes before the step.
    warm(step) {
      if (!step.task) return;
      const worker = start(step, step.task);
      worker.load({ file: step.task.file, store: options.store });
      giveBack(keyOf(step, step.task), worker, true);
    },
    run: (step, call) => (step.task ? runInChild(step, step.task, call) : inlineRunner.run(step, call)),
    async close() {
      process.off("exit", killAll);
      killAll();
    },
  };
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
