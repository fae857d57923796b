import { Worker } from "node:worker_threads";

import { workerModule } from "./location.ts";
import { type Team, type TeamControl, controlWords, createControl } from "./team.ts";

/** What a module that a crew runs must export. Payload and result cross threads by structured clone. */
export interface CrewMember {
  runMember(payload: unknown, team: Team): Promise<unknown>;
}

/** What a worker is sent: its place, its program and its data. */
export interface CrewOrder {
  readonly module: string;
  /** What it will be asked to run later, to be loaded once this is done. */
  readonly next: string | null;
  readonly payload: unknown;
  readonly thread: number;
  readonly threads: number;
  readonly control: SharedArrayBuffer;
}

export interface CrewReply {
  readonly result: unknown;
  readonly error: Error | null;
}

/** A worker and the order it is working on. */
interface Hand {
  readonly worker: Worker;
  settle: ((reply: CrewReply) => void) | null;
  /** Ends it when it was idle for long. */
  dismissal: NodeJS.Timeout | undefined;
}

/** Idle workers, kept for the next run: starting one costs 30 to 50 ms. They never keep the process alive. */
const idle: Hand[] = [];

/** An idle worker collects no garbage: what it was last given, up to hundreds of megabytes, goes with it. */
const idleMs = 5000;

/** Whether workers can share memory here and their compiled entry exists. */
export function canUseWorkers(): boolean {
  return typeof SharedArrayBuffer !== "undefined" && workerModule("worker", import.meta.url) !== null;
}

/** Starts the workers that `runCrew` will ask for, so that they are there when the caller has made their work ready. */
export function summonCrew(threads: number): void {
  while (idle.length < threads) keepIdle(startWorker());
}

/**
 * Runs the same program in `threads` workers over shared memory and gives the results in thread order. The caller's
 * event loop stays free; `watch` is called every `watchMs` meanwhile. A worker that throws or dies fails the whole run.
 */
export async function runCrew(args: {
  /** Path of a CommonJS module that is a CrewMember: see `workerModule`. */
  readonly module: string;
  /** Of the run that follows: workers load it once they are done, while the caller makes that ready. */
  readonly next?: string;
  readonly payload: unknown;
  readonly threads: number;
  readonly watch: (control: TeamControl) => void;
  readonly watchMs: number;
}): Promise<unknown[]> {
  const { module, next = null, payload, threads } = args;
  const memory = new SharedArrayBuffer(controlWords * 4);
  const control = createControl(new Int32Array(memory));
  const hands = Array.from({ length: threads }, () => takeIdle() ?? startWorker());
  const watcher = setInterval(() => args.watch(control), args.watchMs);
  try {
    const orders = hands.map((hand, thread) =>
      give(hand, control, { module, next, payload, thread, threads, control: memory }),
    );
    const settled = await Promise.allSettled(orders);
    // The thread that failed first says why; the others only report that it did.
    const failure = settled.find((one) => one.status === "rejected" && !isFollower(one.reason));
    const anyFailure = failure ?? settled.find((one) => one.status === "rejected");
    if (anyFailure?.status === "rejected") throw anyFailure.reason;
    return settled.map((one) => (one.status === "fulfilled" ? one.value : null));
  } finally {
    clearInterval(watcher);
  }
}

/** Ends the idle workers, for a program that wants its memory back. */
export async function dismissIdleWorkers(): Promise<void> {
  await Promise.all(idle.splice(0).map(dismiss));
}

function dismiss({ worker, dismissal }: Hand): Promise<number> {
  clearTimeout(dismissal);
  return worker.terminate();
}

function takeIdle(): Hand | undefined {
  const hand = idle.pop();
  clearTimeout(hand?.dismissal);
  return hand;
}

function keepIdle(hand: Hand): void {
  idle.push(hand);
  hand.dismissal = setTimeout(() => {
    idle.splice(idle.indexOf(hand), 1);
    void dismiss(hand);
  }, idleMs).unref();
}

function isFollower(reason: unknown): boolean {
  return reason instanceof Error && reason.message === "another thread of the team failed";
}

function startWorker(): Hand {
  const entry = workerModule("worker", import.meta.url);
  if (entry === null) throw new Error("the worker's entry is not compiled");
  const worker = new Worker(entry, { execArgv: [] });
  worker.unref();
  const hand: Hand = { worker, settle: null, dismissal: undefined };
  const die = (error: Error): void => {
    clearTimeout(hand.dismissal);
    const place = idle.indexOf(hand);
    if (place >= 0) idle.splice(place, 1);
    hand.settle?.({ result: null, error });
  };
  worker.on("message", (reply: CrewReply) => {
    keepIdle(hand);
    hand.settle?.(reply);
  });
  worker.on("error", die);
  worker.on("exit", (code) => die(new Error(`a worker thread ended with code ${code}`)));
  return hand;
}

/** Sends one order. The worker keeps the process alive until it has answered or died; dying fails the whole team. */
function give(hand: Hand, control: TeamControl, message: CrewOrder): Promise<unknown> {
  return new Promise((resolve, reject) => {
    hand.settle = ({ result, error }) => {
      hand.settle = null;
      hand.worker.unref();
      if (error === null) return resolve(result);
      control.fail();
      reject(error);
    };
    hand.worker.ref();
    hand.worker.postMessage(message);
  });
}
