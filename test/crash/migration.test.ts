import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock as clock } from "../../src/core/clock.ts";
import { type Digest, sha256 } from "../../src/core/digest.ts";
import { createRng } from "../../src/core/rng.ts";
import { listRuns, showRun } from "../../src/engine/runs.ts";
import { createRegistry } from "../../src/registry/registry.ts";
import { restoreBackup } from "../../src/store/backup.ts";
import { migrations } from "../../src/store/migrations.ts";
import { metadataFile, openStore } from "../../src/store/open.ts";
import { verifyStore } from "../../src/store/verify.ts";
import { keptStoreOf, makeOldStore, newestKept } from "../compat/old-store.ts";
import { startChild } from "./children.ts";
import { childOfSuite } from "./suite.ts";

/** The long form (`npm run bench -- store/crash-long`) asks for more. */
const nKills = Number(process.env["MILLRACE_CRASH_MIGRATIONS"] ?? 8);
const formats = Array.from({ length: newestKept }, (_, i) => i + 1);
const older = formats.filter((format) => format < migrations.length);

const child = childOfSuite();
let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "millrace-migration-")), ".millrace");
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

/** Opens it and holds what it says against what was put in. */
async function expectKept(format: number, nCopies = 0): Promise<void> {
  const { rows } = keptStoreOf(format);
  const store = await openStore(folder, { clock });
  try {
    // A child that is killed may have begun a run of its own.
    const all = (await listRuns(store, { limit: 10_000 })).filter(({ workflow }) => workflow !== "eight");
    const runs = all.filter(({ runId }) => !runId.startsWith("copy-"));
    const ids = rows["runs"]!.map((row) => String(row["id"]));
    expect(runs.map(({ runId }) => runId)).toEqual([...ids].reverse());
    expect(all.length - runs.length).toBe(nCopies);
    const [first] = ids;
    const outputs = (await showRun(store, first!)).steps.flatMap((step) => step.outputs.map(({ digest }) => digest));
    for (const digest of outputs) expect((await store.artifacts.readBytes(digest)).length).toBeGreaterThan(0);
    expect(outputs.length).toBe(2);
    expect((await createRegistry(store, clock).champion("prices"))?.digest).toBe(
      outputs.find((digest: Digest) => digest === rows["versions"]![1]!["digest"]),
    );
  } finally {
    await store.close();
  }
  expect((await verifyStore(folder, clock)).faults).toEqual([]);
}

describe.each(formats)("a store of format %i", (format) => {
  it("says under this release what it said under its own", async () => {
    await makeOldStore(folder, format);
    await expectKept(format);
  });

  it("is restored from the backup that its own release took", async () => {
    const backup = join(folder, "..", "backup");
    await makeOldStore(backup, format);
    const metadata = sha256(await readFile(join(backup, metadataFile)));
    const manifest = { kind: "millrace-backup", format: 1, createdAt: 1, metadata };
    await writeFile(join(backup, "backup.json"), JSON.stringify(manifest));
    await restoreBackup(backup, folder, clock, { force: false });
    await expectKept(format);
    expect(sha256(await readFile(join(backup, metadataFile)))).toBe(metadata);
  });
});

describe.skipIf(older.length === 0)("a migration", () => {
  it.each(older.flatMap((format) => ["store.migrating", "store.migrated"].map((point) => [format, point] as const)))(
    "from format %i that is killed at %s is done by whoever opens the store next",
    async (format, point) => {
      await makeOldStore(folder, format);
      expect((await startChild(child.path, ["run", folder, point, "1"]).ended).signal).toBe("SIGKILL");
      await expectKept(format);
    },
  );

  it(`loses nothing in ${nKills} kills at random instants`, { timeout: 300_000 + 3_000 * nKills }, async () => {
    const rng = createRng(clock.now() % 1_000_000);
    const nCopies = 3_000;
    for (let i = 0; i < nKills; ++i) {
      await rm(folder, { recursive: true, force: true });
      const format = older[i % older.length]!;
      await makeOldStore(folder, format, nCopies);
      const running = startChild(child.path, ["soak", folder, "1"]);
      await running.said("begin");
      await new Promise((resolve) => setTimeout(resolve, rng.integer(80)));
      running.process.kill("SIGKILL");
      await running.ended;
      await expectKept(format, nCopies);
    }
  });
});
