import { closeSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { sha256 } from "../core/digest.ts";
import { createRng } from "../core/rng.ts";
import { createDiskArtifacts } from "./disk-artifacts.ts";
import { feedbackDigest } from "./feedback.ts";
import { noHooks } from "./hooks.ts";
import { openStore } from "./open.ts";
import { loadSqlite, openEngine } from "./sqlite.ts";
import { sealKeys, sealModel, sealRun } from "./seals.ts";
import { digestOfEnd } from "./step-ends.ts";
import { addArtifact, temporaryFolder } from "./store.fixtures.ts";
import { verifyStore } from "./verify.ts";

const clock = fixedClock(1_000);
let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  const made = await temporaryFolder();
  folder = join(made.path, ".millrace");
  remove = made.remove;
});
afterEach(() => remove());

/** A small store with a row in every table that lasts, closed. */
async function fillStore(artifactBytes: number): Promise<void> {
  const store = await openStore(folder, { clock });
  const rng = createRng(5);
  const bytes = (): Uint8Array => new Uint8Array(artifactBytes).map(() => rng.integer(256));
  const digests = [await addArtifact(store, bytes()), await addArtifact(store, bytes())] as const;
  await store.database.transaction().execute(async (transaction) => {
    const insert = transaction.insertInto.bind(transaction);
    await transaction.updateTable("counters").set({ value: 1, twin: -1 }).execute();
    const process = { host: "here", pid: 1, process_started: "1" };
    const times = { started_at: 1_000, finished_at: 1_200, duration_ms: 200.125 };
    await insert("runs")
      .values({ id: "r", workflow: "w", seed: 7, status: "succeeded", sequence: 1, attempt: 1, ...times, ...process })
      .execute();
    const steps = ["a", "b"].map((step, position) => ({
      run_id: "r",
      step,
      attempt: 1,
      position,
      status: "ran" as const,
      cache_key: `key ${step}`,
      duration_ms: 12.5,
    }));
    await insert("steps").values(steps).execute();
    await insert("artifacts")
      .values(digests.map((digest) => ({ digest, size: artifactBytes })))
      .execute();
    const of = { run_id: "r", step: "b", attempt: 1 };
    // Its file was taken by a power loss: these bytes are all there is.
    const lost = Buffer.from(new Uint8Array(12_000).map(() => rng.integer(256)));
    await insert("artifacts")
      .values({ digest: sha256(lost), size: lost.length })
      .execute();
    await insert("unsynced")
      .values({ digest: sha256(lost), bytes: lost.toString("base64") })
      .execute();
    const end = { token: 9, run_id: "r", said: "{}" };
    await insert("step_ends")
      .values({ ...end, digest: digestOfEnd(end) })
      .execute();
    await insert("step_outputs")
      .values(
        digests.map((digest, i) => ({ ...of, step: steps[i]!.step, output: "o", digest, type: "bytes", format: 1 })),
      )
      .execute();
    await insert("step_inputs")
      .values({ ...of, input: "a.o", digest: digests[0] })
      .execute();
    await insert("metrics")
      .values([
        { ...of, metric: "auc", value: 0.875 },
        { ...of, metric: "none", value: null },
      ])
      .execute();
    await insert("params")
      .values({ ...of, param: "depth", value: "6" })
      .execute();
    await insert("cache_entries")
      .values(steps.map(({ step, cache_key }) => ({ run_id: "r", step, attempt: 1, cache_key })))
      .execute();
    await insert("tags").values({ run_id: "r", tag: "team", value: "pricing" }).execute();
    await insert("series").values({ run_id: "r", metric: "loss", position: 3, value: 0.25 }).execute();
    await insert("versions")
      .values({ model: "m", version: 1, digest: digests[1], run_id: "r", created_at: 1_100 })
      .execute();
    await insert("judgements")
      .values({
        model: "m",
        version: 1,
        sequence: 1,
        run_id: "r",
        judged_at: 1_100,
        gate_passed: 1,
        metrics: "{}",
        verdict: "{}",
        compared_with: null,
      })
      .execute();
    await insert("aliases").values({ model: "m", alias: "champion", version: 1, moved_at: 1_150 }).execute();
    const keyTimes = { created_at: 1_160, expires_at: 9_000, revoked_at: null };
    await insert("keys")
      .values({ id: "0a1b", name: "shop", role: "predict", salt: "ab", hash: "cd", ...keyTimes })
      .execute();
    await sealKeys(transaction);
    const judged = { model: "m", prediction_id: "p", version: 1, predicted_at: 1_170, output: "3", actual: "4" };
    const row = { ...judged, received_at: 1_180 };
    await insert("feedback")
      .values({ ...row, digest: feedbackDigest(row) })
      .execute();
    await sealRun(transaction, "r");
    await sealModel(transaction, "m");
  });
  await store.memo.set("file", "its fingerprint");
  await store.close();
}

