import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256, type Digest } from "../core/digest.ts";
import type { ArtifactStore } from "./artifacts.ts";

/** One way to keep artifacts, set up for one test. */
export interface ArtifactDriver {
  /** The store's folder. */
  readonly folder: string;
  readonly artifacts: ArtifactStore;
  /** The same artifacts as another process on another machine sees them. */
  elsewhere(): Promise<ArtifactStore>;
  /** Puts other bytes, or none at all, where those of an artifact last. */
  damage(digest: Digest, bytes: Uint8Array | null): Promise<void>;
  end(): Promise<void>;
}

const absent = `sha256:${"0".repeat(64)}` as const;

function bytesOf(size: number): Uint8Array {
  return new Uint8Array(size).map((_, i) => (i * 31 + (i >> 8)) % 251);
}

async function add(artifacts: ArtifactStore, bytes: Uint8Array | string): Promise<Digest> {
  const path = artifacts.temporaryPath();
  await writeFile(path, bytes);
  return (await artifacts.adopt(path)).digest;
}

async function digestsIn(artifacts: ArtifactStore): Promise<Digest[]> {
  const found: Digest[] = [];
  for await (const { digest } of artifacts.stored()) found.push(digest);
  return found.sort();
}

/** What every artifact store does, whatever it keeps them in. */
export function describeArtifacts(name: string, setUp: () => Promise<ArtifactDriver>): void {
  describe(`artifacts ${name}`, () => {
    let driver: ArtifactDriver;
    let artifacts: ArtifactStore;
    beforeEach(async () => {
      driver = await setUp();
      ({ artifacts } = driver);
    });
    afterEach(() => driver.end());

    it.each([0, 1, 5 * 2 ** 20 + 1, 40 * 2 ** 20])("come back as they were, %i bytes", async (size) => {
      const bytes = bytesOf(size);
      const digest = await add(artifacts, bytes);
      expect(digest).toBe(sha256(bytes));
      const other = await driver.elsewhere();
      expect(await other.has(digest)).toBe(true);
      expect(await other.sizeOf(digest)).toBe(size);
      expect(Buffer.compare(await readFile(await other.verifiedPath(digest)), bytes)).toBe(0);
      expect(Buffer.compare(await other.readBytes(digest), bytes)).toBe(0);
      expect(await other.problemOf(digest, size)).toBeNull();
      other.close();
      expect(await readdir(join(driver.folder, "temporary"))).toEqual([]);
    });

    it("are one where the same bytes come twice", async () => {
      expect(await add(artifacts, "same")).toBe(await add(artifacts, "same"));
      expect(await digestsIn(artifacts)).toEqual([sha256("same")]);
    });

    it("are one where two processes bring the same bytes at once", async () => {
      const other = await driver.elsewhere();
      const bytes = bytesOf(2 ** 20);
      const digests = await Promise.all([artifacts, other, artifacts, other].map((store) => add(store, bytes)));
      expect(new Set(digests)).toEqual(new Set([sha256(bytes)]));
      expect(Buffer.compare(await other.readBytes(digests[0]!), bytes)).toBe(0);
      other.close();
    });

    it("are missed by name, and no name from outside becomes a path", async () => {
      expect(await artifacts.has(absent)).toBe(false);
      expect(await artifacts.sizeOf(absent)).toBeNull();
      for (const work of [() => artifacts.readBytes(absent), () => artifacts.verifiedPath(absent)])
        await expect(work()).rejects.toMatchObject({ code: "ARTIFACT_MISSING" });
      await expect(artifacts.copyTo(absent, join(driver.folder, "copy"), false)).rejects.toMatchObject({
        code: "ARTIFACT_MISSING",
      });
      expect(await artifacts.problemOf(absent, 1)).toContain("is missing");
      for (const work of [() => artifacts.pathOf("sha256:../../etc/passwd"), () => artifacts.nameOf("sha256:../x")])
        expect(work).toThrow(expect.objectContaining({ code: "ARTIFACT_MISSING" }));
    });

    it("are never handed out damaged, and are healed by the same bytes", async () => {
      const digest = await add(artifacts, "the bytes");
      await driver.damage(digest, Buffer.from("the bytez"));
      const other = await driver.elsewhere();
      for (const work of [() => other.readBytes(digest), () => other.verifiedPath(digest)]) {
        await expect(work()).rejects.toMatchObject({
          code: "ARTIFACT_DAMAGED",
          remedy: expect.stringContaining(digest.slice(9)) as string,
        });
      }
      expect(await other.problemOf(digest, 9).catch((error: Error) => error.message)).toContain("digest");
      await driver.damage(digest, Buffer.from("the"));
      expect(await other.problemOf(digest, 9)).toContain("3 bytes, not 9");
      expect(await add(other, "the bytes")).toBe(digest);
      expect(Buffer.from(await other.readBytes(digest)).toString()).toBe("the bytes");
      expect(await other.problemOf(digest, 9)).toBeNull();
      other.close();
    });

    it("are missed when they are taken away", async () => {
      const digest = await add(artifacts, "gone");
      await driver.damage(digest, null);
      const other = await driver.elsewhere();
      expect(await other.has(digest)).toBe(false);
      expect(await other.problemOf(digest, 4)).toContain("is missing");
      other.close();
    });

    it("are listed with their sizes, and removed by digest", async () => {
      const digests = await Promise.all(["a", "bb", "ccc"].map((text) => add(artifacts, text)));
      const sizes = new Map<Digest, number>();
      for await (const { digest, size } of artifacts.stored()) sizes.set(digest, size);
      expect(sizes).toEqual(new Map(digests.map((digest, i) => [digest, i + 1])));
      await artifacts.remove([...digests.slice(0, 2), absent]);
      expect(await digestsIn(artifacts)).toEqual([digests[2]]);
      expect(await artifacts.has(digests[0]!)).toBe(false);
    });

    it.each([true, false])("are written where asked, by link where that is allowed (%s)", async (byLink) => {
      const digest = await add(artifacts, "for a backup");
      for (const store of [artifacts, await driver.elsewhere()]) {
        const target = join(driver.folder, `copies ${store === artifacts}`, "file");
        await store.copyTo(digest, target, byLink);
        expect(await readFile(target, "utf8")).toBe("for a backup");
      }
    });
  });
}
