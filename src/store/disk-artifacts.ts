import { createHash, randomBytes } from "node:crypto";
import { closeSync, fdatasync, fstatSync, openSync, readSync, renameSync, statSync } from "node:fs";
import { copyFile, link, mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import type { Digest } from "../core/digest.ts";
import { ifAbsent, isAbsent } from "../core/errors/absent.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { ArtifactStore, StoredArtifact } from "./artifacts.ts";
import type { StoreHooks } from "./hooks.ts";
import { digestOf } from "./platform-digest.ts";
import { readSmallFile } from "./small-file.ts";
import { syncFile, syncPath } from "./sync.ts";
import { unwritableError } from "./unwritable.ts";

const chunkBytes = 1 << 20;

/**
 * Up to this size a file is hashed at once, by calls that do not go through a thread: each of them takes less time than
 * its way there and back. Only what waits for the disk does.
 */
const smallBytes = 256 * 1024;

/** Artifacts as files of a folder; what a bucket's artifacts are copied into, too. */
export interface DiskArtifacts extends ArtifactStore {
  /** Hashes a finished file and makes it last. */
  settle(path: string): Promise<StoredArtifact>;
  /** Puts a settled file under its digest, in the place of what stands there. */
  keep(path: string, digest: Digest): Promise<void>;
  /** Notes that the file under an artifact's name has its bytes. */
  trust(digest: Digest): void;
  /** The digest of the bytes under an artifact's name; null where there are none. Hashed only when new or changed. */
  actualDigest(digest: Digest): Promise<Digest | null>;
}

async function hashFile(path: string): Promise<Digest> {
  const bytes = readSmallFile(path, smallBytes);
  return bytes === null ? hashLarge(path) : digestOf(bytes);
}

async function hashLarge(path: string): Promise<Digest> {
  const handle = await open(path, "r");
  try {
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunkBytes, null);
      if (bytesRead === 0) return `sha256:${hash.digest("hex")}`;
      hash.update(chunk.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/** ab/cdef... Only a well-formed digest becomes a path: a name from outside cannot lead out of the folder. */
export function partsOf(digest: Digest): readonly [folder: string, name: string] {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new MillraceError("ARTIFACT_MISSING", { digest });
  return [digest.slice(7, 9), digest.slice(9)];
}

/** Where an artifact lies in the store in `folder`. */
export function artifactPath(folder: string, digest: Digest): string {
  return join(folder, "artifacts", ...partsOf(digest));
}

interface Look {
  readonly size: number;
  readonly stamp: string;
}

function lookAt(path: string): Look | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? { size: found.size, stamp: `${found.size} ${found.mtimeMs} ${found.ino}` } : null;
}

/** The artifacts in subfolder "artifacts" of the store in `folder`. */
export function createDiskArtifacts(folder: string, hooks: StoreHooks): DiskArtifacts {
  const root = join(folder, "artifacts");
  const verified = new VerifiedFiles();
  const pathOf = (digest: Digest): string => `${root}${sep}${partsOf(digest).join(sep)}`;
  const keep = async (from: string, digest: Digest): Promise<void> => {
    const found = lookAt(from);
    await moveTo(pathOf(digest), from, root, hooks);
    verified.trust(digest, found);
  };
  const settle = (path: string): Promise<StoredArtifact> => settleFile(path, hooks);
  const verifiedPath = async (digest: Digest): Promise<string> => {
    requireSound(digest, await verified.actualDigest(digest, pathOf(digest)), pathOf(digest));
    return pathOf(digest);
  };
  const sizeOf = async (digest: Digest): Promise<number | null> => lookAt(pathOf(digest))?.size ?? null;
  return {
    settle,
    keep,
    trust: (digest) => verified.trust(digest, lookAt(pathOf(digest))),
    actualDigest: (digest) => verified.actualDigest(digest, pathOf(digest)),
    verifiedPath,
    pathOf,
    place: null,
    small: null,
    nameOf: (digest) => `artifacts/${partsOf(digest).join("/")}`,
    has: async (digest) => (await sizeOf(digest)) !== null,
    sizeOf,
    temporaryPath: temporaryNames(folder),
    adopt: (path) => adoptFile(path, root, { settle, keep }),
    readBytes: (digest) => readSound(pathOf(digest), digest),
    copyTo: (digest, target, byLink) => takeOver(digest, pathOf(digest), target, byLink),
    problemOf: (digest, size) => problemOfFile(digest, size, { sizeOf, verifiedPath }),
    keepCopy: async () => {},
    stored: () => storedFiles(root),
    remove: (digests) => removeFiles(digests.map(pathOf), hooks),
    sweep: async () => {},
    close: () => {},
  };
}

/** With one random part for all: another thread or a later process of the same number has another. */
function temporaryNames(folder: string): () => string {
  const prefix = join(folder, "temporary", `${process.pid}-${randomBytes(8).toString("hex")}`);
  let nNames = 0;
  return () => `${prefix}-${++nNames}`;
}

/** Files whose bytes were found to match their digest, and are hashed again only once they look otherwise. */
class VerifiedFiles {
  /** Digest -> stamp of the file when its bytes were last found to match. */
  readonly #stamps = new Map<Digest, string>();

  trust(digest: Digest, found: Look | null): void {
    this.#stamps.set(digest, found?.stamp ?? "");
  }

  async actualDigest(digest: Digest, path: string): Promise<Digest | null> {
    const found = lookAt(path);
    if (found === null) return null;
    if (this.#stamps.get(digest) === found.stamp) return digest;
    const actual = await hashFile(path);
    if (actual === digest) this.trust(digest, found);
    return actual;
  }
}

async function removeFiles(paths: readonly string[], hooks: StoreHooks): Promise<void> {
  for (const path of paths) {
    hooks.reached("gc.fileRemoving");
    await rm(path, { force: true });
  }
}

async function settleFile(path: string, hooks: StoreHooks): Promise<StoredArtifact> {
  hooks.reached("artifact.adopting");
  const settled = (await settleSmall(path)) ?? (await settleLarge(path));
  hooks.reached("artifact.synced");
  return settled;
}

async function settleLarge(path: string): Promise<StoredArtifact> {
  const [digest] = await Promise.all([hashFile(path), syncFile(path)]);
  return { digest, size: statSync(path).size };
}

/** Null for a file that is not small. */
async function settleSmall(path: string): Promise<StoredArtifact | null> {
  const file = openSync(path, "r+");
  try {
    const { size } = fstatSync(file);
    if (size > smallBytes) return null;
    const bytes = Buffer.allocUnsafe(size);
    for (let at = 0; at < size;) {
      const read = readSync(file, bytes, at, size - at, at);
      if (read === 0) return null;
      at += read;
    }
    await synced(file);
    return { digest: digestOf(bytes), size };
  } finally {
    closeSync(file);
  }
}

function synced(file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(file, (error) => (error ? reject(error) : resolve()));
  });
}

async function adoptFile(
  path: string,
  root: string,
  { settle, keep }: Pick<DiskArtifacts, "settle" | "keep">,
): Promise<StoredArtifact> {
  try {
    const settled = await settle(path);
    await keep(path, settled.digest);
    return settled;
  } catch (error) {
    throw unwritableError(root, error);
  }
}

/** Makes the folders that artifacts will lie in, so that no artifact has to wait until the name of its folder lasts. */
export async function makeSubfolders(root: string, hooks: StoreHooks): Promise<void> {
  const names = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));
  await Promise.all(names.map((name) => mkdir(join(root, name), { recursive: true })));
  hooks.reached("artifact.folderMade");
  await syncPath(root);
}

