import { closeSync, fsync, openSync } from "node:fs";

/** Makes a file, or the names in a folder, last through a power loss. Windows has no such call for folders and needs none. */
export async function syncPath(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const file = openSync(path, "r");
  try {
    await new Promise<void>((resolve, reject) => {
      fsync(file, (error) => (error ? reject(error) : resolve()));
    });
  } finally {
    closeSync(file);
  }
}
