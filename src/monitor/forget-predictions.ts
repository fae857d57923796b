import { readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { noHooks } from "../store/hooks.ts";
import type { StoreHooks } from "../store/hooks.ts";
import { syncPath } from "../store/sync.ts";
import { mayRun } from "../store/processes.ts";
import { decodeLine, idOfLine, isRejected } from "./log-line.ts";
import { listSegments, type Segment, textOfSegment } from "./segments.ts";

/** What went of the prediction log, and the segments a living process still writes, which must wait. */
export interface ForgottenPredictions {
  readonly predictions: number;
  /** The ids of those predictions. */
  readonly ids: readonly string[];
  readonly openLogs: readonly string[];
}

/**
 * Takes the predictions for requests with one of `values` in `column` out of the log of every model below `folder`. A segment
 * is written anew beside the old one and takes its name; damaged lines stay as they are.
 */
export async function forgetPredictions(
  folder: string,
  column: string,
  values: ReadonlySet<string>,
  dryRun: boolean,
  hooks: StoreHooks = noHooks,
): Promise<ForgottenPredictions> {
  const root = path.join(folder, "predictions");
  const models = await readdir(root).catch(() => []);
  const openLogs: string[] = [];
  const ids: string[] = [];
  let predictions = 0;
  for (const model of models) {
    if (!dryRun) await removeRests(path.join(root, model));
    const segments = await listSegments(path.join(root, model));
    for (const [i, segment] of segments.entries()) {
      const { theirs, kept } = await linesOf(segment, (line) => isOf(line, column, values));
      if (theirs.length === 0) continue;
      // A process writes only the last segment it began.
      const isOpen = mayRun(segment.pid) && !segments.slice(i + 1).some(({ pid }) => pid === segment.pid);
      if (isOpen) openLogs.push(path.relative(folder, segment.path));
      if (isOpen && !dryRun) continue;
      predictions += theirs.length;
      for (const line of theirs) {
        const id = idOfLine(line);
        if (id !== undefined) ids.push(id);
      }
      if (!dryRun) await writeAnew(segment.path, kept, hooks);
    }
    if (!dryRun) await syncPath(path.join(root, model));
  }
  return { predictions, ids, openLogs };
}

async function linesOf(
  segment: Segment,
  isTheirs: (line: string) => boolean,
): Promise<{ readonly theirs: readonly string[]; readonly kept: readonly string[] }> {
  const [theirs, kept]: [string[], string[]] = [[], []];
  for (const line of (await textOfSegment(segment)).split("\n")) (isTheirs(line) ? theirs : kept).push(line);
  return { theirs, kept };
}

async function writeAnew(file: string, lines: readonly string[], hooks: StoreHooks): Promise<void> {
  await writeFile(`${file}.rest`, lines.join("\n"), { flush: true });
  hooks.reached("predictions.restWritten");
  await rename(`${file}.rest`, file);
  hooks.reached("predictions.restRenamed");
}

/** What a call left that was stopped before a segment took its name. */
async function removeRests(folder: string): Promise<void> {
  for (const file of await readdir(folder))
    if (file.endsWith(".rest")) await rm(path.join(folder, file), { force: true });
}

function isOf(line: string, column: string, values: ReadonlySet<string>): boolean {
  const entry = decodeLine(line);
  if (entry === undefined || isRejected(entry) || !Object.hasOwn(entry.inputs, column)) return false;
  const value = entry.inputs[column];
  return typeof value === "object" ? false : values.has(String(value));
}
