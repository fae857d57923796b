import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import { restoreBackup } from "./backup.ts";
import type { BackupReport } from "./backup.ts";
import { keptArtifacts } from "./forgotten.ts";
import { listLeases, requireNoHolders } from "./leases.ts";
import { inspectStore, openStore } from "./open.ts";
import type { Store, StoreOptions } from "./open.ts";
import { settleLeases } from "./orphans.ts";
import { besides } from "./replace-folder.ts";
import type { Database } from "./schema.ts";
import { syncPath } from "./sync.ts";
import { lastingTables, pagesOf } from "./tables.ts";
import type { LastingTable } from "./tables.ts";

/**
 * Puts a backup in the place of a store whose metadata is on a server. The backup is verified whole and its artifacts are in
 * place before the rows are replaced, in one transaction. Throws BACKUP_UNUSABLE, STORE_NOT_EMPTY without `force`, or
 * STORE_IN_USE.
 */
export async function restoreToServer(
  backup: string,
  target: string,
  options: StoreOptions & { readonly force: boolean },
): Promise<BackupReport> {
  const { clock, artifacts, force } = options;
  const folder = resolve(target);
  const store = await openStore(folder, options);
  const staging = besides(folder, "restoring");
  try {
    await mkdir(staging);
    await settleLeases(store.database, clock);
    await requireReplaceable(store, store.database, force);
    const staged = join(staging, "store");
    const report = await restoreBackup(backup, staged, clock, { force: false, artifacts });
    await takeArtifacts(store, staged, clock, artifacts);
    await replaceRows(store, staged, clock, force);
    await takePredictions(staged, folder);
    return { ...report, path: store.metadata };
  } finally {
    await rm(staging, { recursive: true, force: true });
    await store.close();
  }
}

/** A store that somebody works in is not replaced under their hands, and one that holds runs only where that is wanted. */
async function requireReplaceable(
  store: Store,
  database: Kysely<Database> | Transaction<Database>,
  force: boolean,
): Promise<void> {
  const path = store.metadata;
  requireNoHolders(await listLeases(database), path);
  if (force) return;
  const run = await database.selectFrom("runs").select("id").limit(1).executeTakeFirst();
  const entry = await database.selectFrom("audit").select("sequence").limit(1).executeTakeFirst();
  if (run || entry) throw new MillraceError("STORE_NOT_EMPTY", { path });
}

/** Those of a bucket are there already. */
async function takeArtifacts(store: Store, staged: string, clock: Clock, place: string | undefined): Promise<void> {
  if (place !== undefined) return;
  const { store: from } = await inspectStore(staged, { clock });
  try {
    for (const { digest } of await keptArtifacts(from.database)) {
      const path = store.artifacts.temporaryPath();
      await from.artifacts.copyTo(digest, path, true);
      await store.artifacts.adopt(path);
    }
  } finally {
    await from.close();
  }
}

async function replaceRows(store: Store, staged: string, clock: Clock, force: boolean): Promise<void> {
  const tables = Object.keys(lastingTables) as LastingTable[];
  const { store: from } = await inspectStore(staged, { clock });
  try {
    await store.database.transaction().execute(async (transaction) => {
      await requireReplaceable(store, transaction, force);
      await transaction.deleteFrom("leases").execute();
      for (const table of tables.toReversed()) await transaction.deleteFrom(table).execute();
      for (const table of tables)
        for await (const rows of pagesOf(from.database, table))
          await transaction
            .insertInto(table)
            .values(rows as never)
            .execute();
    });
  } finally {
    await from.close();
  }
}

/** As where a whole folder is replaced: what was logged for another store does not stay among what was restored. */
async function takePredictions(staged: string, folder: string): Promise<void> {
  const place = join(folder, "predictions");
  await rm(place, { recursive: true, force: true });
  const found = await stat(join(staged, "predictions")).catch(() => undefined);
  if (found) await rename(join(staged, "predictions"), place);
  await syncPath(folder);
}
