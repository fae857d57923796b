import { constants } from "node:fs";
import { access, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { MillraceError } from "../core/errors/error.ts";
import { nearestName } from "../core/nearest.ts";
import type { SourceDescription } from "./source.ts";

/** A source's file, found: absolute and without symbolic links, so that the query room can confine itself to it. */
export interface LocatedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Finds the file of a source; throws SOURCE_NOT_FOUND with the nearest name beside it, SOURCE_EMPTY, SOURCE_UNREADABLE. */
export async function locateFile(path: string, root: string): Promise<LocatedFile> {
  const wanted = resolve(root, path);
  const found = await realpath(wanted).catch(() => undefined);
  if (found === undefined || path.includes("\0")) {
    throw new MillraceError("SOURCE_NOT_FOUND", { path, nearest: await nearestFile(wanted, path) });
  }
  const { size, mtimeMs, ...kind } = await describeFile(found);
  if (!kind.isFile) throw new MillraceError("SOURCE_UNREADABLE", { path, format: "a file", reason: "it is a folder" });
  if (size === 0) throw new MillraceError("SOURCE_EMPTY", { path, found: "0 bytes" });
  await access(found, constants.R_OK).catch((error: unknown) => {
    const reason = "its permissions do not allow reading";
    throw new MillraceError("SOURCE_UNREADABLE", { path, format: "a file", reason }, { cause: error });
  });
  return { path: found, sizeBytes: size, modifiedMs: mtimeMs };
}

/** The files a source reads, in the order of its definition: one, or those of a query's sources. Throws as locateFile. */
export async function locateParts(source: SourceDescription, root: string): Promise<LocatedFile[]> {
  const files: LocatedFile[] = [];
  const paths = source.kind === "sql" ? source.sources!.map((part) => part.source.path) : [source.path];
  for (const path of paths) files.push(await locateFile(path, root));
  return files;
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
