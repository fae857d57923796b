import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { syncPath } from "../store/sync.ts";
import { mayRun } from "../store/processes.ts";
import { decodeLine, idOfLine, isRejected } from "./log-line.ts";
import { listSegments } from "./segments.ts";

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
      const lines = (await readFile(segment.path, "utf8")).split("\n");
      const kept = lines.filter((line) => !isOf(line, column, values));
      if (kept.length === lines.length) continue;
      // A process writes only the last segment it began.
      const isOpen = mayRun(segment.pid) && !segments.slice(i + 1).some(({ pid }) => pid === segment.pid);
      if (isOpen) openLogs.push(path.relative(folder, segment.path));
      if (isOpen && !dryRun) continue;
      predictions += lines.length - kept.length;
      for (const line of lines) {
        const id = isOf(line, column, values) ? idOfLine(line) : undefined;
        if (id !== undefined) ids.push(id);
      }
      if (!dryRun) {
        await writeFile(`${segment.path}.rest`, kept.join("\n"), { flush: true });
        await rename(`${segment.path}.rest`, segment.path);
      }
    }
    if (!dryRun) await syncPath(path.join(root, model));
  }
  return { predictions, ids, openLogs };
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
