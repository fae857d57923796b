import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { sha256 } from "../core/digest.ts";
import { backUp, restoreBackup } from "./backup.ts";
import { holdStore } from "./gc.ts";
import { takeLease } from "./leases.ts";
import type { Fence } from "./leases.ts";
import { metadataFile, openStore } from "./open.ts";
import type { Store } from "./open.ts";
import { interruptOrphans } from "./orphans.ts";
import { loadSqlite, openEngine } from "./sqlite.ts";
import { digestOfEnd, noteEnd } from "./step-ends.ts";
import { stepQueries } from "./step-rows.ts";
import type { StepRows } from "./step-rows.ts";
import { runOf, temporaryFolder } from "./store.fixtures.ts";
import { verifyStore } from "./verify.ts";

const clock = fixedClock(1_000);
let folder: string;
let store: Store;
let remove: () => Promise<void>;
let fence: Fence;
beforeEach(async () => {
  const made = await temporaryFolder();
  folder = join(made.path, ".millrace");
  remove = made.remove;
  store = await openStore(folder, { clock });
  await store.database.insertInto("runs").values(runOf("r", 1)).execute();
  fence = await store.database.transaction().execute((transaction) => takeLease(transaction, "run:r"));
});
afterEach(async () => {
  await store.close();
  await remove();
});

const text = "what the step wrote, with a \u0000 in it";
const digest = sha256(text);

/** An attempt that has something to say in every table. The text is what releases of format 9 wrote: it must stay readable. */
const said = JSON.stringify({
  artifacts: [{ digest, size: Buffer.byteLength(text) }],
  unsynced: [{ digest, bytes: Buffer.from(text).toString("base64") }],
  outputs: [{ output: "out", digest, type: "json", format: 1 }],
  inputs: [{ input: "before.out", digest }],
  metrics: [{ metric: "m", value: 0.1 }],
  params: [{ param: "p", value: '"1"' }],
  answers: "sha256:key",
  step: {
    run_id: "r",
    step: "s",
    attempt: 2,
    position: 3,
    status: "ran",
    cache_key: "sha256:key",
    key_parts: '{"name":"s"}',
    reason: null,
    started_at: 1,
    duration_ms: 10.25,
    error_code: null,
    error_message: null,
  },
  log: { head: "oline", tail: "", dropped: 0 },
  settings: '{"tags":["t"]}',
});
const rows = JSON.parse(said) as StepRows;

const ofAttempts = ["steps", "step_inputs", "step_outputs", "step_logs", "step_settings", "metrics", "params"] as const;
const tables = [...ofAttempts, "artifacts", "unsynced", "cache_entries", "step_ends"] as const;

async function recordOf({ database }: Store): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const table of tables) found[table] = await database.selectFrom(table).selectAll().execute();
  return found;
}

/** Its holder is silent for too long. */
const interrupt = (): Promise<string[]> => interruptOrphans(store.database, clock, { isLost: () => true });

describe("the end of a step, noted as one row", () => {
  it("is written in all its rows once its run is found without a holder, and its file then", async () => {
    await noteEnd(store, fence, rows);
    expect((await recordOf(store))["steps"]).toEqual([]);
    expect(await interrupt()).toEqual(["r"]);
    const spread = await recordOf(store);
    const direct = await openStore(join(folder, "..", "direct"), { clock });
    await direct.database.insertInto("runs").values(runOf("r", 1)).execute();
    await direct.write(stepQueries(direct.database, rows));
    expect(spread).toEqual(await recordOf(direct));
    expect(spread).toMatchObject({ step_ends: [], steps: [{ step: "s", attempt: 2 }], step_logs: [{ head: "oline" }] });
    await direct.close();
    await store.unsynced.putBack();
    expect(Buffer.from(await store.artifacts.readBytes(digest)).toString()).toBe(text);
    expect((await verifyStore(folder, clock)).faults).toEqual([]);
  });

  it("is refused where another took the run over", async () => {
    await store.database.transaction().execute((transaction) => takeLease(transaction, "run:r"));
    await expect(noteEnd(store, fence, rows)).rejects.toMatchObject({ code: "FENCED" });
    expect((await recordOf(store))["step_ends"]).toEqual([]);
  });

  it.each([
    ["what it says", { said: said.replace("10.25", "10.75") }],
    ["whose it is", { token: 99 }],
    ["its digest", { digest: sha256("other") }],
  ])("is found altered in %s, and is no end then", async (_, change) => {
    await noteEnd(store, fence, rows);
    await store.database.updateTable("step_ends").set(change).execute();
    const problem = "the end of its last step was altered";
    expect((await verifyStore(folder, clock)).faults).toMatchObject([{ subject: "run r", problem }]);
    await interrupt();
    expect(await recordOf(store)).toMatchObject({ steps: [], step_ends: [] });
    expect((await verifyStore(folder, clock)).faults).toEqual([]);
  });

  it("is written before garbage is collected, though its process is killed after the last look at who is at work", async () => {
    await noteEnd(store, fence, rows);
    const engine = await openEngine(join(folder, metadataFile), await loadSqlite());
    let nLooks = 0;
    const dying: Store = {
      ...store,
      get database() {
        if (++nLooks === 2) engine.exec("update leases set process_started = 'before' where resource = 'run:r'");
        return store.database;
      },
    };
    const found = await holdStore(dying, clock, () => recordOf(store));
    engine.close();
    expect(found).toMatchObject({ step_ends: [], step_outputs: [{ digest }] });
  });

  it.each([
    ["nothing", {}],
    ["of an artifact that is not on record", { ...rows, inputs: [{ input: "before.out", digest: sha256("none") }] }],
    ["what is on record already", { ...rows, outputs: [...rows.outputs, ...rows.outputs] }],
  ])("keeps nobody out of the store where it says %s: it is no end then", async (_, odd) => {
    const end = { token: fence.token, run_id: "r", said: JSON.stringify(odd) };
    await store.database
      .insertInto("step_ends")
      .values({ ...end, digest: digestOfEnd(end) })
      .execute();
    expect(await interrupt()).toEqual(["r"]);
    expect(await recordOf(store)).toMatchObject({ steps: [], artifacts: [], step_ends: [] });
    expect((await verifyStore(folder, clock)).faults).toEqual([]);
  });

  it("is in a backup with its file, by whoever finds there that its run lost its holder", async () => {
    await noteEnd(store, fence, rows);
    await store.database.updateTable("leases").set({ process_started: "before" }).execute();
    const backup = join(folder, "..", "backup");
    expect(await backUp(store, clock, backup)).toMatchObject({ artifacts: 1, bytes: Buffer.byteLength(text) });
    expect((await verifyStore(backup, clock)).faults).toEqual([]);
  });

  it("is not of a copy made meanwhile, whose run stands before it", async () => {
    const end = { token: fence.token, run_id: "r", said };
    await store.database
      .insertInto("step_ends")
      .values({ ...end, digest: digestOfEnd(end) })
      .execute();
    const backup = join(folder, "..", "backup");
    await backUp(store, clock, backup);
    const restored = join(folder, "..", "restored");
    await restoreBackup(backup, restored, clock, { force: false });
    const copy = await openStore(restored, { clock });
    expect(await recordOf(copy)).toMatchObject({ steps: [], step_ends: [], artifacts: [] });
    expect(await copy.database.selectFrom("runs").select("status").execute()).toEqual([{ status: "interrupted" }]);
    await copy.close();
    expect((await verifyStore(restored, clock)).faults).toEqual([]);
  });
});
