import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

const dayMs = 86_400_000;

/** Temporary files of the store in `folder` that were last written before a time. */
export async function temporaryFiles(folder: string, beforeMs: number): Promise<string[]> {
  const temporary = join(folder, "temporary");
  const old: string[] = [];
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name);
    const found = await stat(path).catch(() => undefined);
    if (found && found.mtimeMs < beforeMs) old.push(path);
  }
  return old;
}

/** Removes temporary files that no living process can still be writing: those untouched for a day. */
export async function sweepTemporary(folder: string, nowMs: number): Promise<void> {
  for (const path of await temporaryFiles(folder, nowMs - dayMs)) await rm(path, { recursive: true, force: true });
}
