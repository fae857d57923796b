import type { Digest } from "../core/digest.ts";
import type { ArtifactStore, StoredArtifact } from "./artifacts.ts";
import type { StoreHooks } from "./hooks.ts";
import type { Metadata } from "./metadata.ts";
import { digestOf } from "./platform-digest.ts";
import type { UnsyncedTable } from "./schema.ts";
import type { PlacedArtifact } from "./small-artifacts.ts";

/** An artifact taken in. With `bytes` its file does not last yet: they belong into the commit that first names it. */
export type TakenArtifact = StoredArtifact & { readonly bytes: PlacedArtifact["bytes"] | null };

/**
 * Small artifacts that last by the commit which names them, before their files do: the table "unsynced" holds their bytes
 * until the files are synced, which no step waits for.
 */
export interface Unsynced {
  /** As {@link ArtifactStore.adopt}, without waiting for the disk where the artifact is small. */
  adopt(temporaryPath: string): Promise<TakenArtifact>;
  /** As `adopt`, of bytes at hand; null where they must be adopted as a file. */
  place(bytes: Uint8Array): PlacedArtifact | null;
  /** Makes the files of what was committed last, in a while. */
  settleSoon(): void;
  /** Makes every file last that another process, or this one, has not yet; throws where it cannot. */
  settle(): Promise<void>;
  /** Writes the files anew that a power loss took or tore, whose bytes are here. Throws STORE_UNWRITABLE. */
  putBack(): Promise<void>;
  /** Settles what was to be settled soon. */
  close(): Promise<void>;
}

const rowsAtOnce = 100;
const settleAfterMs = 1_000;

/** The bytes of a row; null where they are not what was written. */
export function bytesOf({ digest, bytes }: UnsyncedTable): Uint8Array | null {
  const decoded = Buffer.from(bytes, "base64");
  return decoded.toString("base64") === bytes && digestOf(decoded) === digest ? decoded : null;
}

/** Those of a store whose artifacts last as soon as they are taken in: on a server, or in a bucket. */
export function nothingUnsynced(artifacts: ArtifactStore): Unsynced {
  const nothing = async (): Promise<void> => {};
  return {
    adopt: async (path) => ({ ...(await artifacts.adopt(path)), bytes: null }),
    place: () => null,
    settleSoon: () => {},
    settle: nothing,
    putBack: nothing,
    close: nothing,
  };
}

/** Those of a store with its database and its artifacts in one folder. */
export function createUnsynced(metadata: Metadata, artifacts: ArtifactStore, hooks: StoreHooks): Unsynced {
  const { small } = artifacts;
  if (small === null) return nothingUnsynced(artifacts);
  /** Digests of files that could not be synced: of these the system may say that they are, next time. */
  const mistrusted = new Set<Digest>();

  /** False where the artifact is damaged here and there, which is for `verify` to tell. */
  async function makeLast(digest: Digest): Promise<boolean> {
    if (!mistrusted.has(digest) && small!.isWhole(digest)) {
      try {
        await small!.sync(digest);
        return true;
      } catch {
        mistrusted.add(digest);
      }
    }
    // Nobody else writes meanwhile: of an artifact that was forgotten or collected there is no row any more.
    const isLasting = await metadata.database.transaction().execute(async (transaction) => {
      const row = await transaction.selectFrom("unsynced").selectAll().where("digest", "=", digest).executeTakeFirst();
      const bytes = row && bytesOf(row);
      if (bytes) await small!.putBack(digest, bytes);
      return bytes !== null;
    });
    mistrusted.delete(digest);
    return isLasting;
  }

  async function settleRows(digests: readonly Digest[]): Promise<void> {
    hooks.reached("unsynced.settling");
    const lasting = await Promise.all(digests.map(makeLast));
    const settled = digests.filter((_, i) => lasting[i]);
    if (settled.length === 0) return;
    hooks.reached("unsynced.settled");
    // Where this is lost with the power, the files are only synced once more.
    await metadata.write(
      [metadata.database.deleteFrom("unsynced").where("digest", "in", settled)],
      undefined,
      "eventually",
    );
  }

  async function eachPage(work: (digests: readonly Digest[]) => Promise<void>): Promise<void> {
    for (let after = ""; ;) {
      const rows = await metadata.database
        .selectFrom("unsynced")
        .select("digest")
        .where("digest", ">", after as Digest)
        .orderBy("digest")
        .limit(rowsAtOnce)
        .execute();
      if (rows.length > 0) await work(rows.map(({ digest }) => digest));
      const last = rows[rowsAtOnce - 1];
      if (last === undefined) return;
      after = last.digest;
    }
  }

  let settling: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const settle = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const next = settling.then(() => eachPage(settleRows));
    settling = next.catch(() => {});
    return next;
  };
  // Whatever fails here is tried again by the next round or the next process: until then the bytes last in the database.
  const settleQuietly = (): Promise<void> => settle().catch(() => {});
  const settleSoon = (): void => {
    if (timer !== undefined) return;
    timer = setTimeout(() => void settleQuietly(), settleAfterMs);
    timer.unref();
  };
  const putBackLost = async (digests: readonly Digest[]): Promise<void> => {
    for (const digest of digests) if (!small.isWhole(digest)) await makeLast(digest);
    settleSoon();
  };
  return {
    place: (bytes) => small.placeBytes(bytes),
    adopt: async (path) => small.place(path) ?? { ...(await artifacts.adopt(path)), bytes: null },
    settleSoon,
    settle,
    putBack: () => eachPage(putBackLost),
    close: () => (timer === undefined ? settling : settleQuietly()),
  };
}
