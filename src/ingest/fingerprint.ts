import { type Digest, sha256 } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { digestFile } from "./byte-stream.ts";
import { filesOf, type LocatedFile, type LocatedSource, locateSource, type Place } from "./locate.ts";
import type { SourceDescription } from "./source.ts";

/** Remembers digests between runs, by a key of path, size and time of change. */
export interface FingerprintMemo {
  get(key: string): Promise<string | undefined> | string | undefined;
  set(key: string, value: string): Promise<void> | void;
}

/**
 * The digest of the bytes a source reads; of several files with their names, which say what partition they are. With a
 * memo, a file whose path, size and time of change are as before is not read again.
 *
 * Throws what {@link locateSource} throws, and SOURCE_CHANGED for a file with another checksum than its source says.
 */
export async function fingerprintSource(
  source: SourceDescription,
  place: Place,
  memo?: FingerprintMemo,
): Promise<Digest> {
  const located = await locateSource(source, place);
  const files = filesOf(located);
  const digests = new Map<LocatedFile, Digest>();
  for (const file of files) digests.set(file, await fingerprintFile(file, memo));
  verifyChecksums(located, digests);
  const [only] = files;
  if (files.length === 1) return digests.get(only!)!;
  return sha256(files.map((file) => `${digests.get(file)} ${file.name}`).join("\n"));
}

async function fingerprintFile(file: LocatedFile, memo: FingerprintMemo | undefined): Promise<Digest> {
  const key = `fingerprint:${file.path}:${file.sizeBytes}:${file.modifiedMs}`;
  const known = await memo?.get(key);
  if (known?.startsWith("sha256:")) return known as Digest;
  const digest = await digestFile(file.path);
  await memo?.set(key, digest);
  return digest;
}

function verifyChecksums(located: LocatedSource, digests: ReadonlyMap<LocatedFile, Digest>): void {
  const { source, files, parts } = located;
  for (const part of parts) verifyChecksums(part.located, digests);
  if (source.checksum === undefined) return;
  const [file] = files;
  const actual = files.length === 1 ? digests.get(file!)! : `${files.length} files`;
  if (actual !== source.checksum)
    throw new MillraceError("SOURCE_CHANGED", { path: source.path, expected: source.checksum, actual });
}

/** Throws SOURCE_CHANGED where a file has another checksum than its source says. */
export async function requireChecksums(located: LocatedSource): Promise<void> {
  for (const part of located.parts) await requireChecksums(part.located);
  if (located.source.checksum === undefined) return;
  const digests = new Map<LocatedFile, Digest>();
  for (const file of located.files) digests.set(file, await digestFile(file.path));
  verifyChecksums({ ...located, parts: [] }, digests);
}
