import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { openStore, type Store } from "./open.ts";
import type { RunsTable } from "./run-tables.ts";
import { sealRun } from "./seals.ts";

/** A folder of its own for one test; `remove` takes it away. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "millrace-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A store in a folder of its own, `root`, for one test; `end` closes it and takes both away. */
export async function temporaryStore(): Promise<{ root: string; store: Store; end: () => Promise<void> }> {
  const { path: root, remove } = await temporaryFolder();
  const store = await openStore(join(root, ".millrace"), { clock: systemClock });
  return { root, store, end: () => store.close().then(remove) };
}

/** Puts bytes into a store as an artifact. */
export async function addArtifact(store: Store, bytes: Uint8Array | string): Promise<Digest> {
  const path = store.artifacts.temporaryPath();
  await writeFile(path, bytes);
  return (await store.artifacts.adopt(path)).digest;
}

/** The row of a run that another machine executes. */
export function runOf(id: string, sequence: number, more: Partial<RunsTable> = {}) {
  const process = { host: "elsewhere", pid: 7, process_started: "1" };
  return {
    id,
    workflow: "w",
    seed: 1,
    status: "running" as const,
    started_at: 1,
    sequence,
    attempt: 1,
    ...process,
    ...more,
  };
}

/** A finished run of one step, which ran or was answered by an earlier one. */
export async function addRun(
  store: Store,
  sequence: number,
  digest: Digest,
  options: { workflow?: string; key?: string; status?: "ran" | "cached"; runStatus?: "succeeded" | "running" } = {},
): Promise<string> {
  const { workflow = "w", key = `key ${sequence}`, status = "ran", runStatus = "succeeded" } = options;
  const id = `run-${sequence}`;
  const of = { run_id: id, step: "s", attempt: 1 };
  await store.database.transaction().execute(async (transaction) => {
    const process = { host: "elsewhere", pid: 1, process_started: "1" };
    await transaction
      .insertInto("runs")
      .values({ id, workflow, seed: 1, status: runStatus, started_at: 1, sequence, attempt: 1, ...process })
      .execute();
    await transaction
      .insertInto("steps")
      .values({ ...of, position: 0, status, cache_key: key })
      .execute();
    await transaction
      .insertInto("artifacts")
      .values({ digest, size: (await store.artifacts.sizeOf(digest))! })
      .onConflict((c) => c.doNothing())
      .execute();
    await transaction
      .insertInto("step_outputs")
      .values({ ...of, output: "o", digest, type: "t", format: 1 })
      .execute();
    if (status === "ran")
      await transaction
        .insertInto("cache_entries")
        .values({ ...of, cache_key: key })
        .execute();
    await transaction.updateTable("counters").set({ value: sequence, twin: -sequence }).execute();
    await sealRun(transaction, id);
  });
  return id;
}
