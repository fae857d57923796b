import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest } from "../core/digest.ts";
import { MillraceError } from "../core/errors/error.ts";
import { digestFile } from "./byte-stream.ts";
import { download } from "./http.ts";
import { type FetchedObject, fetchObjects } from "./objects/fetch-objects.ts";
import type { FetchedParts } from "./parts/kept-parts.ts";
import { readParts } from "./parts/read-parts.ts";
import { writeRows } from "./rows-file.ts";
import type { SourceDescription } from "./source.ts";
import { readSqlite } from "./sqlite-rows.ts";

/** A local file that holds what a source without one gave. */
export interface FetchedFile {
  readonly path: string;
  readonly digest: Digest;
}

/**
 * Brings what is no local file to one: downloads, rows of databases and of generators. Each source is fetched once, so
 * that what a run is fingerprinted by is what it reads.
 */
export interface Fetcher {
  /** What stays between runs; null = nothing does. */
  readonly folder: string | null;
  /** `location`: the database's file, for SQLite. */
  fetch(source: SourceDescription, location: string, signal?: AbortSignal): Promise<FetchedFile>;
  /** The files of cells that hold what a server, a stream or files of other things gave; `root`: where paths start. */
  parts(source: SourceDescription, root: string, signal?: AbortSignal): Promise<FetchedParts>;
  /** Called once the snapshot that holds all this is committed: streams then acknowledge what is in it. */
  commit(): Promise<void>;
  /** The objects that an address `s3://` stands for, each in a file; `endings`: those that count where it is a folder. */
  objects(source: SourceDescription, endings: RegExp, signal?: AbortSignal): Promise<readonly FetchedObject[]>;
  /** Removes everything but downloads, which the next run asks the server about. */
  close(): Promise<void>;
}

/** Keeps downloads in `folder` between runs; without one in a temporary folder that `close` removes. */
export function createFetcher(folder?: string): Fetcher {
  const fetched = new Map<SourceDescription, Promise<FetchedFile>>();
  const parts = new Map<SourceDescription, Promise<FetchedParts>>();
  const objects = new Map<SourceDescription, Promise<readonly FetchedObject[]>>();
  let scratch: Promise<string> | undefined;
  const scratchFolder = (): Promise<string> => (scratch ??= mkdtemp(join(tmpdir(), "millrace-rows-")));
  const downloads = async (): Promise<string> => folder ?? scratchFolder();
  return {
    folder: folder ?? null,
    objects: (source, endings, signal) =>
      onceEach(objects, source, async () => fetchObjects(source, endings, await downloads(), signal)),
    parts: (source, root, signal) =>
      onceEach(parts, source, async () => {
        const own = await mkdtemp(join(await scratchFolder(), "parts-"));
        if (folder !== undefined) await mkdir(folder, { recursive: true });
        return readParts(source, { root, folder: folder ?? null, scratch: own, signal });
      }),
    fetch: (source, location, signal) =>
      onceEach(fetched, source, async () => {
        if (source.kind !== "rows" && source.kind !== "sqlite") return fetchAddress(source, await downloads(), signal);
        const own = await mkdtemp(join(await scratchFolder(), "rows-"));
        return fetchRows(source, location, join(own, "rows.jsonl"), signal);
      }),
    async commit() {
      for (const known of parts.values()) await (await known.catch(() => null))?.commit?.();
    },
    async close() {
      for (const known of parts.values()) await (await known.catch(() => null))?.close?.();
      fetched.clear();
      parts.clear();
      objects.clear();
      if (scratch) await rm(await scratch, { recursive: true, force: true });
      scratch = undefined;
    },
  };
}

function onceEach<Got>(
  known: Map<SourceDescription, Promise<Got>>,
  source: SourceDescription,
  get: () => Promise<Got>,
): Promise<Got> {
  let got = known.get(source);
  if (!got) known.set(source, (got = get()));
  return got;
}

/** The rows of a generator or of a SQLite file, as JSON lines in a file at `path`. */
async function fetchRows(
  source: SourceDescription,
  location: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<FetchedFile> {
  const context = { signal: signal ?? new AbortController().signal };
  const isOwn = source.kind === "rows";
  const rows = isOwn ? source.generate!(context) : readSqlite(location, source.query!, source.path);
  const { digest, nRows } = await writeRows(path, source.path, rows, signal);
  if (nRows > 0) return { path, digest };
  const remedy = `Let the ${isOwn ? "generator" : "query"} give at least one row.`;
  throw new MillraceError("SOURCE_EMPTY", { path: source.path, found: "no rows", remedy });
}

interface Remembered {
  readonly file: string;
  readonly digest: Digest;
  readonly etag: string;
}

/** The file behind an address: from `folder` where the server says that it has not changed, else fetched anew. */
async function fetchAddress(source: SourceDescription, folder: string, signal?: AbortSignal): Promise<FetchedFile> {
  await mkdir(folder, { recursive: true });
  const url = source.path;
  const key = createHash("sha256").update(url).digest("hex").slice(0, 16);
  const notes = join(folder, `${key}.json`);
  const before = await recall(notes, folder);
  const partial = join(await mkdtemp(join(folder, "partial-")), "file");
  try {
    const got = await download({ url, limits: source.http ?? {}, output: partial, etag: before?.etag ?? null, signal });
    if (got.digest === null) return { path: join(folder, before!.file), digest: before!.digest };
    const file = `${key}-${got.digest.slice(7, 23)}${endingOf(url)}`;
    await rename(partial, join(folder, file));
    if (before && before.file !== file) await rm(join(folder, before.file), { force: true });
    if (got.etag === null) await rm(notes, { force: true });
    else await writeFile(notes, JSON.stringify({ file, digest: got.digest, etag: got.etag } satisfies Remembered));
    return { path: join(folder, file), digest: got.digest };
  } finally {
    await rm(join(partial, ".."), { recursive: true, force: true });
  }
}

/** What was fetched before, if it still stands there whole. */
async function recall(notes: string, folder: string): Promise<Remembered | null> {
  try {
    const known = JSON.parse(await readFile(notes, "utf8")) as Remembered;
    return (await digestFile(join(folder, known.file))) === known.digest ? known : null;
  } catch {
    return null;
  }
}

/** The endings that say the format and the packing. */
function endingOf(url: string): string {
  return /(?:\.[A-Za-z0-9]{1,8}){1,2}$/.exec(new URL(url).pathname)?.[0] ?? "";
}
