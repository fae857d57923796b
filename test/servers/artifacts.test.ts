import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import type { Digest } from "../../src/core/digest.ts";
import { describeArtifacts } from "../../src/store/artifacts.fixtures.ts";
import { type ArtifactStore, createArtifactStore } from "../../src/store/artifacts.ts";
import { backUp, restoreBackup } from "../../src/store/backup.ts";
import { collectGarbage } from "../../src/store/gc.ts";
import { noHooks } from "../../src/store/hooks.ts";
import { connectObjects, type ObjectStore } from "../../src/store/objects/client.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { addArtifact } from "../../src/store/store.fixtures.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { type CompiledChild, compileChild, startChild } from "../crash/children.ts";
import { startCuttingProxy } from "./start/cutting-proxy.ts";
import { objectStoreOfSuite } from "./start/suite-object-store.ts";

const server = await objectStoreOfSuite();

let counter = 0;
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-bucket-"));
  folders.push(folder);
  await mkdir(join(folder, "temporary"));
  return folder;
}

const newPlace = (): string => `s3://mill/project ${++counter}/artifacts`;

function open(folder: string, place: string, identify = async (): Promise<string> => "one"): ArtifactStore {
  return createArtifactStore(folder, { hooks: noHooks, place, identify });
}

async function add(artifacts: ArtifactStore, bytes: Uint8Array | string): Promise<Digest> {
  const path = artifacts.temporaryPath();
  await writeFile(path, bytes);
  return (await artifacts.adopt(path)).digest;
}

const keyOf = (artifacts: ArtifactStore, digest: Digest): string => artifacts.nameOf(digest).slice("s3://mill/".length);

async function filesBelow(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return names.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

async function replace(objects: ObjectStore, key: string, bytes: Uint8Array | null): Promise<void> {
  if (bytes === null) return objects.remove(key);
  const path = join(await newFolder(), "bytes");
  await writeFile(path, bytes);
  await objects.put(key, path);
}

if (server) {
  describeArtifacts("in a bucket", async () => {
    const place = newPlace();
    const folder = await newFolder();
    const artifacts = open(folder, place);
    const objects = await connectObjects({ bucket: "mill" });
    return {
      folder,
      artifacts,
      elsewhere: async () => open(await newFolder(), place),
      damage: (digest, bytes) => replace(objects, keyOf(artifacts, digest), bytes),
      async end() {
        artifacts.close();
        objects.close();
      },
    };
  });
}

describe.skipIf(!server)("a bucket of artifacts", () => {
  it("needs nothing of its copies on this machine: deleted or damaged ones are fetched again", async () => {
    const folder = await newFolder();
    const artifacts = open(folder, newPlace());
    const digest = await add(artifacts, "the bytes");
    expect(await readFile(artifacts.pathOf(digest), "utf8")).toBe("the bytes");
    await writeFile(artifacts.pathOf(digest), "the bytez");
    expect(Buffer.from(await artifacts.readBytes(digest)).toString()).toBe("the bytes");
    await rm(join(folder, "artifacts"), { recursive: true });
    expect([await artifacts.has(digest), await artifacts.sizeOf(digest)]).toEqual([true, 9]);
    const paths = await Promise.all([1, 2, 3].map(() => artifacts.verifiedPath(digest)));
    expect(await readFile(paths[0]!, "utf8")).toBe("the bytes");
    expect(await readdir(join(folder, "temporary"))).toEqual([]);
  });

  it("belongs to one store: another one neither writes nor removes there", async () => {
    const place = newPlace();
    const first = open(await newFolder(), place);
    const digest = await add(first, "of the first");
    const second = open(await newFolder(), `${place}/`, async () => "two");
    await expect(add(second, "of the second")).rejects.toMatchObject({ code: "ARTIFACTS_SHARED" });
    await expect(second.remove([digest])).rejects.toMatchObject({ code: "ARTIFACTS_SHARED" });
    expect(Buffer.from(await first.readBytes(digest)).toString()).toBe("of the first");
  });

  it("says who was refused, what is missing and what does not answer, and tells no secret", async () => {
    const place = newPlace();
    const good = open(await newFolder(), place);
    const digest = await add(good, "bytes");
    process.env["AWS_SECRET_ACCESS_KEY"] = "quite another secret";
    const refused = open(await newFolder(), place);
    for (const work of [() => add(refused, "more"), () => refused.readBytes(digest), () => refused.sizeOf(digest)]) {
      const error = await work().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "OBJECTS_DENIED" });
      expect(inspect(error, { depth: 20 })).not.toMatch(/quite another secret|signature=/i);
    }
    Object.assign(process.env, server!.environment);
    const nowhere = open(await newFolder(), "s3://no-such-bucket/x");
    for (const work of [() => add(nowhere, "more"), () => nowhere.readBytes(digest), () => nowhere.has(digest)])
      await expect(work()).rejects.toMatchObject({ code: "BUCKET_MISSING" });
    process.env["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1";
    const silent = open(await newFolder(), place);
    for (const work of [() => add(silent, "more"), () => silent.readBytes(digest)])
      await expect(work()).rejects.toMatchObject({ code: "OBJECTS_UNREACHABLE" });
    Object.assign(process.env, server!.environment);
    expect(() => open("x", "s3://key:secret@mill/x")).toThrow(
      expect.objectContaining({ code: "OBJECT_ADDRESS_INVALID", message: expect.not.stringContaining("secret@") }),
    );
  });

  it("takes a broken download up again, and never takes a part for the whole", async () => {
    const place = newPlace();
    const bytes = Buffer.alloc(20 * 2 ** 20, "some bytes");
    const digest = await add(open(await newFolder(), place), bytes);
    const proxy = await startCuttingProxy(server!.url, 6 * 2 ** 20);
    process.env["AWS_ENDPOINT_URL_S3"] = proxy.url;
    const folder = await newFolder();
    const artifacts = open(folder, place);
    expect(Buffer.compare(await artifacts.readBytes(digest), bytes)).toBe(0);
    expect(proxy.cuts).toBeGreaterThan(2);
    await rm(join(folder, "artifacts"), { recursive: true });
    proxy.bytes = 2 ** 19;
    await expect(artifacts.readBytes(digest)).rejects.toMatchObject({
      code: expect.stringMatching(/OBJECT_TRUNCATED|OBJECTS_UNREACHABLE/) as string,
    });
    expect(await filesBelow(folder)).toEqual([]);
    await proxy.stop();
    Object.assign(process.env, server!.environment);
  });
});

