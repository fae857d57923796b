import { createHash, randomBytes } from "node:crypto";
import { cp, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { isAbsent } from "../core/errors/absent.ts";
import { isMillraceError, MillraceError } from "../core/errors/error.ts";
import type { StoredArtifact } from "./artifacts.ts";
import { copyPredictions } from "./copy-predictions.ts";
import { artifactPath } from "./disk-artifacts.ts";
import { keptArtifacts } from "./forgotten.ts";
import { noHooks } from "./hooks.ts";
import type { StoreHooks } from "./hooks.ts";
import { keepLease, listLeases, releaseLease, requireNoHolders, takeLease } from "./leases.ts";
import { inspectStore, metadataFile } from "./open.ts";
import type { Store } from "./open.ts";
import { interruptAll, settleLeases } from "./orphans.ts";
import { besides, replaceFolder, sweepBesides } from "./replace-folder.ts";
import { loadSqlite, openSqlite } from "./sqlite.ts";
import { syncBelow, syncPath } from "./sync.ts";
import { type Verification, verifyStore } from "./verify.ts";

/** What a backup says of itself, in "backup.json" beside the store's files. */
interface Manifest {
  readonly kind: "millrace-backup";
  readonly format: 1;
  readonly createdAt: number;
  /** Digest of the database: with the artifacts' own names, no changed bit of a backup goes unseen. */
  readonly metadata: Digest;
  /** Where the artifacts lie, where they are not in the backup: a bucket's place. */
  readonly artifacts?: string;
}

export interface BackupOptions {
  /** Copies artifacts even where a hard link would do. Default false. */
  readonly copy?: boolean;
  /** False leaves the artifacts of a bucket where they are, for buckets that keep what is removed. Default true. */
  readonly artifacts?: boolean;
}

export interface BackupReport {
  readonly path: string;
  readonly artifacts: number;
  readonly bytes: number;
}

const manifestFile = "backup.json";

/**
 * What the engine keeps beside an open database. The database of a backup is whole without: what lies here is of those who
 * looked at it since, and goes at any instant.
 */
const besideDatabase = [`${metadataFile}-wal`, `${metadataFile}-shm`];

/**
 * Writes a folder that holds the store as of now, while others go on working: the database as one consistent snapshot, and
 * every artifact it names, out of its bucket where it lies in one, by hard link where the file system can. Runs under way are
 * in it as interrupted. Throws STORE_NOT_EMPTY where the folder holds something, STORE_IN_USE while garbage is collected, STORE_UNWRITABLE where
 * its database's log cannot be emptied.
 */
export async function backUp(
  store: Store,
  clock: Clock,
  target: string,
  options: BackupOptions = {},
): Promise<BackupReport> {
  const path = resolve(target);
  await requireEmpty(path);
  await settleLeases(store.database, clock);
  const fence = await store.database.transaction().execute(async (transaction) => {
    const leases = await listLeases(transaction);
    requireNoHolders(
      leases.filter(({ resource }) => resource === "gc"),
      store.folder,
    );
    return takeLease(transaction, `backup:${randomBytes(8).toString("hex")}`);
  });
  const heartbeat = keepLease(store, fence, () => {});
  const partial = besides(path, "partial");
  try {
    const report = await writeBackup(store, clock, partial, options);
    await rm(path, { recursive: true, force: true });
    store.hooks.reached("backup.renaming");
    await rename(partial, path);
    store.hooks.reached("backup.renamed");
    await syncPath(dirname(path));
    store.hooks.reached("backup.kept");
    await sweepBesides(path, clock.now());
    return { path, ...report };
  } finally {
    heartbeat.stop();
    await rm(partial, { recursive: true, force: true });
    await store.database.transaction().execute((transaction) => releaseLease(transaction, fence));
  }
}

async function writeBackup(
  store: Store,
  clock: Clock,
  folder: string,
  options: BackupOptions,
): Promise<Omit<BackupReport, "path">> {
  const left = options.artifacts === false ? store.artifacts.place : null;
  await mkdir(join(folder, "artifacts"), { recursive: true });
  await mkdir(join(folder, "temporary"));
  store.hooks.reached("backup.folderMade");
  await store.snapshot(join(folder, metadataFile));
  store.hooks.reached("backup.snapshotTaken");
  // Of what a process noted last that was killed since this store was opened, the snapshot may name files that are not made.
  await store.unsynced.putBack();
  const artifacts = await copyArtifacts(store, clock, folder, { ...options, artifacts: left === null });
  await requireEmptyLog(folder);
  await copyPredictions(store.folder, folder);
  store.hooks.reached("backup.predictionsCopied");
  await writeManifest(folder, clock, left);
  store.hooks.reached("backup.manifestWritten");
  await syncBelow(folder);
  return { artifacts: artifacts.length, bytes: artifacts.reduce((sum, { size }) => sum + size, 0) };
}

/** Makes the copy of the database in `folder` one of a store where nobody is at work, and puts the artifacts it names beside it. */
async function copyArtifacts(
  store: Store,
  clock: Clock,
  folder: string,
  { copy, artifacts: isWanted }: BackupOptions,
): Promise<readonly StoredArtifact[]> {
  const { store: written } = await inspectStore(folder, { clock });
  try {
    await interruptAll(written.database, clock);
    const artifacts = isWanted ? await keptArtifacts(written.database) : [];
    for (const { digest } of artifacts) {
      store.hooks.reached("backup.linking");
      await store.artifacts.copyTo(digest, artifactPath(folder, digest), copy !== true);
    }
    // The files are here now, and are synced with the folder.
    await written.database.deleteFrom("unsynced").execute();
    return artifacts;
  } finally {
    await written.close();
  }
}

/** Whoever closes a database writes its log into it, unless others have it open. The empty log stays until memory is collected. */
async function requireEmptyLog(folder: string): Promise<void> {
  const path = join(folder, metadataFile);
  const log = await stat(`${path}-wal`).catch(() => undefined);
  if (log && log.size > 0)
    throw new MillraceError("STORE_UNWRITABLE", { path, reason: "its log could not be emptied" });
}

async function writeManifest(folder: string, clock: Clock, left: string | null): Promise<void> {
  const metadata = await digestOfFile(join(folder, metadataFile));
  const manifest: Manifest = {
    kind: "millrace-backup",
    format: 1,
    createdAt: clock.now(),
    metadata,
    ...(left === null ? {} : { artifacts: left }),
  };
  await writeFile(join(folder, manifestFile), `${JSON.stringify(manifest)}\n`);
}

export interface RestoreOptions {
  /** Replaces what is there. */
  readonly force: boolean;
  readonly hooks?: StoreHooks;
  /** `s3://bucket/prefix`: where the restored store keeps its artifacts. Default: in its folder. */
  readonly artifacts?: string | undefined;
}

/**
 * Puts a backup in the place of the store at `target`. The backup is copied and verified whole before anything is replaced,
 * and what was there is removed last; artifacts of a bucket are there before. Throws BACKUP_UNUSABLE, STORE_NOT_EMPTY
 * without `force`, or STORE_IN_USE.
 */
export async function restoreBackup(
  backup: string,
  target: string,
  clock: Clock,
  options: RestoreOptions,
): Promise<BackupReport> {
  const hooks = options.hooks ?? noHooks;
  const path = resolve(target);
  const source = resolve(backup);
  if (!options.force) await requireEmpty(path);
  await requireUnused(path, clock);
  const left = await requireManifest(source, options.artifacts);
  const restoring = besides(path, "restoring");
  try {
    await mkdir(dirname(path), { recursive: true });
    const unwanted = [manifestFile, ...besideDatabase].map((name) => join(source, name));
    await cp(source, restoring, { recursive: true, filter: (from) => !unwanted.includes(from) });
    await mkdir(join(restoring, "temporary"), { recursive: true });
    await writeFile(join(restoring, ".gitignore"), "*\n");
    hooks.reached("restore.filesCopied");
    await migrateCopy(restoring, source);
    const { artifacts, bytes } = await requireWhole(restoring, clock, source, left);
    if (options.artifacts !== undefined && left === undefined) await keepCopies(restoring, clock, options.artifacts);
    await syncBelow(restoring);
    hooks.reached("restore.copied");
    // Again: to copy and verify may have taken hours.
    await requireUnused(path, clock);
    await replaceFolder(path, restoring, hooks);
    await sweepBesides(path, clock.now());
    return { path, artifacts, bytes };
  } finally {
    await rm(restoring, { recursive: true, force: true });
  }
}

/** Brings the copy of a backup that an earlier release took to the format of this one. */
async function migrateCopy(restoring: string, source: string): Promise<void> {
  try {
    (await openSqlite(join(restoring, metadataFile), await loadSqlite(), noHooks)).close();
  } catch (error) {
    if (!isMillraceError(error) || !["STORE_DAMAGED", "STORE_FORMAT_TOO_NEW"].includes(error.code)) throw error;
    throw new MillraceError("BACKUP_UNUSABLE", { path: source, reason: error.message }, { cause: error });
  }
}

async function requireWhole(
  restoring: string,
  clock: Clock,
  source: string,
  artifacts: string | undefined,
): Promise<Verification> {
  const found = await verifyStore(restoring, clock, undefined, { artifacts });
  const [fault] = found.faults;
  if (!fault) return found;
  const more = found.faults.length > 1 ? ` (and ${found.faults.length - 1} more)` : "";
  throw new MillraceError("BACKUP_UNUSABLE", { path: source, reason: `${fault.subject}: ${fault.problem}${more}` });
}

/** Puts the restored artifacts that a bucket lacks into it. */
async function keepCopies(restoring: string, clock: Clock, artifacts: string): Promise<void> {
  const { store } = await inspectStore(restoring, { clock, artifacts });
  try {
    for (const { digest, size } of await keptArtifacts(store.database)) await store.artifacts.keepCopy(digest, size);
  } finally {
    await store.close();
  }
}

/** Gives the bucket that the backup left its artifacts in, which must be where the store will look for them. */
async function requireManifest(source: string, place: string | undefined): Promise<string | undefined> {
  const refuse = (reason: string): never => {
    throw new MillraceError("BACKUP_UNUSABLE", { path: source, reason });
  };
  const text = await readFile(join(source, manifestFile), "utf8").catch(() => refuse(`it has no ${manifestFile}`));
  let manifest: Partial<Manifest> = {};
  try {
    manifest = JSON.parse(text) as Partial<Manifest>;
  } catch {
    refuse(`its ${manifestFile} is damaged`);
  }
  if (manifest.kind !== "millrace-backup" || manifest.format !== 1) refuse("it is of another kind or a later release");
  const metadata = await digestOfFile(join(source, metadataFile)).catch(() => refuse(`it has no ${metadataFile}`));
  if (metadata !== manifest.metadata) refuse(`its ${metadataFile} is not the one that was written`);
  const { artifacts } = manifest;
  if (artifacts !== undefined && artifacts !== place?.replace(/\/?$/, "/"))
    refuse(`its artifacts were left in ${artifacts}; set MILLRACE_ARTIFACTS to it`);
  return artifacts;
}

async function requireEmpty(path: string): Promise<void> {
  const found = await readdir(path).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw new MillraceError("STORE_NOT_EMPTY", { path }, { cause: error });
  });
  if (found.length > 0) throw new MillraceError("STORE_NOT_EMPTY", { path });
}

/** A store that somebody works in is not replaced under their hands. One that cannot be read has no holders left. */
async function requireUnused(path: string, clock: Clock): Promise<void> {
  const inspected = await inspectStore(path, { clock }).catch(() => null);
  if (!inspected) return;
  try {
    requireNoHolders(await listLeases(inspected.store.database).catch(() => []), path);
  } finally {
    await inspected.store.close();
  }
}

async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  const handle = await open(path, "r");
  try {
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk as Buffer);
  } finally {
    await handle.close();
  }
  return `sha256:${hash.digest("hex")}`;
}
