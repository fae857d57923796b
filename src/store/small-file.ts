import { closeSync, fstatSync, openSync, readSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";

/** Up to so many bytes are read and written at once: the way to a thread and back takes longer. */
const smallBytes = 256 * 1024;

export async function readBytes(path: string): Promise<Uint8Array> {
  return readSmallFile(path, smallBytes) ?? readFile(path);
}

export async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  if (bytes.length > smallBytes) await writeFile(path, bytes);
  else writeFileSync(path, bytes);
}

/** The bytes of a file of at most `mostBytes`, read at once: the way to a thread and back takes longer. Null for a larger one. */
export function readSmallFile(path: string, mostBytes: number): Buffer | null {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    if (size > mostBytes) return null;
    const bytes = Buffer.allocUnsafeSlow(size);
    return readSync(file, bytes, 0, size, 0) === size ? bytes : null;
  } finally {
    closeSync(file);
  }
}
