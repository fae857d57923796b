import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { keptArtifacts } from "./forgotten.ts";
import { keepLease, listLeases, releaseLease, requireFence, requireNoHolders, takeLease } from "./leases.ts";
import type { Fence } from "./leases.ts";
import type { Store } from "./open.ts";
import { markInterrupted, settleLeases } from "./orphans.ts";
import { abandonedBesides } from "./replace-folder.ts";
import type { Database } from "./schema.ts";
import { dayMs, removeOld, temporaryFiles } from "./temporary.ts";

export interface GcOptions {
  /** Runs kept of each workflow, the newest; null = all. Runs that made or judged a version are always kept. */
  readonly keepRuns: number | null;
  /** Only says what would go. */
  readonly dryRun: boolean;
}

/** What was removed, or would be. */
export interface GcReport {
  readonly runs: readonly string[];
  readonly artifacts: number;
  readonly bytes: number;
  readonly temporaryFiles: number;
}

const hourMs = 3_600_000;
const filesAtOnce = 50;
const rowsAtOnce = 500;

/**
 * Removes runs beyond those kept, artifacts that no kept run and no version refers to, and temporary files older than an
 * hour. Rows go first, in one transaction, then files: a crash leaves files without a row, which the next call removes.
 * No run begins meanwhile. Throws STORE_IN_USE where a run or a backup is under way.
 */
export async function collectGarbage(store: Store, clock: Clock, options: GcOptions): Promise<GcReport> {
  if (options.dryRun) return plan(store, clock, options.keepRuns);
  return holdStore(store, clock, async (fence) => {
    const report = await plan(store, clock, options.keepRuns);
    await store.database.transaction().execute(async (transaction) => {
      await requireFence(transaction, fence);
      for (const run of report.runs) await removeRun(transaction, run);
      await removeRows(transaction);
    });
    store.hooks.reached("gc.rowsRemoved");
    await removeFiles(store, fence);
    await store.artifacts.sweep(clock.now() - dayMs);
    await removeOld(await oldFiles(store, clock), store.hooks);
    return report;
  });
}

/**
 * Does `work` while no run begins and no backup is taken, under a lease of the store as a whole. Throws STORE_IN_USE where
 * either is under way.
 */
export async function holdStore<T>(store: Store, clock: Clock, work: (fence: Fence) => Promise<T>): Promise<T> {
  await settleLeases(store.database, clock);
  const fence = await store.database.transaction().execute((transaction) => takeGc(transaction, store.folder));
  const heartbeat = keepLease(store, fence, () => {});
  try {
    // One that ended only now may have noted what nobody would see here, and it came back after.
    await markInterrupted(store.database, clock);
    await store.unsynced.settle();
    return await work(fence);
  } finally {
    heartbeat.stop();
    await store.database.transaction().execute((transaction) => releaseLease(transaction, fence));
  }
}

async function takeGc(transaction: Transaction<Database>, path: string): Promise<Fence> {
  requireNoHolders(await listLeases(transaction), path);
  return takeLease(transaction, "gc");
}

async function plan(store: Store, clock: Clock, keepRuns: number | null): Promise<GcReport> {
  const { database } = store;
  const runs = keepRuns === null ? [] : await runsBeyond(database, keepRuns);
  const { named, forgotten } = await spokenOf(database, new Set(runs));
  let [artifacts, bytes] = [0, 0];
  for await (const { digest, size } of store.artifacts.stored()) {
    if (named.has(digest) && !forgotten.has(digest)) continue;
    artifacts += 1;
    bytes += size;
  }
  return { runs, artifacts, bytes, temporaryFiles: (await oldFiles(store, clock)).length };
}

/** What processes that were cut off left in the store and beside it. */
async function oldFiles(store: Store, clock: Clock): Promise<readonly string[]> {
  const temporary = await temporaryFiles(store.folder, clock.now() - hourMs);
  return [...temporary, ...(await abandonedBesides(store.folder, clock.now()))];
}

/** Runs that may go: beyond the newest of their workflow, at an end, with no version and no kept run depending on them. */
async function runsBeyond(database: Kysely<Database>, keepRuns: number): Promise<string[]> {
  const runs = await database
    .selectFrom("runs")
    .select(["id", "workflow", "status", "parent"])
    .orderBy("sequence", "desc")
    .execute();
  const versions = await database.selectFrom("versions").select("run_id").execute();
  const judgements = await database.selectFrom("judgements").select("run_id").execute();
  const needed = new Set([...versions, ...judgements].map((row) => row.run_id));
  const seen = new Map<string, number>();
  for (const { id, workflow, status } of runs) {
    const place = seen.get(workflow) ?? 0;
    seen.set(workflow, place + 1);
    if (place < keepRuns || status === "running") needed.add(id);
  }
  // Newest first: a nested run comes before the run it is nested in.
  for (const { id, parent } of runs) if (parent !== null && needed.has(id)) needed.add(parent);
  return runs.map(({ id }) => id).filter((id) => !needed.has(id));
}

