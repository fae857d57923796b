import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { sha256, type Digest } from "../core/digest.ts";
import { backUp, restoreBackup } from "./backup.ts";
import { noteForgotten } from "./forgotten.ts";
import { collectGarbage } from "./gc.ts";
import { noHooks } from "./hooks.ts";
import { openStore, type Store } from "./open.ts";
import type { SmallArtifacts } from "./small-artifacts.ts";
import { temporaryFolder } from "./store.fixtures.ts";
import { createUnsynced } from "./unsynced.ts";
import { verifyStore } from "./verify.ts";

const clock = fixedClock(1_000);
let folder: string;
let store: Store;
let remove: () => Promise<void>;
beforeEach(async () => {
  const made = await temporaryFolder();
  folder = join(made.path, ".millrace");
  store = await openStore(folder, { clock });
  remove = made.remove;
});
afterEach(async () => {
  await store.close().catch(() => {});
  await remove();
});

async function take(bytes: Uint8Array | string): Promise<{ digest: Digest; bytes: Uint8Array | null }> {
  const path = store.artifacts.temporaryPath();
  writeFileSync(path, bytes);
  const taken = await store.unsynced.adopt(path);
  expect(existsSync(path)).toBe(false);
  return taken;
}

/** Takes in an artifact and commits it; its file waits for its sync. */
async function commit(text: string): Promise<Digest> {
  const { digest, bytes } = await take(text);
  await store.write([
    store.database.insertInto("artifacts").values({ digest, size: bytes!.length }),
    store.database.insertInto("unsynced").values({ digest, bytes: Buffer.from(bytes!).toString("base64") }),
  ]);
  return digest;
}

const forgetIn = (where: Store, digest: Digest, replacement: Digest): Promise<void> =>
  where.database
    .transaction()
    .execute((transaction) => noteForgotten(transaction, { digest, replacement: { digest: replacement, size: 6 } }, 1));

const waiting = async (): Promise<number> =>
  (await store.database.selectFrom("unsynced").select("digest").execute()).length;

/** Closes the store as a crash would leave it, with the rows that wait. */
async function reopen(between: () => void = () => {}): Promise<void> {
  await store.close();
  between();
  store = await openStore(folder, { clock });
}

