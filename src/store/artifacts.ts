import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { StoreHooks } from "./hooks.ts";
import { syncPath } from "./sync.ts";
import { unwritableError } from "./unwritable.ts";

const dayMs = 86_400_000;
const chunkBytes = 1 << 20;

/** Content-addressed files. A file under its digest is whole and on disk, whenever the process or the machine stops. */
export interface ArtifactStore {
  /** Where the artifact lies, or would lie: artifacts/ab/cdef... */
  pathOf(digest: Digest): string;
  has(digest: Digest): Promise<boolean>;
  /** Size in bytes; null where there is no such file. */
  sizeOf(digest: Digest): Promise<number | null>;
  /** A name in the store's folder for temporary files, not used before; nothing is created. */
  temporaryPath(): string;
  /** Takes a finished temporary file into the store under the digest of its bytes. The temporary name is gone after. */
  adopt(temporaryPath: string): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** The path, once its bytes are known to match: a file is hashed again only after it changed or in a new process. */
  verifiedPath(digest: Digest): Promise<string>;
  /** The bytes, checked against the digest at every call. */
  readBytes(digest: Digest): Promise<Uint8Array>;
}

async function hashFile(path: string): Promise<Digest> {
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

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** The artifacts of the store in `folder`, whose subfolders "artifacts" and "temporary" exist. */
export function createArtifactStore(folder: string, hooks: StoreHooks): ArtifactStore {
  const root = join(folder, "artifacts");
  /** Digest -> stamp of the file when its bytes were last found to match. */
  const verified = new Map<Digest, string>();

  const pathOf = (digest: Digest): string => {
    // Only a well-formed digest becomes a path: a name from outside cannot lead out of the folder.
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new MillraceError("ARTIFACT_MISSING", { digest });
    return join(root, digest.slice(7, 9), digest.slice(9));
  };
  const lookAt = async (path: string): Promise<{ size: number; stamp: string } | null> => {
    try {
      const { size, mtimeMs, ino } = await stat(path);
      return { size, stamp: `${size} ${mtimeMs} ${ino}` };
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  };
  const keep = async (from: string, digest: Digest): Promise<void> => {
    const target = pathOf(digest);
    const made = await mkdir(dirname(target), { recursive: true });
    if (made !== undefined) {
      hooks.reached("artifact.folderMade");
      await syncPath(root);
    }
    hooks.reached("artifact.renaming");
    await rename(from, target);
    hooks.reached("artifact.renamed");
    await syncPath(dirname(target));
    hooks.reached("artifact.kept");
    verified.set(digest, (await lookAt(target))?.stamp ?? "");
  };

  return {
    pathOf,
    has: async (digest) => (await lookAt(pathOf(digest))) !== null,
    sizeOf: async (digest) => (await lookAt(pathOf(digest)))?.size ?? null,
    temporaryPath: () => join(folder, "temporary", `${process.pid}-${randomBytes(8).toString("hex")}`),
    async adopt(temporaryPath) {
      try {
        hooks.reached("artifact.adopting");
        const [digest] = await Promise.all([hashFile(temporaryPath), syncFile(temporaryPath)]);
        hooks.reached("artifact.synced");
        const { size } = await stat(temporaryPath);
        await keep(temporaryPath, digest);
        return { digest, size };
      } catch (error) {
        throw unwritableError(root, error);
      }
    },
    async verifiedPath(digest) {
      const path = pathOf(digest);
      const found = await lookAt(path);
      if (found === null) throw new MillraceError("ARTIFACT_MISSING", { digest });
      if (verified.get(digest) === found.stamp) return path;
      const actual = await hashFile(path);
      if (actual !== digest) throw new MillraceError("ARTIFACT_DAMAGED", { digest, actual, path });
      verified.set(digest, found.stamp);
      return path;
    },
    async readBytes(digest) {
      const path = pathOf(digest);
      const bytes = await readFile(path).catch((error: unknown) => {
        if (isAbsent(error)) throw new MillraceError("ARTIFACT_MISSING", { digest });
        throw error;
      });
      const actual: Digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      if (actual !== digest) throw new MillraceError("ARTIFACT_DAMAGED", { digest, actual, path });
      return bytes;
    },
  };
}

/** Removes temporary files that no living process can still be writing: those untouched for a day. */
export async function sweepTemporary(folder: string, nowMs: number): Promise<void> {
  const temporary = join(folder, "temporary");
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name);
    const found = await stat(path).catch(() => undefined);
    if (found && nowMs - found.mtimeMs > dayMs) await rm(path, { recursive: true, force: true });
  }
}
