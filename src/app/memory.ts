import { totalmem } from "node:os";

/** Of the memory at hand, what a dataset may take: the rest is for training and for what else runs. */
const share = 0.25;

/** Memory a dataset is held in, in bytes: MILLRACE_DATASET_MB, else a quarter of what the system or a container gives. */
export function bytesAtHand(): number {
  const wanted = Number(process.env["MILLRACE_DATASET_MB"]);
  if (Number.isFinite(wanted) && wanted > 0) return wanted * 2 ** 20;
  const limit = process.constrainedMemory();
  return share * (limit > 0 ? Math.min(limit, totalmem()) : totalmem());
}
