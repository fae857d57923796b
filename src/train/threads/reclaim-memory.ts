import v8 from "node:v8";
import vm from "node:vm";

let collect: (() => void) | null = null;

/**
 * Collects garbage now; costs some 20 ms. While workers train, this thread allocates nothing, so nothing else would make
 * it give back what it binned, for minutes.
 */
export function reclaimMemory(): void {
  if (collect === null) {
    v8.setFlagsFromString("--expose-gc");
    collect = vm.runInNewContext("gc") as () => void;
    v8.setFlagsFromString("--no-expose-gc");
  }
  collect();
}
