import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { MillraceError } from "../../core/errors/error.ts";
import { createLineReader } from "./lines.ts";
import { endOfLines, receiveError } from "./protocol.ts";
import type { StepModule, StepTask, ToChild, ToParent } from "./protocol.ts";

/** How a child process is started. */
export interface WorkerStart {
  readonly entry: string;
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Working memory in MiB; null = what Node gives. */
  readonly memoryMb: number | null;
}

export interface TaskCall {
  readonly task: StepTask;
  readonly name: string;
  readonly signal: AbortSignal;
  readonly onBegin: () => void;
  readonly onProgress: (done: number, total: number, unit: string) => void;
  readonly onLine: (stream: "stdout" | "stderr", line: string) => void;
}

export type Done = Extract<ToParent, { kind: "done" }>;

/** A child process that tries one step at a time. */
export interface StepWorker {
  /** Has it load what the first task will need. */
  load(module: StepModule): void;
  run(call: TaskCall): Promise<Done>;
  isAlive(): boolean;
  /** At once, with everything it started. */
  kill(): void;
}

const watchMs = 50;
const graceMs = 1000;
const linesMs = 1000;
const mostAtOnce = 1 << 19;
const holdMs = 20;
const mostEarly = 1000;

/** What a Node process of its own needs before it does anything, in MiB. */
const processMb = 100;

export function startWorker(start: WorkerStart): StepWorker {
  const { memoryMb } = start;
  const child = forkChild(start);
  let heapMb = memoryMb ?? 0;
  let under: Attempt | null = null;
  let isOver = false;
  const kill = (): void => {
    if (!isOver) killGroup(child);
  };
  const streams = { stdout: createStream(child, "stdout"), stderr: createStream(child, "stderr") };
  child.on("message", (message: ToParent) => {
    if (message.kind === "ready") heapMb = message.heapMb;
    else under?.onMessage(message);
  });
  child.on("error", (error) => under?.fail(error));
  child.on("close", (code, signal) => {
    isOver = true;
    under?.onExit(code, signal, heapMb);
  });
  return {
    isAlive: () => !isOver && child.connected,
    kill,
    // One that is gone already is found out by whoever has a task for it.
    load: (module) => void child.send({ kind: "load", module } satisfies ToChild, () => {}),
    async run(call) {
      const attempt = createAttempt(call, { child, kill, memoryMb, streams });
      under = attempt;
      try {
        return await attempt.result;
      } finally {
        under = null;
      }
    },
  };
}

