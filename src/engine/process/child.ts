import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { getHeapStatistics } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Clock } from "../../core/clock.ts";
import type { Digest } from "../../core/digest.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { createRng } from "../../core/rng.ts";
import { requireAllWritten } from "../context.ts";
import type { StepRecord } from "../context.ts";
import type { Codec, Step, StepContext } from "../step.ts";
import { endOfLines, sendError } from "./protocol.ts";
import type { StagedOutput, StepTask, ToChild, ToParent } from "./protocol.ts";

/** Serves step tasks that the parent sends, one at a time, until it is gone. `find` loads a step from its file. */
export function serveTasks(find: (task: StepTask) => Promise<Step>, clock: Clock): void {
  const send = (message: ToParent): void => void process.send?.(message);
  const aborts = new Map<number, AbortController>();
  process.on("disconnect", () => process.exit());
  // The parent decides what an interrupt means.
  process.on("SIGINT", () => {});
  watchParent();
  for (const stream of [process.stdout, process.stderr]) waitForReader(stream);
  process.on("message", (message: ToChild) => {
    if (message.kind === "abort") {
      aborts.get(message.id)?.abort(new MillraceError("CANCELLED", { subject: "the run" }));
      return;
    }
    const { task } = message;
    const abort = new AbortController();
    aborts.set(task.id, abort);
    void runTask(task, find, clock, abort.signal, send)
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
  find: (task: StepTask) => Promise<Step>,
  clock: Clock,
  signal: AbortSignal,
  send: (message: ToParent) => void,
): Promise<ToParent> {
  const step = await find(task);
  send({ kind: "begun", id: task.id });
  const staged: StagedOutput[] = [];
  const numbers = new Map<string, number>();
  await step.run(createTaskContext(task, step, clock, signal, staged, numbers, send));
  const record: StepRecord = {
    outputs: new Map(staged.map((one) => [one.output, { ...one, digest: "sha256:", size: 0 }])),
    metrics: numbers,
  };
  requireAllWritten(step, record);
  // IPC is JSON, which has no NaN.
  const sent = [...numbers].map(([name, value]) => [name, Number.isFinite(value) ? value : null] as const);
  return { kind: "done", id: task.id, outputs: staged, numbers: sent };
}

function createTaskContext(
  task: StepTask,
  step: Step,
  clock: Clock,
  signal: AbortSignal,
  staged: StagedOutput[],
  numbers: Map<string, number>,
  send: (message: ToParent) => void,
): StepContext {
  const known = new Map(task.inputs.map(([input, digest, path]) => [input, { digest, path }]));
  const paths = new Map([...task.inputs.map(([, digest, path]) => [digest, path] as const), ...task.elements]);
  const pathOf = async (digest: Digest): Promise<string> => {
    const path = paths.get(digest);
    if (path === undefined) throw new MillraceError("ARTIFACT_MISSING", { digest });
    return path;
  };
  const inputOf = (input: string): { digest: Digest; path: string } => {
    const found = known.get(input);
    if (found) return found;
    const rule = `may only read its declared inputs (${step.inputs.join(", ") || "none"})`;
    throw new MillraceError("WORKFLOW_INVALID", { step: step.name, rule, actual: `"${input}"` });
  };
  const writeFile: StepContext["writeFile"] = async (output, { type, format }, produce) => {
    const isKnown = step.outputs.includes(output) && !staged.some((one) => one.output === output);
    if (!isKnown) {
      const rule = `must write each declared output once (${step.outputs.join(", ") || "none"})`;
      throw new MillraceError("WORKFLOW_INVALID", { step: step.name, rule, actual: `"${output}"` });
    }
    const path = join(task.staging, `output-${staged.length}`);
    await produce(path);
    staged.push({ output, type, format, path });
    return "sha256:";
  };
  let files: Promise<string> | null = null;
  const makeScratch = async (): Promise<string> => {
    const path = join(task.staging, "files");
    await mkdir(path);
    return path;
  };
  let last = -Infinity;
  return Object.freeze({
    read: <T>(input: string, codec: Codec<T>): Promise<T> => codec.read(inputOf(input).path),
    digestOf: (input: string) => inputOf(input).digest,
    write: <T>(output: string, codec: Codec<T>, value: T) =>
      writeFile(output, codec, (path) => codec.write(value, path)),
    writeFile,
    record: (given: Readonly<Record<string, number>>) => {
      for (const [name, value] of Object.entries(given)) numbers.set(name, value);
    },
    runId: task.runId,
    fence: task.fence,
    progress: {
      report(done: number, total: number, unit: string) {
        const now = clock.monotonic();
        if (now - last < 100 && done < total) return;
        last = now;
        send({ kind: "progress", id: task.id, done, total, unit });
      },
    },
    rng: createRng(task.seed).fork(task.stream),
    clock,
    signal,
    pathOf,
    item: task.item,
    // The parent knows when this process is done.
    computed: async () => {},
    scratch: () => (files ??= makeScratch()),
  });
}
