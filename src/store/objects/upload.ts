import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { ObjectSdk } from "./sdk.ts";

/** Files up to this size go in one request, whose bytes are in memory for the SDK to send again. */
const partBytes = 8 << 20;
/** S3 takes at most 10,000 parts. */
const mostParts = 9_000;
const partsAtOnce = 4;

export interface PutRequest {
  readonly bucket: string;
  readonly key: string;
  readonly path: string;
  readonly signal: AbortSignal | undefined;
}

/** Puts a file's bytes as an object; what the SDK throws is passed on. */
export async function putFile(
  sdk: ObjectSdk,
  client: InstanceType<ObjectSdk["S3Client"]>,
  { bucket, key, path, signal }: PutRequest,
): Promise<void> {
  const { size } = await stat(path);
  if (size <= partBytes) {
    const put = { Bucket: bucket, Key: key, Body: await readFile(path) };
    await client.send(new sdk.PutObjectCommand(put), signal ? { abortSignal: signal } : {});
    return;
  }
  const body = createReadStream(path, { highWaterMark: 1 << 20 });
  const upload = new sdk.Upload({
    client,
    params: { Bucket: bucket, Key: key, Body: body },
    partSize: Math.max(partBytes, Math.ceil(size / mostParts)),
    queueSize: partsAtOnce,
  });
  const abort = (): void => void upload.abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await upload.done();
  } finally {
    signal?.removeEventListener("abort", abort);
    body.destroy();
  }
}