interface Spoken {
  /** Digests that runs and versions name, and what replaced those that were forgotten. */
  readonly named: ReadonlySet<Digest>;
  readonly forgotten: ReadonlySet<Digest>;
}

/** What is spoken of, as if the runs `gone` were gone already. */
async function spokenOf(database: Kysely<Database>, gone: ReadonlySet<string>): Promise<Spoken> {
  const outputs = await database.selectFrom("step_outputs").select(["run_id", "digest"]).execute();
  const inputs = await database.selectFrom("step_inputs").select(["run_id", "digest"]).execute();
  const versions = await database.selectFrom("versions").select("digest").execute();
  const forgotten = await database.selectFrom("forgotten").select(["digest", "replacement"]).execute();
  const ofRuns = [...outputs, ...inputs].filter((row) => !gone.has(row.run_id));
  const replacements = new Map(forgotten.map(({ digest, replacement }) => [digest, replacement]));
  const named = new Set([...ofRuns, ...versions].map(({ digest }) => digest));
  // A set hands out what is added to it on the way: a replacement may be forgotten in its turn.
  for (const digest of named) {
    const replacement = replacements.get(digest);
    if (replacement !== undefined) named.add(replacement);
  }
  return { named, forgotten: new Set(replacements.keys()) };
}

async function removeRun(transaction: Transaction<Database>, runId: string): Promise<void> {
  await passAnswersOn(transaction, runId);
  const ofSteps = ["metrics", "params", "step_inputs", "step_outputs", "step_logs", "step_settings"] as const;
  const tables = [...ofSteps, "tags", "series", "steps"] as const;
  for (const table of tables) await transaction.deleteFrom(table).where("run_id", "=", runId).execute();
  await transaction.deleteFrom("runs").where("id", "=", runId).execute();
  await transaction.deleteFrom("seals").where("subject", "=", `run:${runId}`).execute();
}

/** Where another run was answered with what this one made, it answers from now on. */
async function passAnswersOn(transaction: Transaction<Database>, runId: string): Promise<void> {
  const answers = await transaction.selectFrom("cache_entries").selectAll().where("run_id", "=", runId).execute();
  for (const { cache_key } of answers) {
    const heir = await transaction
      .selectFrom("steps")
      .innerJoin("runs", "runs.id", "steps.run_id")
      .select(["run_id", "step", "steps.attempt as attempt"])
      .where("cache_key", "=", cache_key)
      .where("run_id", "<>", runId)
      .where("steps.status", "in", ["ran", "cached"])
      .orderBy("runs.sequence", "desc")
      .limit(1)
      .executeTakeFirst();
    if (heir) await transaction.updateTable("cache_entries").set(heir).where("cache_key", "=", cache_key).execute();
    else await transaction.deleteFrom("cache_entries").where("cache_key", "=", cache_key).execute();
  }
}

/** What names artifacts goes before them. */
async function removeRows(transaction: Transaction<Database>): Promise<void> {
  for (const table of ["unsynced", "forgotten", "artifacts"] as const) {
    const { named, forgotten } = await spokenOf(transaction, new Set());
    const rows = await transaction.selectFrom(table).select("digest").execute();
    const isNeeded = (digest: Digest): boolean => named.has(digest) || (table === "artifacts" && forgotten.has(digest));
    const unneeded = rows.map(({ digest }) => digest).filter((digest) => !isNeeded(digest));
    for (let start = 0; start < unneeded.length; start += rowsAtOnce)
      await transaction
        .deleteFrom(table)
        .where("digest", "in", unneeded.slice(start, start + rowsAtOnce))
        .execute();
  }
}

/** Files without a row. Each lot under the write lock and the fence, so that none is removed that a run is taking in. */
async function removeFiles(store: Store, fence: Fence): Promise<void> {
  const { database } = store;
  const known = new Set((await keptArtifacts(database)).map(({ digest }) => digest));
  const versions = await database.selectFrom("versions").select("digest").execute();
  for (const { digest } of versions) known.add(digest);
  let lot: Digest[] = [];
  const removeLot = (): Promise<void> =>
    database.transaction().execute(async (transaction) => {
      await requireFence(transaction, fence);
      await store.artifacts.remove(lot);
      lot = [];
    });
  for await (const { digest } of store.artifacts.stored()) {
    if (known.has(digest)) continue;
    lot.push(digest);
    if (lot.length === filesAtOnce) await removeLot();
  }
  if (lot.length > 0) await removeLot();
}
