import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { leftBehind } from "../../store/temporary.ts";

const prefix = "millrace-body-";

/**
 * Names for files of bodies in a folder, from which those go first that were left by processes that were killed: it may outlive many
 * of them, as the volume of a container does. `startedMs` is when this process began: in a container, each has the same number.
 */
export async function bodyPaths(folder: string, startedMs: number): Promise<() => string> {
  const left = await leftBehind(folder, prefix, startedMs).catch(() => []);
  // Those of other users stay.
  for (const file of left) await rm(file, { force: true }).catch(() => {});
  return () => path.join(folder, `${prefix}${process.pid}-${randomUUID()}`);
}
