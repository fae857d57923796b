import { closeSync, fstatSync, openSync, readSync } from "node:fs";

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
