import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import type { Lease, LeaseWatch } from "./leases.ts";
import { leaseMs, listLeases, watchLeases } from "./leases.ts";
import { mayBeAlive, runsHere } from "./processes.ts";
import type { Database } from "./schema.ts";
import { sealRun } from "./seals.ts";
import { isUnspreadable, removeEndsOf, spreadEndsOf } from "./step-ends.ts";

/** Whether the lease of a run under way, or its process where it has none, is surely lost. */
type IsOrphaned = (lease: Lease | undefined, process: { host: string; pid: number; started: string }) => boolean;

/** What becomes of the end of a step that its process only noted. */
type SettleEnds = typeof spreadEndsOf;

async function interrupt(
  transaction: Transaction<Database>,
  runId: string,
  nowMs: number,
  settleEnds: SettleEnds,
): Promise<void> {
  const finished = { status: "interrupted" as const, finished_at: nowMs };
  const changed = await transaction
    .updateTable("runs")
    .set(finished)
    .where("id", "=", runId)
    .where("status", "=", "running")
    .executeTakeFirst();
  if (changed.numUpdatedRows === 0n) return;
  await settleEnds(transaction, runId);
  await transaction
    .updateTable("steps")
    .set({ status: "interrupted" })
    .where("run_id", "=", runId)
    .where("status", "=", "running")
    .execute();
  await sealRun(transaction, runId);
}

async function interruptWhere(database: Kysely<Database>, clock: Clock, isOrphaned: IsOrphaned): Promise<string[]> {
  const running = await database
    .selectFrom("runs")
    .select(["id", "host", "pid", "process_started as started"])
    .where("status", "=", "running")
    .orderBy("sequence")
    .execute();
  if (running.length === 0) return [];
  const leases = new Map((await listLeases(database)).map((lease) => [lease.resource, lease]));
  const orphans = running.filter((run) => isOrphaned(leases.get(`run:${run.id}`), run)).map((run) => run.id);
  for (const id of orphans) {
    const interruptWith = (settleEnds: SettleEnds): Promise<void> =>
      database.transaction().execute(async (transaction) => {
        const isLost = await isStillLost(transaction, `run:${id}`, leases.get(`run:${id}`));
        if (isLost) await interrupt(transaction, id, clock.now(), settleEnds);
      });
    await interruptWith(spreadEndsOf).catch((error: unknown) => {
      if (!isUnspreadable(error)) throw error;
      // One that says what cannot be, for no code of ours wrote it, keeps nobody out of the store.
      return interruptWith(removeEndsOf);
    });
  }
  return orphans;
}

/** Takes the lease away, if it is there; false where it was beaten or taken since it was looked at: somebody lives. */
async function isStillLost(
  transaction: Transaction<Database>,
  resource: string,
  seen: Lease | undefined,
): Promise<boolean> {
  if (seen === undefined) return true;
  const { numDeletedRows } = await transaction
    .deleteFrom("leases")
    .where("resource", "=", resource)
    .where("token", "=", seen.token)
    .where("beat", "=", seen.beat)
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

/** Runs whose process died without a word get the status "interrupted". */
export async function markInterrupted(database: Kysely<Database>, clock: Clock): Promise<void> {
  await interruptWhere(database, clock, (lease, process) =>
    lease ? !mayBeAlive({ host: lease.host, pid: lease.pid, started: lease.process_started }) : !mayBeAlive(process),
  );
}

/** Like {@link markInterrupted}, but also the runs whose holder lost its lease under `watch`; gives their ids. */
export function interruptOrphans(database: Kysely<Database>, clock: Clock, watch: LeaseWatch): Promise<string[]> {
  return interruptWhere(database, clock, (lease, process) => (lease ? watch.isLost(lease) : !mayBeAlive(process)));
}

/** Gives up leases other than those of runs whose holder lost them under `watch`. */
async function dropLost(database: Kysely<Database>, watch: LeaseWatch): Promise<void> {
  const lost = (await listLeases(database)).filter(
    (lease) => !lease.resource.startsWith("run:") && watch.isLost(lease),
  );
  for (const { resource, token, beat } of lost) {
    await database
      .transaction()
      .execute((transaction) =>
        transaction
          .deleteFrom("leases")
          .where("resource", "=", resource)
          .where("token", "=", token)
          .where("beat", "=", beat)
          .execute(),
      );
  }
}

const lookMs = 250;

/**
 * Gives up what no process holds any more. Holders on other machines that have not beaten since they were first seen are
 * watched for as long as their leases last.
 */
export async function settleLeases(
  database: Kysely<Database>,
  clock: Clock,
  limits: typeof leaseMs = leaseMs,
): Promise<void> {
  const watch = watchLeases(clock.monotonic, limits);
  const first = new Map((await listLeases(database)).map((lease) => [lease.resource, lease]));
  for (let waitedMs = 0; ; waitedMs += lookMs) {
    await interruptOrphans(database, clock, watch);
    await dropLost(database, watch);
    const silent = (await listLeases(database)).filter(({ resource, token, beat, host }) => {
      const seen = first.get(resource);
      return !runsHere(host) && seen?.token === token && seen.beat === beat;
    });
    if (silent.length === 0 || waitedMs > limits.elsewhere + 2 * lookMs) return;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/**
 * For a copy of a store, where nobody is at work: every run under way there is interrupted, every lease gone. A step whose end
 * was not yet written in full, nor its files made, ends later than the copy.
 */
export async function interruptAll(database: Kysely<Database>, clock: Clock): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    for (const table of ["leases", "step_ends"] as const) await transaction.deleteFrom(table).execute();
    const running = await transaction.selectFrom("runs").select("id").where("status", "=", "running").execute();
    for (const { id } of running) await interrupt(transaction, id, clock.now(), removeEndsOf);
  });
}
