import { createHash, randomBytes } from "node:crypto";
import { copyFile, cp, link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { noHooks } from "./hooks.ts";
import type { StoreHooks } from "./hooks.ts";
import { keepLease, listLeases, mayBeHeld, releaseLease, takeLease } from "./leases.ts";
import { inspectStore, metadataFile } from "./open.ts";
import type { Store } from "./open.ts";
import { interruptAll } from "./orphans.ts";
import { besides, replaceFolder } from "./replace-folder.ts";
import { syncPath } from "./sync.ts";
import { storedFiles, verifyStore } from "./verify.ts";

/** What a backup says of itself, in "backup.json" beside the store's files. */
interface Manifest {
  readonly kind: "millrace-backup";
  readonly format: 1;
  readonly createdAt: number;
  /** Digest of the database: with the artifacts' own names, no changed bit of a backup goes unseen. */
  readonly metadata: Digest;
}

export interface BackupReport {
  readonly path: string;
  readonly artifacts: number;
  readonly bytes: number;
}

const manifestFile = "backup.json";

/**
 * Writes a folder that holds the store as of now, while others go on working: the database as one consistent snapshot, and
 * every artifact it names, by hard link where the file system can and `copy` is not set. Runs under way are in it as interrupted. Throws
 * STORE_NOT_EMPTY where the folder holds something, STORE_IN_USE while garbage is collected.
 */
export async function backUp(
  store: Store,
  clock: Clock,
  target: string,
  options: { readonly copy: boolean } = { copy: false },
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
    const report = await writeBackup(store, clock, partial, options.copy);
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
  copy: boolean,
): Promise<Omit<BackupReport, "path">> {
  await mkdir(join(folder, "artifacts"), { recursive: true });
  await mkdir(join(folder, "temporary"));
  const metadata = join(folder, metadataFile);
  await store.snapshot(metadata);
  store.hooks.reached("backup.snapshotTaken");
  const { store: written } = await inspectStore(folder, { clock });
  try {
    await interruptAll(written.database, clock);
    const artifacts = await written.database.selectFrom("artifacts").selectAll().execute();
    for (const { digest } of artifacts) {
      store.hooks.reached("backup.linking");
      await takeOver(store.artifacts.pathOf(digest), written.artifacts.pathOf(digest), copy);
    }
    await copyPredictions(store.folder, folder);
    return { artifacts: artifacts.length, bytes: artifacts.reduce((sum, { size }) => sum + size, 0) };
  } finally {
    await written.close();
    await writeManifest(folder, clock);
  }
}

/** An artifact never changes: one file may stand under two names. Another disk gets a copy. */
async function takeOver(from: string, to: string, copy: boolean): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  try {
    if (!copy) return await link(from, to);
    await copyFile(from, to);
    await syncPath(to);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT")
      throw new MillraceError("ARTIFACT_MISSING", { digest: `sha256:${basename(dirname(from))}${basename(from)}` });
    await copyFile(from, to);
    await syncPath(to);
  }
}

/** The prediction log grows while it is copied: its last line may be cut, which readers expect. */
async function copyPredictions(from: string, to: string): Promise<void> {
  const exists = await stat(join(from, "predictions")).catch(() => undefined);
  if (exists) await cp(join(from, "predictions"), join(to, "predictions"), { recursive: true });
}

async function writeManifest(folder: string, clock: Clock): Promise<void> {
  const metadata = await digestOfFile(join(folder, metadataFile));
  const manifest: Manifest = { kind: "millrace-backup", format: 1, createdAt: clock.now(), metadata };
  await writeFile(join(folder, manifestFile), `${JSON.stringify(manifest)}\n`);
  await syncPath(join(folder, metadataFile));
  await syncPath(join(folder, manifestFile));
  await syncPath(folder);
}

/**
 * Puts a backup in the place of the store at `target`. The backup is copied and verified whole before anything is replaced,
 * and what was there is removed last. Throws BACKUP_UNUSABLE, STORE_NOT_EMPTY without `force`, or STORE_IN_USE.
 */
export async function restoreBackup(
  backup: string,
  target: string,
  clock: Clock,
  options: { readonly force: boolean; readonly hooks?: StoreHooks },
): Promise<BackupReport> {
  const hooks = options.hooks ?? noHooks;
  const path = resolve(target);
  const source = resolve(backup);
  if (!options.force) await requireEmpty(path);
  await requireUnused(path, clock);
  await requireManifest(source);
  const restoring = besides(path, "restoring");
  try {
    await mkdir(dirname(path), { recursive: true });
    await cp(source, restoring, { recursive: true, filter: (from) => basename(from) !== manifestFile });
    await mkdir(join(restoring, "temporary"), { recursive: true });
    await writeFile(join(restoring, ".gitignore"), "*\n");
    const { faults, artifacts, bytes } = await verifyStore(restoring, clock);
    if (faults.length > 0) {
      const reason = `${faults[0]!.subject}: ${faults[0]!.problem}${faults.length > 1 ? ` (and ${faults.length - 1} more)` : ""}`;
      throw new MillraceError("BACKUP_UNUSABLE", { path: source, reason });
    }
    for await (const file of storedFiles(restoring)) await syncPath(file.path);
    await syncPath(join(restoring, metadataFile));
    hooks.reached("restore.copied");
    await replaceFolder(path, restoring, hooks);
    return { path, artifacts, bytes };
  } finally {
    await rm(restoring, { recursive: true, force: true });
  }
}

async function requireManifest(source: string): Promise<void> {
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
