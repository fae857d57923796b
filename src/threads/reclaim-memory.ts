import v8 from "node:v8";
import vm from "node:vm";

import type { Team } from "./team.ts";

type Collect = () => void;
let collect: Collect | null = null;

/** Bytes of garbage from which on collecting it at once is worth the wait. */
const leastBytes = 100_000_000;

/** Whether the columns of a design, once they are binned, are worth `reclaimMemory`. */
export function isWorthReclaiming(nRows: number, nColumns: number): boolean {
  return nRows * nColumns * Float64Array.BYTES_PER_ELEMENT >= leastBytes;
}

/**
 * Makes `reclaimMemory` possible. Threads must take turns: the flag that shows V8's collector is the process's. Where another
 * thread took it away at that moment, nothing will be collected.
 */
export function findCollector(): void {
  if (collect !== null) return;
  v8.setFlagsFromString("--expose-gc");
  collect = vm.runInNewContext("typeof gc === 'function' ? gc : null") as Collect | null;
  v8.setFlagsFromString("--no-expose-gc");
}

/**
 * Collects garbage now; costs some 20 ms. While columns are binned and workers train, threads allocate next to nothing, so
 * nothing else would make them give back what was binned, for minutes.
 */
export function reclaimMemory(): void {
  findCollector();
  collect?.();
}

/** `findCollector` in every thread of a team, which all call this at once. */
export function findCollectorInTurns({ thread, threads, barrier }: Team): void {
  for (let turn = 0; turn < threads; ++turn) {
    if (turn === thread) findCollector();
    barrier();
  }
}