describe.skipIf(!server)("a store with its artifacts in a bucket", () => {
  let root: string;
  let place: string;
  let store: Store;
  let child: CompiledChild | undefined;
  beforeEach(async () => {
    root = await newFolder();
    place = newPlace();
    store = await openStore(join(root, ".millrace"), { clock, artifacts: place });
  });
  afterEach(() => store.close());
  afterAll(() => child?.remove());

  const verified = (folder = store.folder): ReturnType<typeof verifyStore> =>
    verifyStore(folder, clock, undefined, { artifacts: place });
  const dropCopies = (): Promise<void> => rm(join(store.folder, "artifacts"), { recursive: true });
  const row = (digest: Digest, size: number): Promise<unknown> =>
    store.database.insertInto("artifacts").values({ digest, size }).execute();
  const keep = async (text: string): Promise<Digest> => {
    const digest = await addArtifact(store, text);
    await row(digest, text.length);
    const version = { model: text, version: 1, digest, run_id: "r", created_at: 1 };
    await store.database.insertInto("versions").values(version).execute();
    return digest;
  };

  it("is verified in the bucket, object by object", async () => {
    const [good, bad, gone] = [await keep("good"), await keep("bad"), await keep("gone")];
    expect(await verified()).toMatchObject({ faults: [], artifacts: 3 });
    const objects = await connectObjects({ bucket: "mill" });
    await replace(objects, keyOf(store.artifacts, bad), Buffer.from("bed"));
    await replace(objects, keyOf(store.artifacts, gone), null);
    const { faults } = await verified();
    expect(new Set(faults.map(({ subject }) => subject))).toEqual(
      new Set([bad, gone].map((digest) => store.artifacts.nameOf(digest))),
    );
    expect(faults.find(({ subject }) => subject === store.artifacts.nameOf(gone))?.problem).toContain("copy");
    expect(await store.artifacts.has(good)).toBe(true);
    process.env["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1";
    expect((await verified()).faults).toMatchObject([{ subject: "artifacts" }]);
    Object.assign(process.env, server!.environment);
    objects.close();
  });

  it("moves from its folder to a bucket by way of a backup", async () => {
    const folder = join(root, "on disk");
    const onDisk = await openStore(folder, { clock });
    const digest = await addArtifact(onDisk, "of the folder");
    await onDisk.database.insertInto("artifacts").values({ digest, size: 13 }).execute();
    await onDisk.close();
    const [fault] = (await verified(folder)).faults;
    expect(fault?.problem).toContain("its copy on this machine is whole");
    const moving = await openStore(folder, { clock, artifacts: place });
    await backUp(moving, clock, join(root, "backup"));
    await moving.close();
    await restoreBackup(join(root, "backup"), folder, clock, { force: true, artifacts: place });
    expect(await verified(folder)).toMatchObject({ faults: [], artifacts: 1 });
  });

  it("loses what nothing refers to, from the bucket and from this machine", async () => {
    const kept = await keep("kept");
    const stray = await addArtifact(store, "stray");
    const report = await collectGarbage(store, clock, { keepRuns: null, dryRun: false });
    expect(report).toMatchObject({ artifacts: 1, bytes: 5 });
    expect(await store.artifacts.has(stray)).toBe(false);
    await dropCopies();
    expect([await store.artifacts.has(stray), await store.artifacts.has(kept)]).toEqual([false, true]);
  });

  it.each([
    ["artifact.sending", 5],
    ["artifact.sent", 5],
    ["artifact.kept", 5],
    // Heartbeats and the notes that steps run are commits, too: the eighth comes after a step's unless that takes seconds.
    ["transaction.committing", 8],
  ])("keeps what was committed and nothing else when killed at %s", async (point, nth) => {
    child ??= compileChild();
    process.env["MILLRACE_ARTIFACTS"] = place;
    try {
      const killed = await startChild(child.path, ["run", store.folder, point, String(nth)]).ended;
      expect([killed.signal, killed.errors]).toEqual(["SIGKILL", ""]);
      await dropCopies().catch(() => {});
      expect((await verified()).faults).toEqual([]);
      const again = await startChild(child.path, ["run", store.folder]).ended;
      expect([again.code, again.errors]).toEqual([0, ""]);
      expect(again.lines.filter((line) => /finished .* cached/.test(line)).length).toBeGreaterThan(0);
      await addArtifact(store, "what a killed put leaves");
      expect(await collectGarbage(store, clock, { keepRuns: null, dryRun: false })).toMatchObject({ runs: [] });
      expect((await verified()).faults).toEqual([]);
      const known = await store.database.selectFrom("artifacts").select("digest").execute();
      const left: Digest[] = [];
      for await (const { digest } of store.artifacts.stored()) left.push(digest);
      expect(new Set(left)).toEqual(new Set(known.map(({ digest }) => digest)));
    } finally {
      delete process.env["MILLRACE_ARTIFACTS"];
    }
  });

  it("is backed up with what the bucket holds, and restored to a folder or to another bucket", async () => {
    const digest = await keep("the bytes");
    await dropCopies();
    const backup = join(root, "backup");
    expect(await backUp(store, clock, backup)).toMatchObject({ artifacts: 1, bytes: 9 });
    const inFolder = join(root, "in folder");
    await restoreBackup(backup, inFolder, clock, { force: false });
    expect((await verifyStore(inFolder, clock)).faults).toEqual([]);
    const elsewhere = newPlace();
    await restoreBackup(backup, join(root, "in bucket"), clock, { force: false, artifacts: elsewhere });
    await rm(join(root, "in bucket", "artifacts"), { recursive: true });
    const restored = await openStore(join(root, "in bucket"), { clock, artifacts: elsewhere });
    expect(Buffer.from(await restored.artifacts.readBytes(digest)).toString()).toBe("the bytes");
    await restored.close();
  });

  it("is backed up without the bucket's artifacts where asked, and restored where they are", async () => {
    const digest = await keep("the bytes");
    const backup = join(root, "backup");
    expect(await backUp(store, clock, backup, { artifacts: false })).toMatchObject({ artifacts: 0, bytes: 0 });
    expect(await filesBelow(join(backup, "artifacts"))).toEqual([]);
    await expect(restoreBackup(backup, join(root, "x"), clock, { force: false })).rejects.toMatchObject({
      code: "BACKUP_UNUSABLE",
      message: expect.stringContaining(place) as string,
    });
    await restoreBackup(backup, join(root, "x"), clock, { force: false, artifacts: place });
    const restored = await openStore(join(root, "x"), { clock, artifacts: place });
    expect(Buffer.from(await restored.artifacts.readBytes(digest)).toString()).toBe("the bytes");
    await addArtifact(restored, "more");
    await restored.close();
  });
});
