import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { MillraceError } from "../core/errors/error.ts";

const chunkBytes = 1 << 20;

/** A packed file may grow by this factor and no further: a decompression bomb ends here. */
const largestGrowth = 1_200;

/** Whether the file's ending says gzip. */
export function isGzip(path: string): boolean {
  return path.toLowerCase().endsWith(".gz");
}

/**
 * The bytes of a file in chunks, unpacked where it ends in ".gz".
 *
 * Throws SOURCE_UNREADABLE for a damaged or cut-off archive, CANCELLED when the signal aborts.
 */
export async function* readBytes(path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const file = createReadStream(path, { highWaterMark: chunkBytes });
  const packed = isGzip(path);
  const stream = packed ? file.pipe(createGunzip({ chunkSize: chunkBytes })) : file;
  if (packed) file.on("error", (error) => stream.destroy(error));
  let nBytes = 0;
  try {
    for await (const chunk of stream) {
      if (signal?.aborted) throw new MillraceError("CANCELLED", { subject: `reading "${path}"` });
      nBytes += (chunk as Buffer).length;
      if (packed && nBytes > largestGrowth * (file.bytesRead + chunkBytes)) throw bombFault(path);
      yield chunk as Buffer;
    }
  } catch (error) {
    if (!packed || error instanceof MillraceError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError("SOURCE_UNREADABLE", { path, format: "gzip", reason }, { cause: error });
  } finally {
    file.destroy();
  }
}

function bombFault(path: string): MillraceError {
  const reason = `it unpacks to more than ${largestGrowth} times its size`;
  return new MillraceError("SOURCE_UNREADABLE", { path, format: "gzip", reason });
}
