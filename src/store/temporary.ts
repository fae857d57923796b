import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StoreHooks } from "./hooks.ts";
import { mayRun } from "./processes.ts";

export const dayMs = 86_400_000;

/** A clock that jumps ages a file at once: what another living process has made is never old. */
function mayBeInUse(pid: number): boolean {
  return pid > 0 && pid !== process.pid && mayRun(pid);
}

/**
 * What a folder holds that was last written before a time, by a process that is gone: its number follows `prefix`, with which
 * the names begin.
 */
export async function leftBehind(folder: string, prefix: string, beforeMs: number): Promise<string[]> {
  const old: string[] = [];
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found && found.mtimeMs < beforeMs && !mayBeInUse(Number.parseInt(name.slice(prefix.length), 10)))
      old.push(path);
  }
  return old;
}

/** Temporary files of the store in `folder` that were last written before a time, by a process that is gone. */
export function temporaryFiles(folder: string, beforeMs: number): Promise<string[]> {
  return leftBehind(join(folder, "temporary"), "", beforeMs);
}

/** Removes temporary files that no process can still be writing: those untouched for a day. */
export async function sweepTemporary(folder: string, nowMs: number, hooks: StoreHooks): Promise<void> {
  await removeOld(await temporaryFiles(folder, nowMs - dayMs), hooks);
}

/** Removes what processes that are gone left behind. */
export async function removeOld(paths: readonly string[], hooks: StoreHooks): Promise<void> {
  for (const path of paths) {
    hooks.reached("temporary.removing");
    await rm(path, { recursive: true, force: true });
  }
}
