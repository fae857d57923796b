import { randomBytes } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { StoreHooks } from "./hooks.ts";
import { syncPath } from "./sync.ts";
import { dayMs, leftBehind } from "./temporary.ts";

/** What a folder beside another is for: a copy that is being made of it or for it, or what was in its place before. */
type Purpose = "partial" | "restoring" | "replaced";

/** A name not used before beside a folder, hidden, that says what it is for and whose. */
export function besides(path: string, what: Purpose): string {
  return join(dirname(path), `${prefixOf(path, what)}${process.pid}-${randomBytes(4).toString("hex")}`);
}

/** Folders beside one that is there, left a day ago or more by processes that were cut off. */
export async function abandonedBesides(path: string, nowMs: number): Promise<string[]> {
  const purposes: readonly Purpose[] = ["partial", "restoring", "replaced"];
  const found = purposes.map((what) => leftBehind(dirname(path), prefixOf(path, what), nowMs - dayMs));
  // Not everybody may look at what is beside a folder.
  return (await Promise.all(found).catch(() => [])).flat();
}

/** Removes {@link abandonedBesides}, as far as it may: that another's are in the way is no fault of what was done beside them. */
export async function sweepBesides(path: string, nowMs: number): Promise<void> {
  for (const old of await abandonedBesides(path, nowMs))
    await rm(old, { recursive: true, force: true }).catch(() => {});
}

function prefixOf(path: string, what: Purpose): string {
  return `.${basename(path)}.${what}-`;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Puts a finished folder in the place of another, which goes last. Whatever fails before leaves the old one in place. */
export async function replaceFolder(path: string, finished: string, hooks: StoreHooks): Promise<void> {
  const old = besides(path, "replaced");
  const isThere = await exists(path);
  try {
    if (isThere) await rename(path, old);
    hooks.reached("restore.setAside");
    await rename(finished, path);
  } catch (error) {
    await putBack(path, hooks);
    throw error;
  }
  hooks.reached("restore.renamed");
  await syncPath(dirname(path));
  hooks.reached("restore.replaced");
  await rm(old, { recursive: true, force: true });
  hooks.reached("restore.oldRemoved");
}

/** Where a process died in the middle of a replacement, what was set aside comes back. */
export async function putBack(path: string, hooks: StoreHooks): Promise<void> {
  if (await exists(path)) return;
  const names = await readdir(dirname(path)).catch(() => [] as string[]);
  const aside = names.filter((name) => name.startsWith(prefixOf(path, "replaced"))).sort();
  if (aside[0] === undefined) return;
  await rename(join(dirname(path), aside[0]), path);
  hooks.reached("restore.putBack");
}
