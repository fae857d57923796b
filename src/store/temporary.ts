import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { mayRun } from "./processes.ts";

const dayMs = 86_400_000;

/** A clock that jumps ages a file at once: what another living process has made is never old. Names begin with its number. */
function mayBeInUse(name: string): boolean {
  const pid = Number.parseInt(name, 10);
  return pid > 0 && pid !== process.pid && mayRun(pid);
}

/** Temporary files of the store in `folder` that were last written before a time, by a process that is gone. */
export async function temporaryFiles(folder: string, beforeMs: number): Promise<string[]> {
  const temporary = join(folder, "temporary");
  const old: string[] = [];
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name);
    const found = await stat(path).catch(() => undefined);
    if (found && found.mtimeMs < beforeMs && !mayBeInUse(name)) old.push(path);
  }
  return old;
}

/** Removes temporary files that no process can still be writing: those untouched for a day. */
export async function sweepTemporary(folder: string, nowMs: number): Promise<void> {
  for (const path of await temporaryFiles(folder, nowMs - dayMs)) await rm(path, { recursive: true, force: true });
}
