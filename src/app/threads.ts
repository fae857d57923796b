import { availableParallelism } from "node:os";

/** Threads to train and predict with: MILLRACE_THREADS, else the cores at hand, at most 8. */
export function threadsAtHand(): number {
  const wanted = Number(process.env["MILLRACE_THREADS"]);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : Math.min(8, availableParallelism());
}
