import type { Compilable, Kysely, Transaction } from "kysely";
import { MillraceError } from "../core/errors/error.ts";
import { compileOnce } from "./compile-once.ts";
import type { Store } from "./open.ts";
import { isStopped, mayBeAlive, runsHere, thisProcess } from "./processes.ts";
import type { Database, LeasesTable } from "./schema.ts";

/** Proof of holding a resource. Whoever took it later has a larger token, and what this one then writes is refused. */
export interface Fence {
  readonly resource: string;
  readonly token: number;
}

export type Lease = Readonly<LeasesTable>;

/** How often a holder shows that it lives. */
export const heartbeatMs = 500;

/** Without a heartbeat for so long a stopped process of this machine, or any process of another, has lost its lease. */
export const leaseMs: Readonly<{ here: number; elsewhere: number }> = Object.freeze({ here: 5_000, elsewhere: 30_000 });

/** The next number of the store's own order: larger than all before, whatever the clocks of the machines say. */
export async function nextInOrder(transaction: Transaction<Database>): Promise<number> {
  const { value } = await transaction
    .updateTable("counters")
    .set((e) => ({ value: e("value", "+", 1), twin: e("twin", "-", 1) }))
    .where("counter", "=", "order")
    .returning("value")
    .executeTakeFirstOrThrow();
  return value;
}

/** Takes a resource for this process, from whoever holds it: the caller knows that it may. */
export async function takeLease(transaction: Transaction<Database>, resource: string): Promise<Fence> {
  const { host, pid, started } = thisProcess();
  const token = await nextInOrder(transaction);
  const holding = { token, beat: 0, host, pid, process_started: started };
  await transaction
    .insertInto("leases")
    .values({ resource, ...holding })
    .onConflict((conflict) => conflict.column("resource").doUpdateSet(holding))
    .execute();
  return { resource, token };
}

/** Throws FENCED where the resource was taken by another since, or given up. First in every transaction of its holder. */
export async function requireFence(transaction: Transaction<Database>, fence: Fence): Promise<void> {
  checkFence(fence, await readLease(transaction, fence.resource));
}

/** Throws FENCED unless `lease`, as just read, is the one of the fence. */
export function checkFence(fence: Fence, lease: Pick<Lease, "token"> | undefined): void {
  if (lease?.token !== fence.token) throw fencedError(fence);
}

export function fencedError({ resource, token }: Fence): MillraceError {
  return new MillraceError("FENCED", { resource, token });
}

export async function releaseLease(transaction: Transaction<Database>, fence: Fence): Promise<void> {
  await transaction
    .deleteFrom("leases")
    .where("resource", "=", fence.resource)
    .where("token", "=", fence.token)
    .execute();
}

export async function readLease(database: Kysely<Database>, resource: string): Promise<Lease | undefined> {
  return database.selectFrom("leases").selectAll().where("resource", "=", resource).executeTakeFirst();
}

/** The lease of a fence's resource, as far as {@link checkFence} asks for it. */
export function heldLease(database: Kysely<Database>, { resource }: Fence): Compilable<Pick<Lease, "token">> {
  return compileOnce(database, "lease", [resource], () =>
    database.selectFrom("leases").select("token").where("resource", "=", resource),
  );
}

export async function listLeases(database: Kysely<Database>): Promise<readonly Lease[]> {
  return database.selectFrom("leases").selectAll().orderBy("token").execute();
}

/** False for a lease whose holder surely ended: it was of this machine and is there no more. */
export function mayBeHeld(lease: Lease): boolean {
  return mayBeAlive({ host: lease.host, pid: lease.pid, started: lease.process_started });
}

/** Throws STORE_IN_USE, naming the holders, where a process may hold one of the `leases` of the store at `path`. */
export function requireNoHolders(leases: readonly Lease[], path: string): void {
  const holders = leases
    .filter(mayBeHeld)
    .map((lease) => `${lease.resource.replace(":", " ")} (process ${lease.pid} on ${lease.host})`);
  if (holders.length > 0) throw new MillraceError("STORE_IN_USE", { path, holders });
}

export interface Heartbeat {
  stop(): void;
}

/**
 * Beats for a lease until stopped; `onLost` hears once when another took it. A beat that fails for another reason is
 * tried again: the store says so itself at the next commit.
 */
export function keepLease(store: Pick<Store, "database" | "write">, fence: Fence, onLost: () => void): Heartbeat {
  let isBeating = false;
  let isStoppedByHolder = false;
  const beat = async (): Promise<void> => {
    if (isBeating) return;
    isBeating = true;
    try {
      const queries = [
        store.database
          .updateTable("leases")
          .set((e) => ({ beat: e("beat", "+", 1) }))
          .where("resource", "=", fence.resource)
          .where("token", "=", fence.token),
      ];
      const [changed] = await store.write(queries, undefined, "eventually");
      if (changed !== 0) return;
      clearInterval(timer);
      if (!isStoppedByHolder) onLost();
    } catch {
      // A busy or closed store: the next beat, or the next commit, tells.
    } finally {
      isBeating = false;
    }
  };
  const timer = setInterval(() => void beat(), heartbeatMs);
  timer.unref();
  return {
    stop() {
      isStoppedByHolder = true;
      clearInterval(timer);
    },
  };
}

/** Watches leases over this process's own monotonic time, so that no two clocks are ever compared. */
export interface LeaseWatch {
  /** Whether the holder of `lease`, as just read, has lost it. */
  isLost(lease: Lease): boolean;
}

/**
 * A holder on this machine has lost its lease once its process ended, at once, or once it stands stopped without a
 * heartbeat for `here` ms; a process that works and is too busy to beat keeps it. One elsewhere loses it after `elsewhere`
 * ms without a heartbeat.
 */
export function watchLeases(
  monotonic: () => number,
  limits: { here: number; elsewhere: number } = leaseMs,
): LeaseWatch {
  const seen = new Map<string, { readonly mark: string; readonly at: number }>();
  return {
    isLost(lease) {
      if (!mayBeHeld(lease)) return true;
      const mark = `${lease.token} ${lease.beat}`;
      const last = seen.get(lease.resource);
      if (last?.mark !== mark) seen.set(lease.resource, { mark, at: monotonic() });
      const silentMs = last?.mark === mark ? monotonic() - last.at : 0;
      if (runsHere(lease.host)) return isStopped(lease.pid) && silentMs >= limits.here;
      return silentMs >= limits.elsewhere;
    },
  };
}
