import { constants } from "node:fs";
import { access, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import { isObjectAddress } from "../store/objects/address.ts";
import { expandPath, type FoundFile } from "./expand.ts";
import type { Fetcher } from "./fetch.ts";
import { isAddress } from "./http.ts";
import type { ObjectOrigin } from "./objects/fetch-objects.ts";
import { mostRefusals, type Refusal } from "./parts/kept-parts.ts";
import type { FileKind, SourceDescription } from "./source.ts";

/** A file, found: absolute and without symbolic links, so that the query room can confine itself to it. */
export interface LocatedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** What a person calls it. */
  readonly name: string;
  /** Columns its folders name, with their values. */
  readonly partition: FoundFile["partition"];
  /** Of a file that was brought from an object store: what it was there. */
  readonly object?: ObjectOrigin;
}

/** How files are read: as what their endings say, or as cells that were brought to files by us. */
export type FileFormat = FileKind | "cells";

/** A source and everything below it with the files that are read, in the order of the definition. */
export interface LocatedSource {
  readonly source: SourceDescription;
  /** Of a source of files: how they are read, which for fetched rows is not what the source is called. */
  readonly format: FileFormat | null;
  readonly files: readonly LocatedFile[];
  readonly parts: readonly { readonly name: string; readonly located: LocatedSource }[];
  /** What was set aside when rows were brought to these files; the first 1,000 of `nRefused`. */
  readonly refused?: readonly Refusal[];
  readonly nRefused?: number;
}