function forkChild({ entry, env, execArgv, memoryMb }: WorkerStart): ChildProcess {
  const limit = memoryMb === null ? [] : [`--max-old-space-size=${memoryMb}`];
  return fork(entry, [], {
    env,
    execArgv: [...execArgv, ...limit],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // A group of its own, so that killing it reaches what a step started, and Ctrl-C reaches only us.
    detached: process.platform !== "win32",
  });
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined && process.platform !== "win32") process.kill(-child.pid, "SIGKILL");
    else child.kill("SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/** The lines of one stream, for whichever task is under way. */
interface Stream {
  /** Null before the first task. */
  onLine: ((line: string) => void) | null;
  /** What was printed before the first task, while its module was loaded. */
  readonly early: string[];
  /** Resolves at the mark that ends a task. */
  ended(id: number): Promise<void>;
  last: string;
}

function createStream(child: ChildProcess, name: "stdout" | "stderr"): Stream {
  const marks = new Map<string, () => void>();
  const reader = createLineReader((line) => {
    if (line.startsWith("\u0000")) return marks.get(line)?.();
    if (line.trim() !== "") stream.last = line;
    if (stream.onLine) stream.onLine(line);
    else if (stream.early.length < mostEarly) stream.early.push(line);
  });
  const stream: Stream = {
    onLine: null,
    early: [],
    ended: (id) =>
      new Promise((resolve) => {
        marks.set(endOfLines(id), resolve);
      }),
    last: "",
  };
  const source = child[name]!.setEncoding("utf8");
  source.on("data", (chunk: string) => reader.write(chunk));
  holdBack(source);
  return stream;
}

/** Reads no more than so much at a time: a step that floods its output is to wait, not the others. */
function holdBack(source: Readable): void {
  let left = mostAtOnce;
  source.on("data", (chunk: string) => {
    left -= chunk.length;
    if (left > 0) return;
    source.pause();
    setTimeout(() => {
      left = mostAtOnce;
      source.resume();
    }, holdMs);
  });
}

/** One attempt under way in a child process. */
interface Attempt {
  readonly result: Promise<Done>;
  onMessage(message: Exclude<ToParent, { kind: "ready" }>): void;
  onExit(code: number | null, signal: string | null, heapMb: number): void;
  fail(error: Error): void;
}

interface Streams {
  readonly stdout: Stream;
  readonly stderr: Stream;
}

/** The process an attempt runs in. */
interface Host {
  readonly child: ChildProcess;
  readonly kill: () => void;
  readonly memoryMb: number | null;
  readonly streams: Streams;
}

function createAttempt(call: TaskCall, host: Host): Attempt {
  const { task, name, signal } = call;
  const { child, kill, memoryMb, streams } = host;
  const printed = listen(streams, call);
  const memory = watchMemory(child, memoryMb, kill);
  const { promise, resolve, reject } = withResolvers<Done>();
  const stopWaiting = killWhenAborted(call, child, kill);
  child.send({ kind: "run", task } satisfies ToChild, (error) => error && reject(error));
  return {
    result: promise.finally(() => {
      memory.stop();
      stopWaiting();
    }),
    onMessage(message) {
      if (message.id !== task.id) return;
      if (message.kind === "begun") return call.onBegin();
      if (message.kind === "progress") return call.onProgress(message.done, message.total, message.unit);
      const settle = (): void => (message.kind === "done" ? resolve(message) : reject(receiveError(message.error)));
      // What it printed before it returned belongs to it; a step that closed its streams is not waited for long.
      void Promise.race([printed.ended, new Promise((done) => setTimeout(done, linesMs).unref())]).then(settle);
    },
    onExit(code, killedBy, heapMb) {
      if (memory.isExceeded() || printed.saysHeapIsFull())
        reject(new MillraceError("STEP_OUT_OF_MEMORY", { step: name, limitMb: memoryMb ?? heapMb }));
      else if (signal.aborted) reject(signal.reason as Error);
      else {
        const how = killedBy === null ? `with code ${code} before the step returned` : `by ${killedBy}`;
        reject(new MillraceError("STEP_EXITED", { step: name, how, said: streams.stderr.last || streams.stdout.last }));
      }
    },
    fail: reject,
  };
}

/** Passes on what is printed from now on as this task's; `ended` resolves at the marks that end it. */
function listen(
  streams: Streams,
  { task, onLine }: TaskCall,
): { readonly ended: Promise<unknown>; saysHeapIsFull(): boolean } {
  const tails: string[] = [];
  const begin = (stream: "stdout" | "stderr"): Promise<void> => {
    const source = streams[stream];
    const take = (line: string): void => {
      if (stream === "stderr" && tails.push(line) > 200) tails.shift();
      onLine(stream, line);
    };
    source.onLine = take;
    const early = source.early.splice(0);
    source.last = early.findLast((line) => line.trim() !== "") ?? "";
    early.forEach(take);
    return source.ended(task.id);
  };
  return {
    ended: Promise.all([begin("stdout"), begin("stderr")]),
    saysHeapIsFull: () => tails.some((line) => /heap out of memory|Array buffer allocation failed/.test(line)),
  };
}

/** Kills a process that needs more memory than it may have, and remembers that it did. */
function watchMemory(
  child: ChildProcess,
  memoryMb: number | null,
  kill: () => void,
): { isExceeded(): boolean; stop(): void } {
  let isExceeded = false;
  const look = (): void => {
    if (memoryMb === null || residentMb(child.pid) <= memoryMb + processMb) return;
    isExceeded = true;
    kill();
  };
  const watch = memoryMb === null ? undefined : setInterval(look, watchMs);
  return { isExceeded: () => isExceeded, stop: () => clearInterval(watch) };
}

/** Asks the step to end when it is cancelled, and kills it a little later; at once when its time is up. */
function killWhenAborted({ task, signal }: TaskCall, child: ChildProcess, kill: () => void): () => void {
  let late: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    const isLate = signal.reason instanceof MillraceError && signal.reason.code === "STEP_TIMED_OUT";
    if (child.connected && !isLate) child.send({ kind: "abort", id: task.id } satisfies ToChild);
    late = setTimeout(kill, isLate ? 0 : graceMs);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  return () => {
    clearTimeout(late);
    signal.removeEventListener("abort", onAbort);
  };
}

/** Resident memory of a process in MiB; 0 where the system does not say (only Linux does so cheaply). */
function residentMb(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
