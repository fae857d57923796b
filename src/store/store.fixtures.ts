import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest } from "../core/digest.ts";
import type { Store } from "./open.ts";
import type { RunsTable } from "./run-tables.ts";

/** A folder of its own for one test; `remove` takes it away. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "millrace-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
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
