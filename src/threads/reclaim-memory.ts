import v8 from "node:v8";
import vm from "node:vm";

type Collect = () => void;
let collect: Collect | null = null;

/** Bytes of garbage from which on collecting it at once is worth the wait. */
const leastBytes = 100_000_000;

/** Whether the columns of a design, once they are binned, are worth `reclaimMemory`. */
export function isWorthReclaiming(nRows: number, nColumns: number): boolean {
  return nRows * nColumns * Float64Array.BYTES_PER_ELEMENT >= leastBytes;
}

/**
 * Collects garbage now; costs some 20 ms. While workers train, this thread allocates nothing, so nothing else would make
 * it give back what it binned, for minutes. Threads must take turns: the flag that shows V8's collector is the process's.
 * Where another thread took it away at that moment, nothing is collected.
 */
export function reclaimMemory(): void {
  if (collect === null) {
    v8.setFlagsFromString("--expose-gc");
    collect = vm.runInNewContext("typeof gc === 'function' ? gc : null") as Collect | null;
    v8.setFlagsFromString("--no-expose-gc");
  }
  collect?.();
}
