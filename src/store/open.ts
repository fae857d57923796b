import { access, constants, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Compilable, Kysely } from "kysely";
import type { Clock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import { createArtifactStore } from "./artifacts.ts";
import type { ArtifactStore } from "./artifacts.ts";
import { makeSubfolders } from "./disk-artifacts.ts";
import { noHooks } from "./hooks.ts";
import type { Durability, StoreHooks } from "./hooks.ts";
import type { Fence } from "./leases.ts";
import { inspectEmbeddedMetadata, openEmbeddedMetadata } from "./embedded.ts";
import { createMemo } from "./memo.ts";
import type { Memo } from "./memo.ts";
import { parseMetadataAddress } from "./metadata-address.ts";
import type { InspectedMetadata, Metadata } from "./metadata.ts";
import { storeId } from "./identity.ts";
import { markInterrupted } from "./orphans.ts";
import { putBack } from "./replace-folder.ts";
import type { Database } from "./schema.ts";
import { syncPath } from "./sync.ts";
import { sweepTemporary } from "./temporary.ts";
import { createUnsynced, nothingUnsynced } from "./unsynced.ts";
import type { Unsynced } from "./unsynced.ts";

/** What lasts: artifacts on disk or in a bucket, and metadata in one database. Several processes may hold the same store open. */
export interface Store {
  /** Absolute path of its folder. */
  readonly folder: string;
  /** What a person calls its database: a file, or a server's address without user and password. */
  readonly metadata: string;
  readonly artifacts: ArtifactStore;
  /** Artifacts whose files need not last before the commit that names them. */
  readonly unsynced: Unsynced;
  /** One typed query layer. Write inside `database.transaction()`: it takes the write lock first and waits for it. */
  readonly database: Kysely<Database>;
  /** The rows of a query that only reads, where it is asked so often that the query layer's own way costs too much. */
  read<Row>(query: Compilable<Row>): Promise<readonly Row[]>;
  /**
   * Executes queries as one transaction, at once: no code of a step runs while the write lock is held. With a fence nothing
   * is written once another process took the resource over: FENCED. Gives the number of rows each query changed.
   */
  write(queries: readonly Compilable[], fence?: Fence, durability?: Durability): Promise<readonly number[]>;
  /** Makes queries ready that will be written, where that takes time: their SQL is known to the database then. */
  prepare(queries: readonly Compilable[]): void;
  /** Resolves once everything written so far to last "soon" does. Throws STORE_UNWRITABLE where it may never. */
  lasting(): Promise<void>;
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
  /** `postgres://user:password@host:port/database?schema=name`: metadata is kept there. Default: in a file of the folder. */
  readonly metadata?: string | undefined;
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

/** Makes what a store's folder holds; the folder for temporary files comes last and tells that the others are there. */
async function makeFolders(folder: string, hooks: StoreHooks): Promise<void> {
  try {
    if (!(await exists(join(folder, "temporary")))) {
      await makeFolder(join(folder, "artifacts"));
      await makeSubfolders(join(folder, "artifacts"), hooks);
      // What lies here is made by runs: it does not belong under version control.
      await writeFile(join(folder, ".gitignore"), "*\n");
      for (const path of [folder, dirname(folder)]) await syncPath(path);
      hooks.reached("store.foldersMade");
      await makeFolder(join(folder, "temporary"));
    }
    await access(folder, constants.W_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("STORE_UNWRITABLE", { path: folder, reason }, { cause });
  }
}

function assemble(metadata: Metadata, place: string, folder: string, options: StoreOptions): Store {
  const hooks = options.hooks ?? noHooks;
  const { database } = metadata;
  const identify = (): Promise<string> => storeId(database);
  const artifacts = createArtifactStore(folder, { hooks, place: options.artifacts, identify });
  // Only a database that loses its power with the folder can answer for its files.
  const unsynced = options.metadata ? nothingUnsynced(artifacts) : createUnsynced(metadata, artifacts, hooks);
  return {
    folder,
    metadata: place,
    artifacts,
    unsynced,
    database,
    read: (query) => metadata.read(query),
    write: (queries, fence, durability = "now") => metadata.write(queries, fence, durability),
    prepare: (queries) => metadata.prepare(queries),
    lasting: () => metadata.lasting(),
    snapshot: (target) => metadata.snapshot(target),
    memo: createMemo(database),
    hooks,
    async close() {
      await unsynced.close();
      artifacts.close();
      await database.destroy();
    },
  };
}

async function openAt(path: string, folder: string, options: StoreOptions): Promise<Store> {
  const hooks = options.hooks ?? noHooks;
  const place = options.metadata ? parseMetadataAddress(options.metadata).place : path;
  const metadata = options.metadata
    ? await (await loadServerDriver()).openPostgresMetadata(options.metadata, hooks)
    : await openEmbeddedMetadata(path, hooks);
  const store = assemble(metadata, place, folder, options);
  try {
    await markInterrupted(store.database, options.clock);
    await store.unsynced.putBack();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Only who keeps metadata on a server pays for loading it. */
function loadServerDriver(): Promise<typeof import("./postgres/open.ts")> {
  return import("./postgres/open.ts");
}

/** A store opened to be looked at: nothing is made, swept, migrated or marked. */
export interface InspectedStore {
  readonly store: Store;
  readonly metadata: InspectedMetadata;
}

/** Opens the store in `folder` as it lies there. Throws STORE_DAMAGED where its database cannot be opened at all. */
export async function inspectStore(folder: string, options: StoreOptions): Promise<InspectedStore> {
  const absolute = resolve(folder);
  if (options.metadata) {
    const { place } = parseMetadataAddress(options.metadata);
    const metadata = await (await loadServerDriver()).inspectPostgresMetadata(options.metadata);
    return { store: assemble(metadata, place, absolute, options), metadata };
  }
  const path = join(absolute, metadataFile);
  if (!(await exists(path))) throw new MillraceError("STORE_DAMAGED", { path, reason: "there is no such file" });
  const metadata = await inspectEmbeddedMetadata(path, options.hooks);
  return { store: assemble(metadata, path, absolute, options), metadata };
}

/**
 * Opens the store in `folder` (".millrace"), making it where there is none.
 * Throws STORE_UNWRITABLE, STORE_DAMAGED, STORE_FORMAT_TOO_NEW or STORE_ENGINE_TOO_OLD; on a server also
 * STORE_ADDRESS_INVALID, STORE_UNREACHABLE, STORE_DENIED or PACKAGE_MISSING.
 */
export async function openStore(folder: string, options: StoreOptions): Promise<Store> {
  const absolute = resolve(folder);
  const hooks = options.hooks ?? noHooks;
  await putBack(absolute, hooks);
  await makeFolders(absolute, hooks);
  await sweepTemporary(absolute, options.clock.now(), hooks);
  return openAt(join(absolute, metadataFile), absolute, options);
}

/** A store that is gone when closed, for tests: metadata in memory, artifacts in a folder of the system's temporary one. */
export async function openMemoryStore(options: StoreOptions): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-"));
  for (const name of ["artifacts", "temporary"]) await makeFolder(join(folder, name));
  const store = await openAt(":memory:", folder, options);
  return {
    ...store,
    async close() {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
