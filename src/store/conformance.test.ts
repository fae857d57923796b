import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { sha256 } from "../core/digest.ts";
import { storeConformance } from "./conformance.fixtures.ts";
import { metadataFile, openMemoryStore, openStore } from "./open.ts";
import type { Store } from "./open.ts";
import { loadSqlite, openEngine } from "./sqlite.ts";
import { addArtifact, temporaryFolder } from "./store.fixtures.ts";

const clock = fixedClock(1_000);
const absent = `sha256:${"0".repeat(64)}` as const;

const drivers: Record<string, () => Promise<{ store: Store; end: () => Promise<void> }>> = {
  async memory() {
    const store = await openMemoryStore({ clock });
    return { store, end: () => store.close() };
  },
  async sqlite() {
    const folder = await temporaryFolder();
    const store = await openStore(join(folder.path, ".millrace"), { clock });
    return {
      store,
      async end() {
        await store.close();
        await folder.remove();
      },
    };
  },
};

describe.each(Object.keys(drivers))("the %s store", (driver) => {
  let store: Store;
  let end: () => Promise<void>;
  beforeEach(async () => {
    ({ store, end } = await drivers[driver]!());
  });
  afterEach(() => end());

  it("keeps artifacts under the digest of their bytes and leaves no temporary file", async () => {
    const digest = await addArtifact(store, "the bytes");
    expect(digest).toBe(sha256("the bytes"));
    expect(store.artifacts.pathOf(digest)).toBe(join(store.folder, "artifacts", digest.slice(7, 9), digest.slice(9)));
    expect(await readFile(await store.artifacts.verifiedPath(digest), "utf8")).toBe("the bytes");
    expect(Buffer.from(await store.artifacts.readBytes(digest)).toString()).toBe("the bytes");
    expect(await store.artifacts.sizeOf(digest)).toBe(9);
    expect(await readdir(join(store.folder, "temporary"))).toEqual([]);
  });

  it("takes the same bytes twice, and an empty file", async () => {
    expect(await addArtifact(store, "same")).toBe(await addArtifact(store, "same"));
    expect(await store.artifacts.sizeOf(await addArtifact(store, ""))).toBe(0);
  });

  it("hashes files larger than one chunk as a whole", async () => {
    const bytes = new Uint8Array(3_000_001).map((_, i) => i % 251);
    expect(await addArtifact(store, bytes)).toBe(sha256(bytes));
  });

  it("says which artifact it lacks, and takes no name from outside for a path", async () => {
    expect(await store.artifacts.has(absent)).toBe(false);
    await expect(store.artifacts.readBytes(absent)).rejects.toMatchObject({ code: "ARTIFACT_MISSING" });
    await expect(store.artifacts.verifiedPath(absent)).rejects.toMatchObject({ code: "ARTIFACT_MISSING" });
    expect(() => store.artifacts.pathOf("sha256:../../etc/passwd")).toThrow(
      expect.objectContaining({ code: "ARTIFACT_MISSING" }),
    );
  });

  it("never hands out an artifact with a changed byte, and heals it when the bytes are written again", async () => {
    const digest = await addArtifact(store, "the bytes");
    await store.artifacts.verifiedPath(digest);
    const path = store.artifacts.pathOf(digest);
    await chmod(path, 0o644);
    await writeFile(path, "the bytez");
    await expect(store.artifacts.readBytes(digest)).rejects.toMatchObject({ code: "ARTIFACT_DAMAGED" });
    await expect(store.artifacts.verifiedPath(digest)).rejects.toMatchObject({ remedy: expect.stringContaining(path) });
    await addArtifact(store, "the bytes");
    expect(Buffer.from(await store.artifacts.readBytes(digest)).toString()).toBe("the bytes");
  });
});

storeConformance("with a database in its folder", async () => {
  const { path, remove } = await temporaryFolder();
  const folder = join(path, ".millrace");
  return {
    open: (hooks) => openStore(folder, { clock, ...(hooks ? { hooks } : {}) }),
    async setFormat(format) {
      const engine = await openEngine(join(folder, metadataFile), await loadSqlite());
      engine.exec(`pragma user_version = ${format}`);
      engine.close();
    },
    end: remove,
  };
});
