import { type ChildProcess, fork, type StdioOptions } from "node:child_process";
import { Worker } from "node:worker_threads";

/** What a child process that reads one file may cost. */
export interface ChildLimits {
  readonly memoryMb: number;
  /** Of the processor's time: on a machine with other work to do, a sound file takes longer, and no more. */
  readonly timeoutMs: number;
}

const memorySignal = "SIGKILL";
/** Nobody else sends it, and unlike SIGXCPU it leaves no core behind; Windows does not know it. */
const timeSignal = process.platform === "win32" ? "SIGTERM" : "SIGVTALRM";
/** Sent to a whole group of processes by a terminal or whoever manages them. */
const interrupts: readonly string[] = ["SIGINT", "SIGTERM"];

/** Starts a process of its own at `entry`, which has to call `keepWithin` first of all; it sees no environment. */
export function forkWithin(
  entry: string,
  args: readonly string[],
  { memoryMb, timeoutMs }: ChildLimits,
  stdio: StdioOptions,
): ChildProcess {
  const execArgv = [`--max-old-space-size=${memoryMb}`];
  return fork(entry, [String(memoryMb), String(timeoutMs), ...args], { execArgv, stdio, env: {} });
}

/**
 * Ends this process once it takes more than `forkWithin` allowed it, and once its parent is gone; what an interrupt means, the parent
 * decides. A thread of its own looks, even while the main thread is busy. Gives the arguments.
 */
export function keepWithin(): readonly string[] {
  const [memoryMb, timeoutMs] = process.argv.slice(2, 4).map(Number);
  for (const signal of interrupts) process.on(signal, () => {});
  const watch = `setInterval(() => {
    const { user, system } = process.cpuUsage();
    if (user + system > ${timeoutMs} * 1000) process.kill(process.pid, "${timeSignal}");
    const isOver = process.memoryUsage.rss() > ${memoryMb} * 2 ** 20;
    if (isOver || process.ppid !== ${process.ppid}) process.kill(process.pid, "${memorySignal}");
  }, 10);`;
  new Worker(watch, { eval: true, execArgv: [] }).unref();
  return process.argv.slice(4);
}

/**
 * What ended a process: one of its limits, or an interrupt that came before it called `keepWithin`; null for anything else, such as a
 * crash.
 */
export function endOf(killer: NodeJS.Signals | null): "memory" | "time" | "interrupt" | null {
  if (killer === timeSignal) return "time";
  // V8 aborts where its heap is full.
  if (killer === memorySignal || killer === "SIGABRT") return "memory";
  return killer !== null && interrupts.includes(killer) ? "interrupt" : null;
}
