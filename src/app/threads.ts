import { availableParallelism } from "node:os";
import { environmentNumber } from "./environment-number.ts";

/** Threads to train and predict with: MILLRACE_THREADS, else the cores at hand, at most 8. Throws USAGE. */
export function threadsAtHand(): number {
  return Math.floor(environmentNumber("MILLRACE_THREADS", 1, 256) ?? Math.min(8, availableParallelism()));
}
