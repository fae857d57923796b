import { Worker } from "node:worker_threads";

/** What a child process that reads one file may cost. */
export interface ChildLimits {
  readonly memoryMb: number;
  /** Of the processor's time: on a machine with other work to do, a sound file takes longer, and no more. */
  readonly timeoutMs: number;
}

/**
 * Ends this process once it takes more (SIGKILL for memory, SIGTERM for time), and once its parent is gone. A thread of its own looks,
 * even while the main thread is busy.
 */
export function keepWithin({ memoryMb, timeoutMs }: ChildLimits): void {
  const watch = `setInterval(() => {
    const { user, system } = process.cpuUsage();
    if (user + system > ${timeoutMs} * 1000) process.kill(process.pid, "SIGTERM");
    const isOver = process.memoryUsage.rss() > ${memoryMb} * 2 ** 20;
    if (isOver || process.ppid !== ${process.ppid}) process.kill(process.pid, "SIGKILL");
  }, 10);`;
  new Worker(watch, { eval: true, execArgv: [] }).unref();
}
