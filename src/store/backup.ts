import { createHash, randomBytes } from "node:crypto";
import { cp, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { artifactPath, createDiskArtifacts } from "./disk-artifacts.ts";
import { keptArtifacts } from "./forgotten.ts";
import { noHooks } from "./hooks.ts";
import type { StoreHooks } from "./hooks.ts";
import { keepLease, listLeases, mayBeHeld, releaseLease, takeLease } from "./leases.ts";
import { inspectStore, metadataFile } from "./open.ts";
import type { Store } from "./open.ts";
import { interruptAll } from "./orphans.ts";
import { besides, replaceFolder } from "./replace-folder.ts";
import { syncPath } from "./sync.ts";
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
 * Writes a folder that holds the store as of now, while others go on working: the database as one consistent snapshot, and
 * every artifact it names, out of its bucket where it lies in one, by hard link where the file system can. Runs under way are
 * in it as interrupted. Throws STORE_NOT_EMPTY where the folder holds something, STORE_IN_USE while garbage is collected.
 */
export async function backUp(
  store: Store,
  clock: Clock,
  target: string,
  options: BackupOptions = {},
): Promise<BackupReport> {
  const path = resolve(target);
  await requireEmpty(path);
  const fence = await store.database.transaction().execute(async (transaction) => {
    const gc = (await listLeases(transaction)).find((lease) => lease.resource === "gc" && mayBeHeld(lease));
    if (gc)
      throw new MillraceError("STORE_IN_USE", {
        path: store.folder,
        holders: [`gc (process ${gc.pid} on ${gc.host})`],
      });
    return takeLease(transaction, `backup:${randomBytes(8).toString("hex")}`);
  });
  const heartbeat = keepLease(store, fence, () => {});
  const partial = besides(path, "partial");
  try {
    const report = await writeBackup(store, clock, partial, options);
    await rm(path, { recursive: true, force: true });
    store.hooks.reached("backup.renaming");
    await rename(partial, path);
    await syncPath(dirname(path));
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
  const metadata = join(folder, metadataFile);
  await store.snapshot(metadata);
  store.hooks.reached("backup.snapshotTaken");
  const { store: written } = await inspectStore(folder, { clock });
  try {
    await interruptAll(written.database, clock);
    const artifacts = left === null ? await keptArtifacts(written.database) : [];
    for (const { digest } of artifacts) {
      store.hooks.reached("backup.linking");
      await store.artifacts.copyTo(digest, artifactPath(folder, digest), options.copy !== true);
    }
    await copyPredictions(store.folder, folder);
    return { artifacts: artifacts.length, bytes: artifacts.reduce((sum, { size }) => sum + size, 0) };
  } finally {
    await written.close();
    await writeManifest(folder, clock, left);
  }
}

/** The prediction log grows while it is copied: its last line may be cut, which readers expect. */
async function copyPredictions(from: string, to: string): Promise<void> {
  const exists = await stat(join(from, "predictions")).catch(() => undefined);
  if (exists) await cp(join(from, "predictions"), join(to, "predictions"), { recursive: true });
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
  await syncPath(join(folder, metadataFile));
  await syncPath(join(folder, manifestFile));
  await syncPath(folder);
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
    await cp(source, restoring, { recursive: true, filter: (from) => basename(from) !== manifestFile });
    await mkdir(join(restoring, "temporary"), { recursive: true });
    await writeFile(join(restoring, ".gitignore"), "*\n");
    const { artifacts, bytes } = await requireWhole(restoring, clock, source, left);
    if (options.artifacts !== undefined && left === undefined) await keepCopies(restoring, clock, options.artifacts);
    await syncArtifacts(restoring);
    hooks.reached("restore.copied");
    await replaceFolder(path, restoring, hooks);
    return { path, artifacts, bytes };
  } finally {
    await rm(restoring, { recursive: true, force: true });
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

async function syncArtifacts(folder: string): Promise<void> {
  const files = createDiskArtifacts(folder, noHooks);
  for await (const { digest } of files.stored()) await syncPath(files.pathOf(digest));
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
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw new MillraceError("STORE_NOT_EMPTY", { path }, { cause: error });
  });
  if (found.length > 0) throw new MillraceError("STORE_NOT_EMPTY", { path });
}

/** A store that somebody works in is not replaced under their hands. One that cannot be read has no holders left. */
async function requireUnused(path: string, clock: Clock): Promise<void> {
  const inspected = await inspectStore(path, { clock }).catch(() => null);
  if (!inspected) return;
  try {
    const leases = await listLeases(inspected.store.database).catch(() => []);
    const holders = leases
      .filter(mayBeHeld)
      .map((lease) => `${lease.resource.replace(":", " ")} (process ${lease.pid} on ${lease.host})`);
    if (holders.length > 0) throw new MillraceError("STORE_IN_USE", { path, holders });
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
