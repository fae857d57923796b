import { type FileHandle, open } from "node:fs/promises";

/** Makes files on a disk that is full while `isFull` says so. */
export function fullDisk(isFull: () => boolean): (file: string) => Promise<FileHandle> {
  return async (file) => {
    const handle = await open(file, "ax");
    const writeFile = handle.writeFile.bind(handle);
    handle.writeFile = async (data) => {
      if (isFull()) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
      return writeFile(data as Buffer);
    };
    return handle;
  };
}
