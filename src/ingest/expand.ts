import { readdir, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { MillraceError } from "../core/errors/error.ts";

/** A file that a path stands for. */
export interface FoundFile {
  /** As a person would name it: relative as the path was. */
  readonly name: string;
  /** Values of the folders `key=value` on the way, from the outermost on; null for Hive's "no value". */
  readonly partition: readonly (readonly [key: string, value: string | null])[];
}

/** A source of more files is refused. */
export const mostFiles = 100_000;

/**
 * The files that a pattern or a folder stands for, sorted by code point; null where the path is a plain file. `*` and `?`
 * stay within a folder's level, `**` crosses levels. Names that start with "." or "_" are left out, as Hive leaves them.
 *
 * Throws SOURCE_NOT_FOUND where nothing matches, SOURCE_EMPTY for a folder without such files, SOURCE_UNREADABLE for more than 100,000 files.
 */
export async function expandPath(path: string, root: string, endings: RegExp): Promise<readonly FoundFile[] | null> {
  const isPattern = /[*?]/.test(path) && (await kindOf(resolve(root, path))) === "none";
  if (!isPattern && (await kindOf(resolve(root, path))) !== "folder") return null;
  const fixed = isPattern ? path.slice(0, path.slice(0, path.search(/[*?]/)).lastIndexOf("/") + 1) : path;
  const pattern = isPattern ? patternOf(path.slice(fixed.length)) : null;
  const found: FoundFile[] = [];
  if ((await kindOf(resolve(root, fixed))) !== "folder") throw new MillraceError("SOURCE_NOT_FOUND", { path });
  for await (const relative of walk(resolve(root, fixed), "")) {
    if (pattern ? !pattern.test(relative) : !endings.test(relative)) continue;
    if (found.length === mostFiles) throw tooMany(path);
    const name = fixed === "" || fixed.endsWith("/") ? `${fixed}${relative}` : `${fixed}/${relative}`;
    found.push({ name, partition: partitionOf(relative) });
  }
  if (found.length === 0 && isPattern) throw new MillraceError("SOURCE_NOT_FOUND", { path });
  if (found.length === 0)
    throw new MillraceError("SOURCE_EMPTY", {
      path,
      found: "a folder without a file of its format",
      remedy: "Give the folder that holds files with the format's ending, or a pattern such as data/*.csv.",
    });
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function kindOf(path: string): Promise<"file" | "folder" | "none"> {
  if (path.includes("\0")) return "none";
  const stats = await stat(path).catch(() => undefined);
  return stats === undefined ? "none" : stats.isDirectory() ? "folder" : "file";
}

async function* walk(folder: string, prefix: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError("SOURCE_UNREADABLE", { path: folder, format: "a folder", reason }, { cause: error });
  });
  for (const entry of entries) {
    if (/^[._]/.test(entry.name)) continue;
    const relative = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(join(folder, entry.name), relative);
    else if (entry.isFile() || (entry.isSymbolicLink() && (await kindOf(join(folder, entry.name))) === "file"))
      yield relative;
  }
}

/** A pattern's `*`, `?` and `**` as a regular expression over whole names. */
export function patternOf(text: string): RegExp {
  const source = text.replaceAll(sep, "/").replace(/\*\*\/|\*\*|[*?]|[^\w/*?]/g, (token) => {
    if (token === "**/") return "(?:[^/]+/)*";
    if (token === "**") return ".*";
    return token === "*" ? "[^/]*" : token === "?" ? "[^/]" : escaped(token);
  });
  return new RegExp(`^${source}$`, "s");
}

function escaped(token: string): string {
  return /[\\^$.|+()[\]{}]/.test(token) ? `\\${token}` : token;
}

/** What the folders `key=value` of a name say. */
export function partitionOf(relative: string): FoundFile["partition"] {
  const folders = relative.split("/").slice(0, -1);
  return folders.flatMap((folder) => {
    const cut = folder.indexOf("=");
    if (cut <= 0) return [];
    const value = decoded(folder.slice(cut + 1));
    return [[decoded(folder.slice(0, cut)), value === "__HIVE_DEFAULT_PARTITION__" ? null : value] as const];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** SOURCE_UNREADABLE for a path that stands for too many files. */
export function tooMany(path: string): MillraceError {
  const reason = `it stands for more than ${mostFiles} files`;
  return new MillraceError("SOURCE_UNREADABLE", { path, format: "a set of files", reason });
}