/** Where sources are looked for. */
export interface Place {
  /** Relative paths start here. */
  readonly root: string;
  readonly fetcher: Fetcher;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the files of a source, fetching what is not on this machine.
 *
 * Throws SOURCE_NOT_FOUND with the nearest name beside it, SOURCE_EMPTY, SOURCE_UNREADABLE, SOURCE_REFUSED,
 * SOURCE_UNREACHABLE.
 */
export async function locateSource(source: SourceDescription, place: Place): Promise<LocatedSource> {
  if (source.sources) {
    const parts = [];
    for (const part of source.sources) parts.push({ name: part.name, located: await locateSource(part.source, place) });
    return { source, format: null, files: [], parts };
  }
  const leaf = (format: FileFormat, files: readonly LocatedFile[]): LocatedSource => ({
    source,
    format,
    files,
    parts: [],
  });
  switch (source.kind) {
    case "csv":
    case "tsv":
    case "parquet":
    case "jsonl":
    case "json":
    case "arrow":
      return leaf(source.kind, await locateFiles(source, source.kind, place));
    case "sqlite": {
      const { path } = await locateFile(source.path, place.root);
      if (source.since !== undefined) return { ...leaf("cells", []), ...(await locateParts(source, place)) };
      return leaf("jsonl", [await locateFetched(source, place, path)]);
    }
    case "postgres":
    case "mysql":
    case "images":
    case "audio":
      return { ...leaf("cells", []), ...(await locateParts(source, place)) };
    case "stream":
      return { ...leaf("jsonl", []), ...(await locateParts(source, place)) };
    default:
      return leaf("jsonl", [await locateFetched(source, place, "")]);
  }
}

/** All files below a source. */
export function filesOf(located: LocatedSource): readonly LocatedFile[] {
  return [...located.files, ...located.parts.flatMap((part) => filesOf(part.located))];
}

const endingsOf: Readonly<Record<FileKind, RegExp>> = {
  csv: /\.csv(\.gz|\.zst)?$/i,
  tsv: /\.(tsv|tab)(\.gz|\.zst)?$/i,
  parquet: /\.parquet$/i,
  jsonl: /\.(jsonl|ndjson)(\.gz|\.zst)?$/i,
  json: /\.json(\.gz|\.zst)?$/i,
  arrow: /\.(arrow|arrows|feather)$/i,
};

async function locateFiles(source: SourceDescription, kind: FileKind, place: Place): Promise<LocatedFile[]> {
  if (isObjectAddress(source.path)) return locateObjects(source, endingsOf[kind], place);
  if (isAddress(source.path)) return [await locateFetched(source, place, "")];
  const found = await expandPath(source.path, place.root, endingsOf[kind]);
  if (found === null) return [await locateFile(source.path, place.root)];
  const files: LocatedFile[] = [];
  for (const { name, partition } of found) files.push({ ...(await locateFile(name, place.root)), partition });
  return files;
}

async function locateFetched(source: SourceDescription, place: Place, location: string): Promise<LocatedFile> {
  const { path } = await place.fetcher.fetch(source, location, place.signal);
  return { ...(await locateFile(path, place.root)), name: source.path };
}

async function locateObjects(source: SourceDescription, endings: RegExp, place: Place): Promise<LocatedFile[]> {
  const files: LocatedFile[] = [];
  for (const { path, name, partition, object } of await place.fetcher.objects(source, endings, place.signal))
    files.push({ ...(await locateFile(path, place.root)), name, partition, object });
  return files;
}

async function locateParts(
  source: SourceDescription,
  place: Place,
): Promise<Pick<LocatedSource, "files" | "refused" | "nRefused">> {
  const { parts, refused = [], nRefused = 0 } = await place.fetcher.parts(source, place.root, place.signal);
  const files: LocatedFile[] = [];
  for (const { path, name } of parts) files.push({ ...(await locateFile(path, place.root)), name });
  return { files, ...(nRefused > 0 ? { refused, nRefused } : {}) };
}

/** Finds one file; throws SOURCE_NOT_FOUND with the nearest name beside it, SOURCE_EMPTY, SOURCE_UNREADABLE. */
export async function locateFile(path: string, root: string): Promise<LocatedFile> {
  const wanted = resolve(root, path);
  const found = await realpath(wanted).catch(() => undefined);
  if (found === undefined || path.includes("\0")) {
    throw new MillraceError("SOURCE_NOT_FOUND", { path, nearest: await nearestFile(wanted, path) });
  }
  const { size, mtimeMs, ...kind } = await describeFile(found);
  if (!kind.isFile) {
    const remedy = 'Name one of its files, or a pattern such as "data/*.csv".';
    throw new MillraceError("SOURCE_UNREADABLE", { path, format: "a file", reason: "it is a folder", remedy });
  }
  if (size === 0) throw new MillraceError("SOURCE_EMPTY", { path, found: "0 bytes" });
  await access(found, constants.R_OK).catch((error: unknown) => {
    const reason = "its permissions do not allow reading";
    throw new MillraceError("SOURCE_UNREADABLE", { path, format: "a file", reason }, { cause: error });
  });
  return { path: found, sizeBytes: size, modifiedMs: mtimeMs, name: path, partition: [] };
}

async function describeFile(path: string): Promise<{ size: number; mtimeMs: number; isFile: boolean }> {
  const stats = await stat(path);
  return { size: stats.size, mtimeMs: stats.mtimeMs, isFile: stats.isFile() };
}

async function nearestFile(wanted: string, path: string): Promise<string | undefined> {
  const names = await readdir(dirname(wanted)).catch(() => []);
  const nearest = nearestName(basename(wanted), names);
  return nearest === undefined ? undefined : join(dirname(path), nearest);
}

/** What was set aside below a source, and how much. */
export function refusalsOf(located: LocatedSource): {
  readonly refused: readonly Refusal[];
  readonly nRefused: number;
} {
  const below = located.parts.map((part) => refusalsOf(part.located));
  return {
    refused: [...(located.refused ?? []), ...below.flatMap(({ refused }) => refused)].slice(0, mostRefusals),
    nRefused: below.reduce((sum, { nRefused }) => sum + nRefused, located.nRefused ?? 0),
  };
}

/** The path to write to, its folder without symbolic links; throws STORE_UNWRITABLE where nothing can be written there. */
export async function locateOutput(path: string): Promise<string> {
  const folder = dirname(resolve(path));
  try {
    const real = await realpath(folder);
    await access(real, constants.W_OK);
    return join(real, basename(path));
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** STORE_UNWRITABLE with the system's reason. */
export function unwritable(path: string, error: unknown): MillraceError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "the folder does not exist",
    ENOTDIR: "its folder is a file",
    EACCES: "its permissions do not allow it",
    EROFS: "the file system is read-only",
  };
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  return new MillraceError("STORE_UNWRITABLE", { path, reason }, { cause: error });
}
