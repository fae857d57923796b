import type { Digest } from "../core/digest.ts";
import { createBucketArtifacts } from "./bucket-artifacts.ts";
import { createDiskArtifacts } from "./disk-artifacts.ts";
import type { StoreHooks } from "./hooks.ts";
import { connectObjects, type ObjectStore } from "./objects/client.ts";
import { parseObjectAddress } from "./objects/address.ts";
import { createSmallArtifacts } from "./small-artifacts.ts";
import type { SmallArtifacts } from "./small-artifacts.ts";

/**
 * Content-addressed files. One under its digest is whole and lasts, whenever the process or the machine stops, but for small
 * ones, which last by the commit that names them (`Unsynced`).
 */
export interface ArtifactStore {
  /** Where the artifact lies on this machine, or would lie: artifacts/ab/cdef... Of a bucket's it is a copy, or not there. */
  pathOf(digest: Digest): string;
  /** `s3://bucket/prefix/` where artifacts are kept in a bucket; null where in the store's folder. */
  readonly place: string | null;
  /** What a person calls it: a file below the store's folder, or s3://bucket/key. */
  nameOf(digest: Digest): string;
  has(digest: Digest): Promise<boolean>;
  /** Size in bytes; null where there is no such artifact. */
  sizeOf(digest: Digest): Promise<number | null>;
  /** A name in the store's folder for temporary files, not used before; nothing is created. */
  temporaryPath(): string;
  /** Takes a finished temporary file into the store under the digest of its bytes. The temporary name is gone after. */
  adopt(temporaryPath: string): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** A path, once its bytes are known to match: a file is hashed again only after it changed or in a new process. */
  verifiedPath(digest: Digest): Promise<string>;
  /** The bytes, checked against the digest at every call. */
  readBytes(digest: Digest): Promise<Uint8Array>;
  /** Writes the artifact to a path where there is none; `byLink` allows a second name for the same file. */
  copyTo(digest: Digest, target: string, byLink: boolean): Promise<void>;
  /** What is wrong with what lasts of an artifact, however many copies are at hand; null where nothing is. */
  problemOf(digest: Digest, size: number): Promise<string | null>;
  /** Where the file at `pathOf` is a copy, makes sure that what it is a copy of is kept, too. */
  keepCopy(digest: Digest, size: number): Promise<void>;
  /** Everything that is kept, whether anything refers to it or not. */
  stored(): AsyncIterable<StoredArtifact>;
  remove(digests: readonly Digest[]): Promise<void>;
  /** Gives up what was begun before a time and never finished, where that is not a temporary file. */
  sweep(beforeMs: number): Promise<void>;
  close(): void;
  /** Null where every artifact lasts as soon as it is taken in. */
  readonly small: SmallArtifacts | null;
}

export interface StoredArtifact {
  readonly digest: Digest;
  readonly size: number;
}

export interface ArtifactOptions {
  readonly hooks: StoreHooks;
  /** `s3://bucket/prefix`: artifacts are kept there, and the store's folder holds copies. Default: the folder itself. */
  readonly place?: string | undefined;
  /** The store's own id, by which it knows its prefix of a bucket. */
  readonly identify: () => Promise<string>;
}

/**
 * The artifacts of the store in `folder`, whose subfolder "temporary" exists. A bucket is connected when first needed.
 * Throws OBJECT_ADDRESS_INVALID for a place that is none.
 */
export function createArtifactStore(folder: string, options: ArtifactOptions): ArtifactStore {
  const { hooks, place, identify } = options;
  const disk = createDiskArtifacts(folder, hooks);
  if (!place) {
    const small = createSmallArtifacts(disk, hooks);
    return {
      ...disk,
      small,
      async verifiedPath(digest) {
        await small.make(digest);
        return disk.verifiedPath(digest);
      },
      close: () => small.close(),
    };
  }
  const { bucket, key } = parseObjectAddress(place, "MILLRACE_ARTIFACTS");
  const prefix = key === "" || key.endsWith("/") ? key : `${key}/`;
  const connect = (): Promise<ObjectStore> => connectObjects({ bucket });
  return createBucketArtifacts({ cache: disk, bucket, prefix, connect, identify, hooks });
}