async function filesOfStore(): Promise<string[]> {
  const files = [join(folder, "metadata.sqlite")];
  const artifacts = createDiskArtifacts(folder, noHooks);
  for await (const { digest } of artifacts.stored()) files.push(artifacts.pathOf(digest));
  return files;
}

/** Everything the store says, as SQL gives it; null where it cannot be read. */
async function contentOf(): Promise<string | null> {
  try {
    const engine = await openEngine(join(folder, "metadata.sqlite"), await loadSqlite());
    const tables = engine.prepare("select name from sqlite_schema where type = 'table' order by name").all();
    const rows = (tables as { name: string }[]).map(({ name }) => engine.prepare(`select * from "${name}"`).all());
    engine.close();
    return JSON.stringify([tables, rows]);
  } catch {
    return null;
  }
}

describe("verifying a store", () => {
  it("finds nothing in a sound one, and counts what it looked at", async () => {
    await fillStore(5_000);
    expect(await verifyStore(folder, clock)).toEqual({ faults: [], runs: 1, artifacts: 3, bytes: 22_000 });
  });

  it("names a missing artifact, one cut short and one altered, each with a remedy", async () => {
    await fillStore(100);
    const [, first, second] = await filesOfStore();
    rmSync(first!);
    await writeFile(second!, "short");
    const { faults } = await verifyStore(folder, clock);
    expect(faults.map((fault) => fault.subject)).toEqual([first, second].map((path) => relative(folder, path!)));
    expect(faults.map((fault) => fault.problem)).toEqual(["the file is missing", "the file has 5 bytes, not 100"]);
    expect(faults.every((fault) => fault.remedy.includes("millrace restore"))).toBe(true);
  });

  it.each([
    ["a metric", "update metrics set value = 0.9 where metric = 'auc'", "run r"],
    ["a run's status", "update runs set status = 'failed'", "run r"],
    [
      "a run taken out",
      "delete from tags; delete from series; update seals set subject = 'run:x' where subject = 'run:r'",
      "run x",
    ],
    ["a champion", "update aliases set moved_at = 5", "model m"],
    ["a cache key", "update cache_entries set cache_key = 'key c' where step = 'b'", "run r"],
    ["a remembered fact", "update memo set value = '\"other\"'", "memo file"],
    ["the role of a key", "update keys set role = 'admin'", "keys"],
    ["a key put in", "insert into keys values ('ff', 'x', 'admin', 'ab', 'cd', 1, null, null)", "keys"],
    ["what became true", "update feedback set actual = '5'", "feedback on p"],
    ["bytes that wait for their sync", "update unsynced set bytes = 'AAAA'", "unsynced"],
    ["the counter", "update counters set value = 9", "metadata.sqlite"],
    ["a table", "create table more (a text)", "metadata.sqlite"],
  ])("finds %s altered behind its back", async (_, sql, subject) => {
    await fillStore(100);
    const engine = await openEngine(join(folder, "metadata.sqlite"), await loadSqlite());
    engine.exec("pragma foreign_keys = off");
    engine.exec(sql);
    engine.close();
    const { faults } = await verifyStore(folder, clock);
    expect(faults.map((fault) => fault.subject)).toContainEqual(expect.stringContaining(subject));
  });

  it("says so where there is no store, and makes none", async () => {
    const { faults } = await verifyStore(folder, clock);
    expect(faults).toMatchObject([{ subject: "metadata.sqlite", problem: expect.stringContaining("no such file") }]);
    await expect(readdir(folder)).rejects.toThrow("ENOENT");
  });

  it("finds every one of 1,000 flipped bits that changes anything the store says", async () => {
    await fillStore(60_000);
    const files = await filesOfStore();
    const sizes = files.map((path) => statSync(path).size);
    const original = readFileSync(files[0]!);
    const content = await contentOf();
    const rng = createRng(2026);
    const unseen: string[] = [];
    for (let i = 0; i < 1_000; ++i) {
      let position = rng.integer(sizes.reduce((a, b) => a + b, 0));
      const index = sizes.findIndex((size) => (position < size ? true : ((position -= size), false)));
      flipBit(files[index]!, position, rng.integer(8));
      const { faults } = await verifyStore(folder, clock);
      if (faults.length === 0) {
        // A bit in a part of the database file that holds nothing: what the store says is what it said.
        if (index !== 0 || (await contentOf()) !== content) unseen.push(`${files[index]} byte ${position}`);
      }
      if (index === 0) writeFileSync(files[0]!, original);
      else flipBack();
    }
    expect(unseen).toEqual([]);
  });
});

let flipBack = (): void => {};

function flipBit(path: string, position: number, bit: number): void {
  const handle = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(handle, byte, 0, 1, position);
  writeSync(handle, Buffer.of(byte[0]! ^ (1 << bit)), 0, 1, position);
  closeSync(handle);
  flipBack = () => {
    const again = openSync(path, "r+");
    writeSync(again, byte, 0, 1, position);
    closeSync(again);
  };
}
