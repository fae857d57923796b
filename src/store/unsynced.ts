import type { Digest } from "../core/digest.ts";
import type { ArtifactStore, StoredArtifact } from "./artifacts.ts";
import type { StoreHooks } from "./hooks.ts";
import type { Metadata } from "./metadata.ts";
import { digestOf } from "./platform-digest.ts";
import type { UnsyncedTable } from "./schema.ts";
import type { PlacedArtifact, SmallArtifacts } from "./small-artifacts.ts";

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
  /** As `place`; its file is made by `make`, or once its path is asked for here. Null where it must be adopted as a file. */
  announce(bytes: Uint8Array): PlacedArtifact | null;
  /** Whether the file of an announced artifact is not made yet. */
  isAnnounced(digest: Digest): boolean;
  /** Makes the files of these that are announced. Throws STORE_UNWRITABLE. */
  make(digests: Iterable<Digest>): Promise<void>;
  /** Makes ready for an artifact that is likely to come. */
  makeReady(): void;
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
    announce: () => null,
    isAnnounced: () => false,
    make: nothing,
    makeReady: () => {},
    settleSoon: () => {},
    settle: nothing,
    putBack: nothing,
    close: nothing,
  };
}

/** Those of a store with its database and its artifacts in one folder. */
export function createUnsynced(metadata: Metadata, artifacts: ArtifactStore, hooks: StoreHooks): Unsynced {
  const { small } = artifacts;
  return small === null ? nothingUnsynced(artifacts) : new UnsyncedFiles(metadata, artifacts, small, hooks);
}

class UnsyncedFiles implements Unsynced {
  readonly #metadata: Metadata;
  readonly #artifacts: ArtifactStore;
  readonly #small: SmallArtifacts;
  readonly #hooks: StoreHooks;
  /** Digests of files that could not be synced: of these the system may say that they are, next time. */
  readonly #mistrusted = new Set<Digest>();
  #settling: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(metadata: Metadata, artifacts: ArtifactStore, small: SmallArtifacts, hooks: StoreHooks) {
    this.#metadata = metadata;
    this.#artifacts = artifacts;
    this.#small = small;
    this.#hooks = hooks;
  }

  async adopt(path: string): Promise<TakenArtifact> {
    return this.#small.place(path) ?? { ...(await this.#artifacts.adopt(path)), bytes: null };
  }

  place(bytes: Uint8Array): PlacedArtifact | null {
    return this.#small.placeBytes(bytes);
  }

  announce(bytes: Uint8Array): PlacedArtifact | null {
    return this.#small.announce(bytes);
  }

  isAnnounced(digest: Digest): boolean {
    return this.#small.isAnnounced(digest);
  }

  async make(digests: Iterable<Digest>): Promise<void> {
    for (const digest of digests) await this.#small.make(digest);
  }

  makeReady(): void {
    this.#small.makeReady();
  }

  settleSoon(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#settleQuietly(), settleAfterMs);
    this.#timer.unref();
  }

  settle(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const next = this.#settling.then(() => this.#eachPage((digests) => this.#settleRows(digests)));
    this.#settling = next.catch(() => {});
    return next;
  }

  async putBack(): Promise<void> {
    await this.#eachPage(async (digests) => {
      for (const digest of digests) if (!this.#small.isWhole(digest)) await this.#makeLast(digest);
      this.settleSoon();
    });
  }

  close(): Promise<void> {
    return this.#timer === undefined ? this.#settling : this.#settleQuietly();
  }

  /** Whatever fails here is tried again by the next round or the next process: until then the bytes last in the database. */
  #settleQuietly(): Promise<void> {
    return this.settle().catch(() => {});
  }

  async #eachPage(work: (digests: readonly Digest[]) => Promise<void>): Promise<void> {
    for (let after = ""; ;) {
      const rows = await this.#metadata.database
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

  async #settleRows(digests: readonly Digest[]): Promise<void> {
    const { database } = this.#metadata;
    this.#hooks.reached("unsynced.settling");
    const made = await Promise.allSettled(digests.map((digest) => this.#makeLast(digest)));
    const settled = digests.filter((_, i) => {
      const one = made[i]!;
      return one.status === "fulfilled" && one.value;
    });
    if (settled.length > 0) {
      this.#hooks.reached("unsynced.settled");
      // Where this is lost with the power, the files are only synced once more.
      const removal = database.deleteFrom("unsynced").where("digest", "in", settled);
      await this.#metadata.write([removal], undefined, "eventually");
    }
    // One that cannot be made to last holds up no other.
    const failed = made.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** False where the artifact is damaged here and there, which is for `verify` to tell. */
  async #makeLast(digest: Digest): Promise<boolean> {
    if (!this.#mistrusted.has(digest) && this.#small.isWhole(digest)) {
      try {
        await this.#small.sync(digest);
        return true;
      } catch {
        this.#mistrusted.add(digest);
      }
    }
    // Nobody else writes meanwhile: of an artifact that was forgotten or collected there is no row any more.
    const isLasting = await this.#metadata.database.transaction().execute(async (transaction) => {
      const row = await transaction.selectFrom("unsynced").selectAll().where("digest", "=", digest).executeTakeFirst();
      const bytes = row && bytesOf(row);
      if (bytes) await this.#small.putBack(digest, bytes);
      return bytes !== null;
    });
    this.#mistrusted.delete(digest);
    return isLasting;
  }
}
