import { randomBytes } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { StoreHooks } from "./hooks.ts";
import { syncPath } from "./sync.ts";

/** A name not used before beside a folder, hidden, that says what it is for. */
export function besides(path: string, what: string): string {
  return join(dirname(path), `${prefixOf(path, what)}${randomBytes(4).toString("hex")}`);
}

function prefixOf(path: string, what: string): string {
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
    await putBack(path);
    throw error;
  }
  await syncPath(dirname(path));
  hooks.reached("restore.replaced");
  await rm(old, { recursive: true, force: true });
}

/** Where a process died in the middle of a replacement, what was set aside comes back. */
export async function putBack(path: string): Promise<void> {
  if (await exists(path)) return;
  const names = await readdir(dirname(path)).catch(() => [] as string[]);
  const aside = names.filter((name) => name.startsWith(prefixOf(path, "replaced"))).sort();
  if (aside[0] !== undefined) await rename(join(dirname(path), aside[0]), path);
}