async function moveTo(target: string, from: string, root: string, hooks: StoreHooks): Promise<void> {
  if (lookAt(dirname(target)) === null) {
    await mkdir(dirname(target), { recursive: true });
    hooks.reached("artifact.folderMade");
    await syncPath(root);
  }
  hooks.reached("artifact.renaming");
  renameSync(from, target);
  hooks.reached("artifact.renamed");
  await syncPath(dirname(target));
  hooks.reached("artifact.kept");
}

/** Throws ARTIFACT_MISSING or ARTIFACT_DAMAGED unless the bytes at `path` have the artifact's digest. */
export function requireSound(digest: Digest, actual: Digest | null, path: string): void {
  if (actual === null) throw new MillraceError("ARTIFACT_MISSING", { digest });
  if (actual !== digest) throw new MillraceError("ARTIFACT_DAMAGED", { digest, actual, path });
}

/** Hashes a chunk at a time, so that a server that reads a large model answers in between. */
async function readSound(path: string, digest: Digest): Promise<Uint8Array> {
  const handle = await open(path, "r").catch((error: unknown) => {
    if (isAbsent(error)) throw new MillraceError("ARTIFACT_MISSING", { digest });
    throw error;
  });
  try {
    const bytes = Buffer.allocUnsafeSlow((await handle.stat()).size);
    const hash = createHash("sha256");
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(smallBytes, bytes.length - at), at);
      if (bytesRead === 0) break;
      hash.update(bytes.subarray(at, (at += bytesRead)));
    }
    requireSound(digest, `sha256:${hash.digest("hex")}`, path);
    return bytes;
  } finally {
    await handle.close();
  }
}

/** An artifact never changes: one file may stand under two names. Another disk gets a copy. */
async function takeOver(digest: Digest, from: string, to: string, byLink: boolean): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    if (byLink) return await link(from, to);
    await copyFile(from, to);
    await syncPath(to);
  } catch (error) {
    if (isAbsent(error)) throw new MillraceError("ARTIFACT_MISSING", { digest });
    await copyFile(from, to);
    await syncPath(to);
  }
}

async function problemOfFile(
  digest: Digest,
  size: number,
  { sizeOf, verifiedPath }: Pick<ArtifactStore, "sizeOf" | "verifiedPath">,
): Promise<string | null> {
  const actual = await sizeOf(digest);
  if (actual === null) return "the file is missing";
  if (actual !== size) return `the file has ${actual} bytes, not ${size}`;
  await verifiedPath(digest);
  return null;
}

/** Every file below `root` that has the name of an artifact. A folder that is gone holds none. */
async function* storedFiles(root: string): AsyncGenerator<StoredArtifact> {
  const names = (path: string): Promise<string[]> => readdir(path).catch(ifAbsent([]));
  for (const first of await names(root)) {
    if (!/^[0-9a-f]{2}$/.test(first)) continue;
    for (const rest of await names(join(root, first))) {
      const found = /^[0-9a-f]{62}$/.test(rest) ? lookAt(join(root, first, rest)) : null;
      if (found) yield { digest: `sha256:${first}${rest}`, size: found.size };
    }
  }
}
