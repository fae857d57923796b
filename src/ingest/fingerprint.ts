import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type Digest, sha256 } from "../core/digest.ts";
import { type LocatedFile, locateParts } from "./locate.ts";
import type { SourceDescription } from "./source.ts";

/** Remembers digests between runs, by a key of path, size and time of change. */
export interface FingerprintMemo {
  get(key: string): Promise<string | undefined> | string | undefined;
  set(key: string, value: string): Promise<void> | void;
}

/**
 * The digest of the bytes of a source's file, or files. With a memo, a file whose path, size and time of change are as before is
 * not read again.
 *
 * Throws SOURCE_NOT_FOUND, SOURCE_EMPTY or SOURCE_UNREADABLE.
 */
export async function fingerprintSource(
  source: SourceDescription,
  root: string,
  memo?: FingerprintMemo,
): Promise<Digest> {
  const digests: Digest[] = [];
  for (const file of await locateParts(source, root)) digests.push(await fingerprintFile(file, memo));
  return digests.length === 1 ? digests[0]! : sha256(digests.join(" "));
}

async function fingerprintFile(file: LocatedFile, memo: FingerprintMemo | undefined): Promise<Digest> {
  const key = `fingerprint:${file.path}:${file.sizeBytes}:${file.modifiedMs}`;
  const known = await memo?.get(key);
  if (known?.startsWith("sha256:")) return known as Digest;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file.path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  const digest: Digest = `sha256:${hash.digest("hex")}`;
  await memo?.set(key, digest);
  return digest;
}