describe("a small artifact", () => {
  it("is there before its file lasts, with the bytes that must be committed", async () => {
    const { digest, bytes } = await take("small");
    expect(digest).toBe(sha256("small"));
    expect(Buffer.from(bytes!).toString()).toBe("small");
    expect(Buffer.from(await store.artifacts.readBytes(digest)).toString()).toBe("small");
    expect(readFileSync(await store.artifacts.verifiedPath(digest), "utf8")).toBe("small");
  });

  it("takes nobody's place: the same bytes are one file, others of its name are replaced by what lasts", async () => {
    const { digest } = await take("small");
    const inode = statSync(store.artifacts.pathOf(digest)).ino;
    expect((await take("small")).bytes).not.toBeNull();
    expect(statSync(store.artifacts.pathOf(digest)).ino).toBe(inode);
    writeFileSync(store.artifacts.pathOf(digest), "damaged");
    expect((await take("small")).bytes).toBeNull();
    expect(readFileSync(store.artifacts.pathOf(digest), "utf8")).toBe("small");
  });

  it("is placed from bytes as from a file, in nobody's place either, and never in part", async () => {
    const given = Buffer.from("bytes");
    const { digest, size, bytes } = store.unsynced.place(given)!;
    given.fill(0);
    expect([digest, size, Buffer.from(bytes).toString()]).toEqual([sha256("bytes"), 5, "bytes"]);
    expect(readFileSync(await store.artifacts.verifiedPath(digest), "utf8")).toBe("bytes");
    expect((await take("bytes")).digest).toBe(digest);
    expect(store.unsynced.place(bytes)?.digest).toBe(digest);
    truncateSync(store.artifacts.pathOf(digest), 3);
    expect(store.unsynced.place(bytes)).toBeNull();
    rmSync(dirname(store.artifacts.pathOf(digest)), { recursive: true });
    expect(store.unsynced.place(bytes)).toBeNull();
    expect(store.unsynced.place(new Uint8Array(16 * 1024))).not.toBeNull();
    expect(store.unsynced.place(new Uint8Array(16 * 1024 + 1))).toBeNull();
  });

  it("is put into a file made ahead, whatever became of that, and leaves none when the store is closed", async () => {
    const temporary = join(folder, "temporary");
    const place = (text: string): Promise<string> =>
      store.artifacts
        .verifiedPath(store.unsynced.place(Buffer.from(text))!.digest)
        .then((path) => readFileSync(path, "utf8"));
    /** An empty file alone: what the one before was put under is gone. */
    const madeAhead = (): Promise<string> =>
      vi.waitFor(() => {
        const paths = readdirSync(temporary).map((name) => join(temporary, name));
        expect(paths.map((path) => statSync(path).size)).toEqual([0]);
        return paths[0]!;
      }, 60_000);
    expect(await place("first")).toBe("first");
    const { ino } = statSync(await madeAhead());
    expect(await place("second")).toBe("second");
    expect(statSync(store.artifacts.pathOf(sha256("second"))).ino).toBe(ino);
    // The same bytes again, then one whose file was swept away.
    await madeAhead();
    expect(await place("second")).toBe("second");
    rmSync(await madeAhead());
    expect(await place("third")).toBe("third");
    await madeAhead();
    await reopen();
    expect(readdirSync(temporary)).toEqual([]);
    expect(await place("second")).toBe("second");
  });

  it("is at most 16 KiB", async () => {
    expect((await take(new Uint8Array(16 * 1024))).bytes).toHaveLength(16 * 1024);
    expect((await take(new Uint8Array(16 * 1024 + 1))).bytes).toBeNull();
  });

  it.each([
    ["taken", (path: string) => rmSync(path)],
    ["torn", (path: string) => truncateSync(path, 3)],
    ["of zeros", (path: string) => writeFileSync(path, new Uint8Array(9))],
  ])("is written anew where a power loss left its file %s, and is sound all the while", async (_, lose) => {
    const digest = await commit("committed");
    await reopen(() => lose(store.artifacts.pathOf(digest)));
    expect(readFileSync(await store.artifacts.verifiedPath(digest), "utf8")).toBe("committed");
    lose(store.artifacts.pathOf(digest));
    expect((await verifyStore(folder, clock)).faults).toEqual([]);
    await store.unsynced.settle();
    expect(await waiting()).toBe(0);
    expect((await verifyStore(folder, clock)).faults).toEqual([]);
    lose(store.artifacts.pathOf(digest));
    expect((await verifyStore(folder, clock)).faults).toHaveLength(1);
  });

  it("is found damaged where its bytes are, whether its file is whole or not", async () => {
    const digest = await commit("committed");
    // The last of these says the same bytes with other letters.
    for (const bytes of ["Y29tbWl0dGVl", "", "Y29tbWl0dGVk=", " Y29tbWl0dGVk"]) {
      await store.database.updateTable("unsynced").set({ bytes }).execute();
      const { faults } = await verifyStore(folder, clock);
      expect(faults.map(({ subject }) => subject)).toEqual([`unsynced ${digest}`]);
    }
    rmSync(store.artifacts.pathOf(digest));
    expect((await verifyStore(folder, clock)).faults).toHaveLength(2);
    await reopen();
    expect(await waiting()).toBe(1);
    await expect(store.artifacts.readBytes(digest)).rejects.toMatchObject({ code: "ARTIFACT_MISSING" });
  });

  it("whose sync failed is written anew, for the system may say next time that it lasts", async () => {
    const digest = await commit("committed");
    const done: string[] = [];
    const small: SmallArtifacts = {
      ...store.artifacts.small!,
      async sync() {
        done.push("sync");
        throw new Error("EIO");
      },
      putBack: async (which) => void done.push(`put back ${which}`),
    };
    await createUnsynced(store, { ...store.artifacts, small }, noHooks).settle();
    expect(done).toEqual(["sync", `put back ${digest}`]);
    expect(await waiting()).toBe(0);
  });

  it("that cannot be written anew is heard of, and holds up no other", async () => {
    const [bad] = [await commit("bad"), await commit("good")];
    const small: SmallArtifacts = {
      ...store.artifacts.small!,
      sync: () => Promise.reject(new Error("EIO")),
      putBack: async (which) => {
        if (which === bad) throw new Error("no room");
      },
    };
    await expect(createUnsynced(store, { ...store.artifacts, small }, noHooks).settle()).rejects.toThrow("no room");
    expect(await store.database.selectFrom("unsynced").select("digest").execute()).toEqual([{ digest: bad }]);
  });

  it("stays forgotten where another process was about to make it last", async () => {
    const [digest, replacement] = [await commit("a person"), await commit("nobody")];
    let goOn = (): void => {};
    const isHeld = new Promise<void>((done) => (goOn = done));
    const small: SmallArtifacts = {
      ...store.artifacts.small!,
      async sync(which) {
        if (which === digest) await isHeld;
        throw new Error("ENOENT");
      },
    };
    const settling = createUnsynced(store, { ...store.artifacts, small }, noHooks).settle();
    const other = await openStore(folder, { clock });
    await forgetIn(other, digest, replacement);
    await other.artifacts.remove([digest]);
    await other.close();
    goOn();
    await settling;
    expect(existsSync(store.artifacts.pathOf(digest))).toBe(false);
  });

  it("is settled by whoever comes first, and by closing the store", async () => {
    const digests = await Promise.all(Array.from({ length: 250 }, (_, i) => commit(`number ${i}`)));
    const other = await openStore(folder, { clock });
    await Promise.all([store.unsynced.settle(), other.unsynced.settle(), store.unsynced.settle()]);
    expect(await waiting()).toBe(0);
    await other.close();
    await commit("one more");
    store.unsynced.settleSoon();
    await reopen();
    expect(await waiting()).toBe(0);
    for (const digest of digests) expect(await store.artifacts.has(digest)).toBe(true);
  });

  it("leaves no bytes in the database once it is settled, or forgotten before", async () => {
    const text = "a name and an address, told in confidence".repeat(200);
    const written = Buffer.from(text).toString("base64").slice(3_000, 3_040);
    const database = (): string => readFileSync(join(folder, "metadata.sqlite"), "latin1");
    const digest = await commit(text);
    await reopen();
    expect(database()).toContain(written);
    const { digest: replacement } = await take("nobody");
    await forgetIn(store, digest, replacement);
    expect(await waiting()).toBe(0);
    await store.artifacts.remove([digest]);
    await reopen();
    expect(database()).not.toContain(written);
    expect(existsSync(store.artifacts.pathOf(digest))).toBe(false);
  });

  it("goes with its row when it is garbage, damaged or not", async () => {
    await commit("whole");
    const damaged = await commit("damaged");
    await store.database.updateTable("unsynced").set({ bytes: "" }).where("digest", "=", damaged).execute();
    rmSync(store.artifacts.pathOf(damaged));
    await collectGarbage(store, clock, { keepRuns: null, dryRun: false });
    expect(await waiting()).toBe(0);
    expect(await store.database.selectFrom("artifacts").selectAll().execute()).toEqual([]);
  });

  it("is in a backup as a file alone", async () => {
    const digest = await commit("committed");
    const backup = join(folder, "..", "backup");
    await backUp(store, clock, backup);
    await store.close();
    await restoreBackup(backup, folder, clock, { force: true });
    store = await openStore(folder, { clock });
    expect(await waiting()).toBe(0);
    expect(readFileSync(await store.artifacts.verifiedPath(digest), "utf8")).toBe("committed");
  });
});
