import { open } from "node:fs/promises";

/** Makes a file, or the names in a folder, last through a power loss. Windows has no such call for folders and needs none. */
export async function syncPath(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
