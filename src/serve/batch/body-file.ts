import { type FileHandle, open, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { MillraceError } from "../../core/errors/error.ts";
import { formatBytes } from "../limits.ts";

export interface KeepOptions {
  readonly maxBytes: number;
  /** How the file is created; tests hand in failing disks. */
  readonly create?: (path: string) => Promise<FileHandle>;
}

/**
 * Writes a body to a new file at `path` that nobody else may read. Throws REQUEST_TOO_LARGE, BATCH_UNWRITABLE where the disk refuses
 * it and REQUEST_MALFORMED where the body breaks off; then there is no file.
 */
export async function keepBody(body: Readable, path: string, options: KeepOptions): Promise<void> {
  const { maxBytes, create = (file) => open(file, "wx", 0o600) } = options;
  const file = await create(path).catch((error: unknown) => {
    throw unwritable(error);
  });
  try {
    await copy(body, file, maxBytes);
    await file.close().catch((error: unknown) => {
      throw unwritable(error);
    });
  } catch (error) {
    await file.close().catch(() => {});
    await rm(path, { force: true });
    throw error;
  }
}

async function copy(body: Readable, file: FileHandle, maxBytes: number): Promise<void> {
  let nBytes = 0;
  // Destroyed, a body would take the connection with it, and the client would not hear why.
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  for (;;) {
    const next = await chunks.next().catch((error: unknown) => {
      throw new MillraceError("REQUEST_MALFORMED", { reason: "the body breaks off" }, { cause: error });
    });
    if (next.done) return;
    nBytes += next.value.length;
    if (nBytes > maxBytes) {
      await chunks.return?.();
      throw bodyTooLarge(maxBytes);
    }
    await file.writeFile(next.value).catch(async (error: unknown) => {
      await chunks.return?.();
      throw unwritable(error);
    });
  }
}

export function bodyTooLarge(maxBytes: number): MillraceError {
  return new MillraceError("REQUEST_TOO_LARGE", {
    subject: "a batch in Parquet",
    limit: formatBytes(maxBytes),
    actual: "more",
  });
}

function unwritable(error: unknown): MillraceError {
  const reason = (error as NodeJS.ErrnoException).code ?? "UNKNOWN";
  return new MillraceError("BATCH_UNWRITABLE", { reason }, { cause: error });
}
