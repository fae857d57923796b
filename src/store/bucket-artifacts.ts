import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Digest } from "../core/digest.ts";
import { isMillraceError, MillraceError } from "../core/errors/error.ts";
import type { ArtifactStore, StoredArtifact } from "./artifacts.ts";
import { createClaim } from "./bucket-claim.ts";
import { type DiskArtifacts, partsOf, requireSound } from "./disk-artifacts.ts";
import type { StoreHooks } from "./hooks.ts";
import type { ObjectStore } from "./objects/client.ts";
import { type DownloadedObject, downloadObject } from "./objects/download.ts";
import { syncFile } from "./sync.ts";
import { unwritableError } from "./unwritable.ts";

const requestsAtOnce = 8;

interface BucketParts {
  /** Copies on this machine, which may be deleted at any time. */
  readonly cache: DiskArtifacts;
  readonly bucket: string;
  /** What every key begins with: "" or "a/b/". */
  readonly prefix: string;
  readonly connect: () => Promise<ObjectStore>;
  readonly identify: () => Promise<string>;
  readonly hooks: StoreHooks;
}

/** What all operations of one bucket share. */
interface Bucket extends BucketParts {
  /** The connection, made once. */
  readonly objects: () => Promise<ObjectStore>;
  /** Makes sure that the prefix is this store's. */
  readonly claim: () => Promise<void>;
  readonly keyOf: (digest: Digest) => string;
  readonly nameOf: (digest: Digest) => string;
  /** Downloads under way: who asks for one again waits for it. */
  readonly fetching: Map<Digest, Promise<void>>;
}

/**
 * Artifacts as objects of a bucket, under `prefix`ab/cdef... An object is there before anything refers to it. The files
 * on this machine are copies: a damaged or missing one is fetched again, a damaged object is never handed out.
 */
export function createBucketArtifacts(parts: BucketParts): ArtifactStore {
  const { cache, connect, prefix } = parts;
  let connection: Promise<ObjectStore> | undefined;
  const objects = (): Promise<ObjectStore> =>
    (connection ??= connect().catch((error: unknown) => {
      connection = undefined;
      throw error;
    }));
  const keyOf = (digest: Digest): string => `${prefix}${partsOf(digest).join("/")}`;
  const nameOf = (digest: Digest): string => `s3://${parts.bucket}/${keyOf(digest)}`;
  const claim = createClaim(objects, prefix, parts.identify);
  const bucket: Bucket = { ...parts, objects, claim, keyOf, nameOf, fetching: new Map() };
  const sizeOf = async (digest: Digest): Promise<number | null> =>
    (await cache.sizeOf(digest)) ?? (await (await objects()).head(keyOf(digest)))?.sizeBytes ?? null;
  return {
    pathOf: cache.pathOf,
    temporaryPath: cache.temporaryPath,
    place: `s3://${parts.bucket}/${prefix}`,
    nameOf,
    sizeOf,
    has: async (digest) => (await sizeOf(digest)) !== null,
    adopt: (path) => adopt(bucket, path),
    verifiedPath: (digest) => verifiedPath(bucket, digest),
    readBytes: async (digest) => {
      await verifiedPath(bucket, digest);
      return cache.readBytes(digest);
    },
    copyTo: (digest, target, byLink) => copyTo(bucket, digest, target, byLink),
    problemOf: (digest, size) => problemOf(bucket, digest, size),
    keepCopy: (digest, size) => keepCopy(bucket, digest, size),
    stored: () => stored(bucket),
    remove: (digests) => remove(bucket, digests),
    sweep: async (beforeMs) => void (await (await objects()).abandonUploads(prefix, beforeMs)),
    small: null,
    close: () => void connection?.then((open) => open.close()).catch(() => {}),
  };
}

/** The object stands whole in the bucket before this returns, and so before any row names it. */
async function adopt(bucket: Bucket, path: string): Promise<StoredArtifact> {
  const { cache, hooks } = bucket;
  try {
    const settled = await cache.settle(path);
    await send(bucket, settled, path);
    hooks.reached("artifact.sent");
    await cache.keep(path, settled.digest);
    return settled;
  } catch (error) {
    throw unwritableError(path, error);
  }
}

