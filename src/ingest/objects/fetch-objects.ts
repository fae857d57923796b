import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../../core/digest.ts";
import { MillraceError } from "../../core/errors/error.ts";
import { connectObjects, type ObjectStore } from "../../store/objects/client.ts";
import { downloadObject } from "../../store/objects/download.ts";
import type { FoundFile } from "../expand.ts";
import type { SourceDescription } from "../source.ts";
import { findObjects, type FoundObject, objectAddressOf } from "./find-objects.ts";

/** An object as it was read: what the snapshot's report says of it. */
export interface ObjectOrigin {
  /** `s3://bucket/key`. */
  readonly object: string;
  readonly etag: string | null;
  readonly sizeBytes: number;
}

/** A local file that holds an object. */
export interface FetchedObject {
  readonly path: string;
  readonly name: string;
  readonly partition: FoundFile["partition"];
  readonly object: ObjectOrigin;
}

/** What stands beside a fetched file: which content of the object it holds, and how to see that it was not touched. */
interface Remembered {
  readonly file: string;
  readonly digest: Digest;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

const downloadsAtOnce = 6;

/**
 * Brings the objects that a source's address stands for to files of `folder`. One whose ETag and size are as before is
 * not fetched again; one that is replaced between listing and reading is refused, so that a snapshot is of one moment.
 *
 * Throws what {@link findObjects} and {@link downloadObject} throw.
 */
export async function fetchObjects(
  source: SourceDescription,
  endings: RegExp,
  folder: string,
  signal?: AbortSignal,
): Promise<readonly FetchedObject[]> {
  const { bucket } = objectAddressOf(source.path);
  await mkdir(folder, { recursive: true });
  const objects = await connectObjects({ bucket, ...source.s3 });
  try {
    const found = await findObjects(objects, source.path, endings, signal);
    const fetched: FetchedObject[] = [];
    let next = 0;
    const fetchNext = async (): Promise<void> => {
      for (let i = next++; i < found.length; i = next++) fetched[i] = await bring(objects, found[i]!, folder, signal);
    };
    await Promise.all(Array.from({ length: Math.min(downloadsAtOnce, found.length) }, fetchNext));
    return fetched;
  } finally {
    objects.close();
  }
}

async function bring(
  objects: ObjectStore,
  { facts, partition }: FoundObject,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<FetchedObject> {
  const { key, etag, sizeBytes } = facts;
  const name = objects.place(key);
  if (sizeBytes === 0) throw new MillraceError("SOURCE_EMPTY", { path: name, found: "0 bytes" });
  const object = { object: name, etag, sizeBytes };
  const id = createHash("sha256").update(name).digest("hex").slice(0, 16);
  const notes = join(folder, `${id}.json`);
  const before = await recall(notes, folder);
  if (before && before.etag === etag && before.sizeBytes === sizeBytes)
    return { path: join(folder, before.file), name, partition, object };
  const partial = join(await mkdtemp(join(folder, "partial-")), "file");
  try {
    const { digest } = await downloadObject(objects, key, partial, { etag, signal });
    const file = `${id}-${digest.slice(7, 23)}${endingOf(key)}`;
    const path = join(folder, file);
    await rename(partial, path);
    if (before && before.file !== file) await rm(join(folder, before.file), { force: true });
    await remember(notes, path, { file, digest, etag, sizeBytes });
    return { path, name, partition, object };
  } finally {
    await rm(join(partial, ".."), { recursive: true, force: true });
  }
}

async function remember(
  notes: string,
  path: string,
  known: Omit<Remembered, "modifiedMs" | "etag"> & { readonly etag: string | null },
): Promise<void> {
  if (known.etag === null) return rm(notes, { force: true });
  await writeFile(notes, JSON.stringify({ ...known, modifiedMs: (await stat(path)).mtimeMs }));
}

/** What was fetched before, if its file stands there untouched. */
async function recall(notes: string, folder: string): Promise<Remembered | null> {
  try {
    const known = JSON.parse(await readFile(notes, "utf8")) as Remembered;
    const { size, mtimeMs } = await stat(join(folder, known.file));
    return size === known.sizeBytes && mtimeMs === known.modifiedMs ? known : null;
  } catch {
    return null;
  }
}

/** The endings that say the format and the packing. */
function endingOf(key: string): string {
  return /(?:\.[A-Za-z0-9]{1,8}){1,2}$/.exec(key)?.[0] ?? "";
}
