import { totalmem } from "node:os";
import { environmentNumber } from "./environment-number.ts";

/** Of the memory at hand, what a dataset may take: the rest is for training and for what else runs. */
const share = 0.25;

/** Memory a dataset is held in, in bytes: MILLRACE_DATASET_MB, else a quarter of what the system or a container gives. Throws USAGE. */
export function bytesAtHand(): number {
  const wanted = environmentNumber("MILLRACE_DATASET_MB", 0.001, 2 ** 30);
  if (wanted !== undefined) return wanted * 2 ** 20;
  const limit = process.constrainedMemory();
  return share * (limit > 0 ? Math.min(limit, totalmem()) : totalmem());
}
