import { open } from "node:fs/promises";
import { unwritable } from "../locate.ts";

/** Where bytes go, one after the other. */
export interface ByteSink {
  /** The parts are the writer's own again once this resolves. */
  write(parts: readonly Buffer[]): Promise<void>;
  close(): Promise<void>;
}

/** A file, written anew. Throws STORE_UNWRITABLE, also when it is written to. */
export async function openFileSink(path: string): Promise<ByteSink> {
  const guarded = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw unwritable(path, error);
    });
  const file = await guarded(open(path, "w"));
  let offset = 0;
  return {
    async write(parts) {
      for (let left = parts; left.length > 0;) {
        const { bytesWritten } = await guarded(file.writev(left, offset));
        offset += bytesWritten;
        left = behind(left, bytesWritten);
      }
    },
    close: () => file.close(),
  };
}

/** The parts without their first `n` bytes, and without empty ones. */
function behind(parts: readonly Buffer[], n: number): Buffer[] {
  let left = n;
  const rest: Buffer[] = [];
  for (const part of parts) {
    const cut = Math.min(left, part.length);
    left -= cut;
    if (cut < part.length) rest.push(part.subarray(cut));
  }
  return rest;
}
