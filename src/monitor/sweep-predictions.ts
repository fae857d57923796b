import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { ifAbsent } from "../core/errors/absent.ts";
import { noHooks } from "../store/hooks.ts";
import type { StoreHooks } from "../store/hooks.ts";
import { mayRun } from "../store/processes.ts";
import { listSegments, type Segment } from "./segments.ts";

/** What went of the prediction logs of all models, or would go. */
export interface SweptPredictions {
  readonly segments: number;
  readonly bytes: number;
}

/**
 * Removes the segments below `folder` that were last written before a time (UTC milliseconds). A segment goes as a whole, once
 * its newest entry is old enough; one is begun anew with the first entry of a day, so that nothing stays more than a day
 * longer, but for the one a living process writes.
 */
export async function sweepPredictions(
  folder: string,
  beforeMs: number,
  dryRun: boolean,
  hooks: StoreHooks = noHooks,
): Promise<SweptPredictions> {
  const root = path.join(folder, "predictions");
  const swept = { segments: 0, bytes: 0 };
  for (const model of await readdir(root).catch(() => [])) {
    const segments = await listSegments(path.join(root, model));
    const newest = new Map(segments.map((segment) => [segment.pid, segment]));
    for (const segment of segments) {
      if (newest.get(segment.pid) === segment && mayRun(segment.pid)) continue;
      const size = await sizeOfOld(segment, beforeMs);
      if (size === null) continue;
      swept.segments += 1;
      swept.bytes += size;
      if (dryRun) continue;
      hooks.reached("predictions.sweeping");
      await rm(segment.path, { force: true });
    }
  }
  return swept;
}

/** Null for a segment that is not old enough yet, or was swept by another process since it was listed. */
async function sizeOfOld({ path: file }: Segment, beforeMs: number): Promise<number | null> {
  const { mtimeMs, size } = await stat(file).catch(ifAbsent({ mtimeMs: Infinity, size: 0 }));
  // A file that was copied is younger than its entries; none of them is younger than it.
  return mtimeMs >= beforeMs ? null : size;
}
