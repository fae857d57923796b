import { createHash, randomInt } from "node:crypto";
import { open } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import type { Digest } from "../../core/digest.ts";
import { MillraceError } from "../../core/errors/error.ts";
import type { ObjectFacts, ObjectStore } from "./client.ts";
import { unwritableError } from "../unwritable.ts";
import { isPassing, objectFailure } from "./failures.ts";

export interface DownloadedObject extends ObjectFacts {
  readonly digest: Digest;
}

export interface DownloadOptions {
  /** Only this content: OBJECT_CHANGED where the object has another ETag by now. */
  readonly etag?: string | null;
  readonly signal?: AbortSignal | undefined;
  /** Without a byte for so long the connection counts as lost. Default 30,000. */
  readonly idleMs?: number;
  /** Times a lost connection is taken up again where it broke, counted anew once another MiB has come. Default 3. */
  readonly retries?: number;
}

const worthwhileBytes = 1 << 20;

/**
 * Brings an object to a file that does not exist yet, null = only its digest. A connection lost on the way is taken up
 * again at the same byte of the same content; a file cut short is never taken for a whole one.
 *
 * Throws OBJECT_MISSING, OBJECT_CHANGED, OBJECT_TRUNCATED, OBJECTS_UNREACHABLE, OBJECTS_DENIED or CANCELLED.
 */
export async function downloadObject(
  objects: ObjectStore,
  key: string,
  path: string | null,
  options: DownloadOptions = {},
): Promise<DownloadedObject> {
  const file = path === null ? null : await open(path, "wx").catch(refuse(path));
  try {
    const write = async (chunk: Buffer): Promise<void> => file?.writeFile(chunk).catch(refuse(path!));
    return await receive(objects, key, write, options);
  } finally {
    await file?.close();
  }
}

function refuse(path: string): (error: unknown) => never {
  return (error) => {
    throw unwritableError(path, error);
  };
}

async function receive(
  objects: ObjectStore,
  key: string,
  write: (chunk: Buffer) => Promise<void>,
  options: DownloadOptions,
): Promise<DownloadedObject> {
  const { signal, idleMs = 30_000, retries = 3 } = options;
  const hash = createHash("sha256");
  let facts: ObjectFacts | undefined;
  let received = 0;
  let nLost = 0;
  for (;;) {
    const start = received;
    try {
      const got = await objects.get(key, { start, etag: facts?.etag ?? options.etag ?? null, signal });
      facts ??= got.facts;
      for await (const chunk of lively(got.body, idleMs, signal)) {
        hash.update(chunk);
        await write(chunk);
        received += chunk.length;
      }
      if (received === facts.sizeBytes) return { ...facts, digest: `sha256:${hash.digest("hex")}` };
      throw new MillraceError("OBJECT_TRUNCATED", { place: objects.place(key), received, size: facts.sizeBytes });
    } catch (error) {
      const failure = objectFailure(error, objects.place(key), signal);
      const isTooLong = facts !== undefined && received >= facts.sizeBytes;
      nLost = received - start >= worthwhileBytes ? 1 : nLost + 1;
      if (!isPassing(failure) || isTooLong || nLost > retries) throw failure;
    }
    await wait(randomInt(50, 100) * 2 ** nLost);
  }
}

/** The chunks of a body; one that stands still, or whose reader is told to stop, is broken off. */
async function* lively(body: Readable, idleMs: number, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  if (signal) addAbortSignal(signal, body);
  const timer = setTimeout(() => body.destroy(new Error(`no byte came for ${idleMs / 1000} s`)), idleMs);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      yield chunk;
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}
