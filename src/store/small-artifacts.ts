import { closeSync, linkSync, openSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Digest } from "../core/digest.ts";
import type { StoredArtifact } from "./artifacts.ts";
import type { DiskArtifacts } from "./disk-artifacts.ts";
import type { StoreHooks } from "./hooks.ts";
import { digestOf } from "./platform-digest.ts";
import { readSmallFile } from "./small-file.ts";
import { syncFile, syncPath } from "./sync.ts";
import { unwritableError } from "./unwritable.ts";

/** Larger files are cheaper to sync than to write twice. */
const mostBytes = 16 * 1024;

const aheadMs = 2;

export interface PlacedArtifact extends StoredArtifact {
  readonly bytes: Uint8Array;
}

/** Artifacts whose files are readable at once and made to last later, from bytes that last elsewhere meanwhile. */
export interface SmallArtifacts {
  /**
   * Puts a finished temporary file under its digest without waiting for the disk; the temporary name is gone after. Null
   * where it is not small, or another file stands there: whoever wrote that may count on it.
   */
  place(temporaryPath: string): PlacedArtifact | null;
  /** As `place`, of bytes at hand: the file is written where it stays. Nobody looks for it before its commit. */
  placeBytes(bytes: Uint8Array): PlacedArtifact | null;
  /** Takes bytes whose file is made by `make`; null where they are not small. */
  announce(bytes: Uint8Array): PlacedArtifact | null;
  isAnnounced(digest: Digest): boolean;
  /** Makes the file of an announced artifact; of any other nothing. Throws STORE_UNWRITABLE. */
  make(digest: Digest): Promise<void>;
  /** Makes a file ahead, for an artifact that is likely to come. */
  makeReady(): void;
  isWhole(digest: Digest): boolean;
  /** Makes the file and its name last. */
  sync(digest: Digest): Promise<void>;
  /** Writes the file anew, so that it lasts. */
  putBack(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** Lets go of the file made ahead. */
  close(): void;
}

export function createSmallArtifacts(disk: DiskArtifacts, hooks: StoreHooks): SmallArtifacts {
  const ahead = createFilesAhead(disk, hooks);
  const announced = new Map<Digest, PlacedArtifact>();
  const putBack = async (digest: Digest, bytes: Uint8Array): Promise<void> => {
    await writeAnew(disk, digest, bytes, hooks);
    announced.delete(digest);
  };
  return {
    place(path) {
      try {
        return place(disk, path, hooks);
      } catch (error) {
        throw unwritableError(path, error);
      }
    },
    placeBytes(bytes) {
      const taken = takeIn(bytes);
      return taken && isPlaced(disk, taken, ahead, hooks) ? taken : null;
    },
    announce(bytes) {
      const taken = takeIn(bytes);
      if (taken) announced.set(taken.digest, taken);
      return taken;
    },
    isAnnounced: (digest) => announced.has(digest),
    async make(digest) {
      const taken = announced.get(digest);
      if (taken === undefined) return;
      if (!isPlaced(disk, taken, ahead, hooks)) await putBack(digest, taken.bytes);
      announced.delete(digest);
    },
    makeReady: () => ahead.make(),
    isWhole: (digest) => isWhole(disk, digest),
    close: () => ahead.close(),
    sync: (digest) => syncNamed(disk.pathOf(digest), hooks),
    putBack,
  };
}

async function writeAnew(disk: DiskArtifacts, digest: Digest, bytes: Uint8Array, hooks: StoreHooks): Promise<void> {
  const path = disk.temporaryPath();
  try {
    await writeFile(path, bytes);
    await syncFile(path);
    hooks.reached("unsynced.puttingBack");
    await disk.keep(path, digest);
  } catch (error) {
    throw unwritableError(path, error);
  } finally {
    await rm(path, { force: true });
  }
}

async function syncNamed(path: string, hooks: StoreHooks): Promise<void> {
  await syncFile(path);
  hooks.reached("unsynced.fileSynced");
  await syncPath(dirname(path));
}

function place(disk: DiskArtifacts, path: string, hooks: StoreHooks): PlacedArtifact | null {
  const bytes = readSmallFile(path, mostBytes);
  if (bytes === null) return null;
  hooks.reached("artifact.adopting");
  const digest = digestOf(bytes);
  const target = disk.pathOf(digest);
  hooks.reached("artifact.placing");
  // A link never takes the place of what is there, as a new name would: that may be on record, and last.
  if (!isLinked(path, target, hooks) && !isWhole(disk, digest)) return null;
  unlinkSync(path);
  disk.trust(digest);
  hooks.reached("artifact.placed");
  return { digest, size: bytes.length, bytes };
}

/** Null for what is not small. */
function takeIn(given: Uint8Array): PlacedArtifact | null {
  if (given.length > mostBytes) return null;
  // Whoever gave them may change them before they are committed.
  const bytes = new Uint8Array(given);
  return { digest: digestOf(bytes), size: bytes.length, bytes };
}

/** Writes the file where it stays; false where another file stands there. */
function isPlaced(
  disk: DiskArtifacts,
  { digest, bytes }: PlacedArtifact,
  ahead: FilesAhead,
  hooks: StoreHooks,
): boolean {
  const path = disk.pathOf(digest);
  try {
    hooks.reached("artifact.adopting");
    hooks.reached("artifact.placing");
    if (!ahead.isPut(path, bytes) && !isWritten(path, bytes, hooks) && !isWhole(disk, digest)) return false;
    disk.trust(digest);
    hooks.reached("artifact.placed");
    return true;
  } catch (error) {
    throw unwritableError(path, error);
  }
}

/** A file made before it is needed, for making one takes longer than all else of an artifact. */
interface FilesAhead {
  /** Whether the bytes are in a file under `path`, where there was none; false also where no file was made ahead. */
  isPut(path: string, bytes: Uint8Array): boolean;
  make(): void;
  close(): void;
}

/** Files come ahead one at a time, and only once nothing was put for a while: among many each would be made twice over. */
function createFilesAhead(disk: DiskArtifacts, hooks: StoreHooks): FilesAhead {
  let spare: { readonly path: string; readonly file: number } | null = null;
  let used: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  const removeUsed = (): void => {
    if (used !== null) rmSync(used, { force: true });
    used = null;
  };
  const make = (): void => {
    try {
      removeUsed();
      const path = disk.temporaryPath();
      spare ??= { path, file: openSync(path, "wx") };
    } catch {
      // Whoever needs a file makes it then, and says what is wrong.
    }
  };
  return {
    make,
    isPut(path, bytes) {
      clearTimeout(timer);
      timer = setTimeout(make, aheadMs).unref();
      if (spare === null) return false;
      const { path: from, file } = spare;
      spare = null;
      removeUsed();
      used = from;
      writeAll(file, bytes, hooks);
      return isLinked(from, path, hooks);
    },
    close() {
      clearTimeout(timer);
      removeUsed();
      if (spare === null) return;
      closeSync(spare.file);
      rmSync(spare.path, { force: true });
      spare = null;
    },
  };
}

/** A process that ends in between leaves a torn file, which nothing names and the next to place these bytes replaces. */
function isWritten(path: string, bytes: Uint8Array, hooks: StoreHooks): boolean {
  const file = openNew(path);
  if (file === null) return false;
  writeAll(file, bytes, hooks);
  return true;
}

/** And closes the file. */
function writeAll(file: number, bytes: Uint8Array, hooks: StoreHooks): void {
  try {
    hooks.reached("artifact.writing");
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    hooks.reached("artifact.written");
  } finally {
    closeSync(file);
  }
}

/** Null where there is a file already, or no folder for it. */
function openNew(path: string): number | null {
  try {
    return openSync(path, "wx");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "EEXIST" || error.code === "ENOENT")) return null;
    throw error;
  }
}

function isLinked(from: string, to: string, hooks: StoreHooks): boolean {
  try {
    linkSync(from, to);
  } catch {
    // There is a file already, or the file system has no links.
    return false;
  }
  hooks.reached("artifact.linked");
  return true;
}

function isWhole(disk: DiskArtifacts, digest: Digest): boolean {
  try {
    const bytes = readSmallFile(disk.pathOf(digest), mostBytes);
    return bytes !== null && digestOf(bytes) === digest;
  } catch {
    return false;
  }
}
