// What a child process that decodes Arrow data runs: a damaged file can cost it its time and its memory, and nobody else's.
import { Worker } from "node:worker_threads";
import { ArrowFault, decodeArrow } from "./decode.ts";

const [path, output, limitMb, limitMs] = process.argv.slice(2) as [string, string, string, string];

/**
 * In a thread of its own: it looks even while the main thread is busy. Time is the processor's: on a machine with other work
 * to do, a sound file takes longer, and no more.
 */
const watch = `setInterval(() => {
  const { user, system } = process.cpuUsage();
  if (user + system > ${Number(limitMs)} * 1000) process.kill(process.pid, "SIGTERM");
  const isOver = process.memoryUsage.rss() > ${Number(limitMb)} * 2 ** 20;
  if (isOver || process.ppid !== ${process.ppid}) process.kill(process.pid, "SIGKILL");
}, 10);`;
new Worker(watch, { eval: true, execArgv: [] }).unref();

decodeArrow(path, output)
  .then(
    () => ({ fault: null }),
    (error: unknown) => ({
      fault: error instanceof ArrowFault ? error.message : `it is damaged: ${String(error)}`,
    }),
  )
  .then((answer) => process.send!(answer, () => process.exit(0)))
  .catch(() => process.exit(1));
