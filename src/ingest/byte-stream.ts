import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";

const chunkBytes = 1 << 20;

/** A packed file may grow by this factor and no further: a decompression bomb ends here. */
export const largestGrowth = 1_200;
/** So much passes whatever it was packed in. */
const freeBytes = 1 << 28;

type Packing = "gzip" | "zstd" | null;

function packingOf(path: string): Packing {
  const lower = path.toLowerCase();
  return lower.endsWith(".gz") ? "gzip" : lower.endsWith(".zst") ? "zstd" : null;
}

/** Counts the packed bytes that it took. */
type Unpacker = Transform & { readonly bytesWritten: number };

/** Node reads Zstandard from 22.15 on; the types of Node 20 do not know it. */
function unpackerOf(packing: "gzip" | "zstd", path: string): Unpacker {
  if (packing === "gzip") return zlib.createGunzip({ chunkSize: chunkBytes });
  const create = (zlib as { readonly createZstdDecompress?: (options: { chunkSize: number }) => Unpacker })
    .createZstdDecompress;
  if (create) return create({ chunkSize: chunkBytes });
  const reason = `Node ${process.versions.node} cannot unpack it (22.15 and newer can); pack it as .gz or Parquet`;
  throw new MillraceError("SOURCE_UNREADABLE", { path, format: "zstd", reason });
}

/** The digest of a file's bytes. */
export async function digestFile(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest("hex")}`;
}

/**
 * The bytes of a file in chunks, unpacked where it ends in ".gz" or ".zst".
 *
 * Throws SOURCE_UNREADABLE for a damaged or cut-off archive, CANCELLED when the signal aborts.
 */
export async function* readBytes(path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const packing = packingOf(path);
  const unpacker = packing && unpackerOf(packing, path);
  const file = createReadStream(path, { highWaterMark: chunkBytes });
  const stream = unpacker ? file.pipe(unpacker) : file;
  if (unpacker) file.on("error", (error) => unpacker.destroy(error));
  let nBytes = 0;
  try {
    for await (const chunk of stream) {
      if (signal?.aborted) throw new MillraceError("CANCELLED", { subject: `reading "${path}"` });
      nBytes += (chunk as Buffer).length;
      if (unpacker && nBytes > largestGrowth * unpacker.bytesWritten + freeBytes) throw bombFault(path, packing!);
      yield chunk as Buffer;
    }
  } catch (error) {
    if (!packing || error instanceof MillraceError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError("SOURCE_UNREADABLE", { path, format: packing, reason }, { cause: error });
  } finally {
    file.destroy();
  }
}

/** The bytes of a file, as {@link readBytes} gives them, put where they are wanted. Close it. */
export interface ByteReader {
  /** Fills a part of `target` from `start` on; how many bytes, 0 at the end. */
  read(target: Buffer, start: number): Promise<number>;
  close(): Promise<void>;
}

/** Opens a file. Throws, as its reader does, what {@link readBytes} throws. */
export async function openBytes(path: string, signal?: AbortSignal): Promise<ByteReader> {
  if (packingOf(path) !== null) return readerOf(readBytes(path, signal));
  const file = await open(path, "r");
  return {
    async read(target, start) {
      if (signal?.aborted) throw new MillraceError("CANCELLED", { subject: `reading "${path}"` });
      return (await file.read(target, start, target.length - start)).bytesRead;
    },
    close: () => file.close(),
  };
}

function readerOf(chunks: AsyncGenerator<Buffer, void, void>): ByteReader {
  let rest: Buffer = Buffer.alloc(0);
  return {
    async read(target, start) {
      while (rest.length === 0) {
        const { done, value } = await chunks.next();
        if (done) return 0;
        rest = value;
      }
      const count = rest.copy(target, start);
      rest = rest.subarray(count);
      return count;
    },
    close: async () => void (await chunks.return()),
  };
}

function bombFault(path: string, format: string): MillraceError {
  const reason = `it unpacks to more than ${largestGrowth} times its size`;
  return new MillraceError("SOURCE_UNREADABLE", { path, format, reason });
}
