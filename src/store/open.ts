import { access, constants, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Compilable, Kysely } from "kysely";
import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import { createArtifactStore } from "./artifacts.ts";
import type { ArtifactStore } from "./artifacts.ts";
import { noHooks } from "./hooks.ts";
import type { StoreHooks } from "./hooks.ts";
import { checkFence, leaseQuery } from "./leases.ts";
import type { Fence } from "./leases.ts";
import { createMemo } from "./memo.ts";
import type { Memo } from "./memo.ts";
import { storeId } from "./identity.ts";
import { markInterrupted } from "./orphans.ts";
import { putBack } from "./replace-folder.ts";
import type { Database } from "./schema.ts";
import { SqliteDriver, sqliteDialect } from "./sqlite-dialect.ts";
import { loadSqlite, openEngine, openSqlite } from "./sqlite.ts";
import type { SqliteDatabase } from "./sqlite.ts";
import { sweepTemporary } from "./temporary.ts";

/** What lasts: artifacts on disk or in a bucket, and metadata in one database. Several processes may hold the same store open. */
export interface Store {
  /** Absolute path of its folder. */
  readonly folder: string;
  readonly artifacts: ArtifactStore;
  /** One typed query layer. Write inside `database.transaction()`: it takes the write lock first and waits for it. */
  readonly database: Kysely<Database>;
  /**
   * Executes queries as one transaction, at once: no code of a step runs while the write lock is held. With a fence nothing
   * is written once another process took the resource over: FENCED. `isDurable` false = it may be lost with the power until
   * the next commit, which costs no wait for the disk. Gives the number of rows each query changed.
   */
  write(queries: readonly Compilable[], fence?: Fence, isDurable?: boolean): Promise<readonly number[]>;
  /** Writes a consistent copy of the database, as of now, to a path where there is no file; others go on meanwhile. */
  snapshot(target: string): Promise<void>;
  /** Small facts worth remembering between runs (a file's fingerprint by path, size and time). */
  readonly memo: Memo;
  /** Told of each failpoint passed; for crash tests. */
  readonly hooks: StoreHooks;
  close(): Promise<void>;
}

/** Name of the database in the store's folder. */
export const metadataFile = "metadata.sqlite";

export interface StoreOptions {
  readonly clock: Clock;
  /** `s3://bucket/prefix`: artifacts are kept there, and the folder holds copies. Default: in the folder. */
  readonly artifacts?: string | undefined;
  /** Told of each failpoint passed; for crash tests. */
  readonly hooks?: StoreHooks;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Makes a folder with its parents. Node's own recursive mkdir never returns for a path below /proc. */
async function makeFolder(path: string): Promise<void> {
  if (await exists(path)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  });
}

async function makeFolders(folder: string): Promise<void> {
  try {
    if (!(await exists(join(folder, "temporary")))) {
      await makeFolder(join(folder, "artifacts"));
      await makeFolder(join(folder, "temporary"));
      // What lies here is made by runs: it does not belong under version control.
      await writeFile(join(folder, ".gitignore"), "*\n");
    }
    await access(folder, constants.W_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("STORE_UNWRITABLE", { path: folder, reason }, { cause });
  }
}

function writeTogether(
  driver: SqliteDriver,
  database: Kysely<Database>,
  queries: readonly Compilable[],
  fence: Fence | undefined,
  isDurable: boolean,
): Promise<readonly number[]> {
  const held = fence && leaseQuery(database, fence.resource).compile();
  const compiled = queries.map((query) => query.compile());
  return driver.atOnce((execute) => {
    if (fence && held) checkFence(fence, execute(held).rows[0]);
    return compiled.map((query) => Number(execute(query).numAffectedRows ?? 0));
  }, isDurable);
}

function assemble(engine: SqliteDatabase, path: string, folder: string, options: StoreOptions): Store {
  const hooks = options.hooks ?? noHooks;
  // Kysely is 280 small files: loaded only when a store is opened, and by require, which takes a third less time.
  const kysely = createRequire(import.meta.url)("kysely") as typeof import("kysely");
  const driver = new SqliteDriver(engine, path, hooks);
  const database = new kysely.Kysely<Database>({ dialect: sqliteDialect(kysely, driver) });
  const identify = (): Promise<string> => storeId(database);
  const artifacts = createArtifactStore(folder, { hooks, place: options.artifacts, identify });
  return {
    folder,
    artifacts,
    database,
    write: (queries, fence, isDurable = true) => writeTogether(driver, database, queries, fence, isDurable),
    snapshot: (target) => driver.snapshot(target),
    memo: createMemo(database),
    hooks,
    close() {
      artifacts.close();
      return database.destroy();
    },
  };
}

async function openAt(path: string, folder: string, options: StoreOptions): Promise<Store> {
  const engine = await openSqlite(path, await loadSqlite(), options.hooks ?? noHooks);
  const store = assemble(engine, path, folder, options);
  await markInterrupted(store.database, options.clock);
  return store;
}

/** A store opened to be looked at: nothing is made, swept, migrated or marked. Its engine answers raw SQL. */
export interface InspectedStore {
  readonly store: Store;
  readonly engine: SqliteDatabase;
}

/** Opens the store in `folder` as it lies there. Throws STORE_DAMAGED where its database cannot be opened at all. */
export async function inspectStore(folder: string, options: StoreOptions): Promise<InspectedStore> {
  const absolute = resolve(folder);
  const path = join(absolute, metadataFile);
  if (!(await exists(path))) throw new MillraceError("STORE_DAMAGED", { path, reason: "there is no such file" });
  const engine = await openEngine(path, await loadSqlite());
  return { store: assemble(engine, path, absolute, options), engine };
}

/**
 * Opens the store in `folder` (".millrace"), making it where there is none.
 * Throws STORE_UNWRITABLE, STORE_DAMAGED, STORE_FORMAT_TOO_NEW or STORE_ENGINE_TOO_OLD.
 */
export async function openStore(folder: string, options: StoreOptions): Promise<Store> {
  const absolute = resolve(folder);
  await putBack(absolute);
  await makeFolders(absolute);
  await sweepTemporary(absolute, options.clock.now());
  return openAt(join(absolute, metadataFile), absolute, options);
}

/** A store that is gone when closed, for tests: metadata in memory, artifacts in a folder of the system's temporary one. */
export async function openMemoryStore(options: StoreOptions): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-"));
  await makeFolders(folder);
  const store = await openAt(":memory:", folder, options);
  return {
    ...store,
    async close() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