async function send(bucket: Bucket, { digest, size }: StoredArtifact, path: string): Promise<void> {
  const { objects, claim, keyOf, hooks } = bucket;
  const open = await objects();
  await claim();
  hooks.reached("artifact.sending");
  // Put even where an object of the name exists: it may be damaged, which only reading it all could tell.
  await open.put(keyOf(digest), path);
  const found = await open.head(keyOf(digest));
  if (found?.sizeBytes === size) return;
  throw new MillraceError("OBJECT_TRUNCATED", {
    place: open.place(keyOf(digest)),
    received: found?.sizeBytes ?? 0,
    size,
  });
}

async function verifiedPath(bucket: Bucket, digest: Digest): Promise<string> {
  const { cache, fetching } = bucket;
  if ((await cache.actualDigest(digest)) === digest) return cache.pathOf(digest);
  let work = fetching.get(digest);
  if (!work) fetching.set(digest, (work = fetch(bucket, digest).finally(() => fetching.delete(digest))));
  await work;
  return cache.pathOf(digest);
}

/** Into a temporary file first: nothing but the artifact's own bytes ever stands under its name. */
async function fetch(bucket: Bucket, digest: Digest): Promise<void> {
  const { cache } = bucket;
  const path = cache.temporaryPath();
  try {
    await download(bucket, digest, path);
    await cache.keep(path, digest);
  } finally {
    await rm(path, { force: true });
  }
}

async function download(bucket: Bucket, digest: Digest, path: string): Promise<void> {
  requireSound(digest, (await receive(bucket, digest, path))?.digest ?? null, bucket.nameOf(digest));
  await syncFile(path);
}

/** What the object's bytes are, which go to `path` where one is given; null where there is no object. */
async function receive(bucket: Bucket, digest: Digest, path: string | null): Promise<DownloadedObject | null> {
  const open = await bucket.objects();
  try {
    return await downloadObject(open, bucket.keyOf(digest), path);
  } catch (error) {
    if (isMillraceError(error) && error.code === "OBJECT_MISSING") return null;
    throw error;
  }
}

async function copyTo(bucket: Bucket, digest: Digest, target: string, byLink: boolean): Promise<void> {
  if ((await bucket.cache.actualDigest(digest)) === digest) return bucket.cache.copyTo(digest, target, byLink);
  await mkdir(dirname(target), { recursive: true });
  await download(bucket, digest, target);
}

async function problemOf(bucket: Bucket, digest: Digest, size: number): Promise<string | null> {
  const found = await receive(bucket, digest, null);
  if (found === null) {
    const isHere = (await bucket.cache.actualDigest(digest)) === digest;
    return `the object is missing${isHere ? "; its copy on this machine is whole (`millrace backup` takes it, `restore` puts it back)" : ""}`;
  }
  if (found.sizeBytes !== size) return `the object has ${found.sizeBytes} bytes, not ${size}`;
  return found.digest === digest ? null : `its bytes have digest ${found.digest}`;
}

async function keepCopy(bucket: Bucket, digest: Digest, size: number): Promise<void> {
  const found = await (await bucket.objects()).head(bucket.keyOf(digest));
  if (found?.sizeBytes !== size) await send(bucket, { digest, size }, await bucket.cache.verifiedPath(digest));
}

/** The bucket's objects, then the copies of what is not in it. */
async function* stored({ objects, prefix, cache }: Bucket): AsyncGenerator<StoredArtifact> {
  const seen = new Set<Digest>();
  for await (const { key, sizeBytes } of (await objects()).list(prefix)) {
    const parts = /^([0-9a-f]{2})\/([0-9a-f]{62})$/.exec(key.slice(prefix.length));
    if (!parts) continue;
    const digest: Digest = `sha256:${parts[1]}${parts[2]}`;
    seen.add(digest);
    yield { digest, size: sizeBytes };
  }
  for await (const copy of cache.stored()) if (!seen.has(copy.digest)) yield copy;
}

async function remove({ objects, claim, keyOf, cache }: Bucket, digests: readonly Digest[]): Promise<void> {
  const open = await objects();
  await claim();
  const waiting = [...digests];
  const removeNext = async (): Promise<void> => {
    for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) await open.remove(keyOf(digest));
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, removeNext));
  await cache.remove(digests);
}
