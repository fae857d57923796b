import { getHeapStatistics } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Clock } from "../../core/clock.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { requireAllWritten } from "../context.ts";
import type { Step } from "../step.ts";
import { endOfLines, sendError } from "./protocol.ts";
import type { StepModule, StepTask, ToChild, ToParent } from "./protocol.ts";
import { createTaskContext } from "./task-context.ts";

/** Gives the steps of a module by their names; of one it has loaded, at once. */
export type LoadSteps = (module: StepModule) => Promise<ReadonlyMap<string, Step>>;

/** Serves step tasks that the parent sends, one at a time, until it is gone. */
export function serveTasks(load: LoadSteps, clock: Clock): void {
  const send = (message: ToParent): void => void process.send?.(message);
  const aborts = new Map<number, AbortController>();
  process.on("disconnect", () => process.exit());
  // The parent decides what an interrupt means.
  process.on("SIGINT", () => {});
  watchParent();
  for (const stream of [process.stdout, process.stderr]) waitForReader(stream);
  process.on("message", (message: ToChild) => {
    if (message.kind === "load") {
      // What is wrong with it is the first task's to say.
      load(message.module).catch(() => {});
      return;
    }
    if (message.kind === "abort") {
      aborts.get(message.id)?.abort(new MillraceError("CANCELLED", { subject: "the run" }));
      return;
    }
    const { task } = message;
    const abort = new AbortController();
    aborts.set(task.id, abort);
    void runTask(task, load, clock, abort.signal, send)
      .catch((error: unknown): ToParent => ({ kind: "failed", id: task.id, error: sendError(error) }))
      .then((answer) => {
        aborts.delete(task.id);
        const end = `\n${endOfLines(task.id)}\n`;
        process.stderr.write(end);
        process.stdout.write(end, () => send(answer));
      });
  });
  send({ kind: "ready", heapMb: Math.round(getHeapStatistics().heap_size_limit / 2 ** 20) });
}

/**
 * Makes writes to a stream wait until they are read: else a step that prints without once yielding fills this process's
 * memory with it, and what it printed before it exits is lost.
 */
function waitForReader(stream: NodeJS.WriteStream): void {
  const { _handle: handle } = stream as { readonly _handle?: { setBlocking?(isBlocking: boolean): void } };
  handle?.setBlocking?.(true);
}

/** Ends this process when the parent is gone, even while the main thread is busy. */
function watchParent(): void {
  const code = `setInterval(() => { if (process.ppid !== ${process.ppid}) process.kill(process.pid, "SIGKILL"); }, 1000);`;
  new Worker(code, { eval: true }).unref();
}

async function runTask(
  task: StepTask,
  load: LoadSteps,
  clock: Clock,
  signal: AbortSignal,
  send: (message: ToParent) => void,
): Promise<ToParent> {
  const step = (await load(task)).get(task.step);
  if (!step) {
    const rule = "must be in the file it was defined in";
    throw new MillraceError("WORKFLOW_INVALID", { step: task.step, rule, actual: `none of that name in ${task.file}` });
  }
  send({ kind: "begun", id: task.id });
  const { context, staged, numbers } = createTaskContext(task, step, { clock, signal, send });
  await step.run(context);
  requireAllWritten(step, new Set(staged.map(({ output }) => output)));
  // IPC is JSON, which has no NaN.
  const sent = [...numbers].map(([name, value]) => [name, Number.isFinite(value) ? value : null] as const);
  return { kind: "done", id: task.id, outputs: staged, numbers: sent };
}
