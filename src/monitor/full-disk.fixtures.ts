import { type FileHandle, open } from "node:fs/promises";

/** Makes files on a disk that is full while `isFull` says so. */
export function fullDisk(isFull: () => boolean): (file: string) => Promise<FileHandle> {
  return async (file) => {
    const handle = await open(file, "wx");
    const refuse = (): void => {
      if (isFull()) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    };
    const [write, writeFile] = [handle.write.bind(handle), handle.writeFile.bind(handle)];
    handle.write = (async (bytes: Uint8Array, offset: number, length: number, position: number) => {
      refuse();
      return write(bytes, offset, length, position);
    }) as FileHandle["write"];
    handle.writeFile = async (data) => {
      refuse();
      return writeFile(data as Buffer);
    };
    return handle;
  };
}
