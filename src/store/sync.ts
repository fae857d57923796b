import { closeSync, fsync, openSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isAbsent } from "../core/errors/absent.ts";

/** Makes a file, or the names in a folder, last through a power loss. Windows has no such call for folders and needs none. */
export async function syncPath(path: string): Promise<void> {
  if (process.platform !== "win32") await synced(path, "r");
}

/** Makes a file that was written last through a power loss: on Windows, too, which asks for the right to write. */
export async function syncFile(path: string): Promise<void> {
  await synced(path, "r+");
}

async function synced(path: string, flags: "r" | "r+"): Promise<void> {
  const file = openSync(path, flags);
  try {
    await new Promise<void>((resolve, reject) => {
      fsync(file, (error) => (error ? reject(error) : resolve()));
    });
  } finally {
    closeSync(file);
  }
}

/** Makes a folder last with every file and every name in it. */
export async function syncBelow(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    await (entry.isDirectory() ? syncBelow(path) : syncPath(path)).catch((error: unknown) => {
      // SQLite removes its log when a connection ends, which may be later than we close it.
      if (!isAbsent(error)) throw error;
    });
  }
  await syncPath(folder);
}
