import type { StoreHooks } from "../../src/store/hooks.ts";

/** Ends this process at the n-th passing of a failpoint, as nothing in it can hinder or notice. */
export function killAt(failpoint: string | undefined, nth: number): StoreHooks {
  let passed = 0;
  return {
    reached(point) {
      if (point === failpoint && ++passed === nth) process.kill(process.pid, "SIGKILL");
    },
  };
}
