import { copyFile, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Digest } from "../../core/digest.ts";
import { isAbsent } from "../../core/errors/absent.ts";
import { MillraceError } from "../../core/errors/error.ts";
import type { JsonValue } from "../../core/json.ts";
import { syncPath } from "../../store/sync.ts";
import { digestFile } from "../byte-stream.ts";
import { type CellRows, writeCells } from "./cells-file.ts";

/** A local file of cells that holds some of a source's rows. */
export interface FetchedPart {
  readonly path: string;
  /** What a person calls it: it stands in the origins of the snapshot. */
  readonly name: string;
}

/** Something that is no row, set aside when it was read. */
export interface Refusal {
  readonly file: string;
  /** Its line, sequence or number in `file`; null where it is the file itself. */
  readonly line: number | null;
  readonly reason: string;
  /** The beginning of what it holds, where that is a text. */
  readonly text: string | null;
}

/** What reading a source gave, as local files. */
export interface FetchedParts {
  readonly parts: readonly FetchedPart[];
  /** The first 1,000 of `nRefused`. */
  readonly refused?: readonly Refusal[];
  readonly nRefused?: number;
  /** Tells where the rows came from that they need not be kept there for us; called once a snapshot holds them. */
  readonly commit?: () => Promise<void>;
  readonly close?: () => Promise<void>;
}

export const mostRefusals = 1_000;

/** Where parts are kept and made. */
export interface PartsPlace {
  /** Relative paths start here. */
  readonly root: string;
  /** Stays between runs; null = nothing is kept. */
  readonly folder: string | null;
  /** Goes with the run. */
  readonly scratch: string;
  readonly signal?: AbortSignal | undefined;
}

export interface KeptPart {
  readonly file: string;
  readonly name: string;
  readonly digest: Digest;
  readonly nRows: number;
}

/** The parts of a source that were read before, in their order, and what the next reading must know. */
export interface Kept<State> {
  readonly parts: readonly KeptPart[];
  readonly state: State;
}

/** Parts of one source, in files that begin with its key. */
export interface Keeper<State> {
  /**
   * null where nothing is kept, or not all of it is as it was written and the source gives it again. Throws
   * SOURCE_UNREADABLE where it does not.
   */
  recall(): Promise<Kept<State> | null>;
  /** Writes rows as a part that `keep` can take over. */
  write(name: string, rows: CellRows): Promise<KeptPart>;
  /** Takes a file of JSON lines of the scratch folder over as a part. */
  adopt(name: string, path: string, nRows: number): Promise<KeptPart>;
  /** From now on these are the parts: of a crash, either the former list stays or this one stands. */
  keep(kept: Kept<State>): Promise<void>;
  /** There are no parts of this key any more; their files stay, for another key may name them. */
  drop(): Promise<void>;
  paths(parts: readonly KeptPart[]): readonly FetchedPart[];
}

/** `key`: 16 hexadecimal digits that tell sources apart. `once`: the source gives nothing again that was kept of it. */
export function createKeeper<State extends JsonValue>(
  key: string,
  place: PartsPlace,
  { once = false }: { readonly once?: boolean } = {},
): Keeper<State> {
  const folder = place.folder ?? place.scratch;
  const notes = join(folder, `${key}.parts.json`);
  const paths = (parts: readonly KeptPart[]): readonly FetchedPart[] =>
    parts.map(({ file, name }) => ({ path: join(folder, file), name }));
  return {
    paths,
    recall: () => readWhole<State>(folder, notes, once),
    async write(name, rows) {
      const partial = join(place.scratch, `${key}-partial`);
      const { digest, nRows } = await writeCells(partial, name, rows, place.signal);
      const file = `${key}-${digest.slice(7, 23)}.cells`;
      // The notes first: a part without them would look whole.
      await move(`${partial}.json`, join(folder, `${file}.json`));
      await move(partial, join(folder, file));
      return { file, name, digest, nRows };
    },
    async adopt(name, path, nRows) {
      const digest = await digestFile(path);
      const file = `${key}-${digest.slice(7, 23)}.jsonl`;
      await move(path, join(folder, file));
      return { file, name, digest, nRows };
    },
    async keep(kept) {
      const before = await readKept<State>(notes, once);
      await writeKept(notes, kept);
      // What the former list names may still be read by a run that began earlier.
      await removeOthers(folder, key, [...kept.parts, ...(before?.parts ?? [])]);
    },
    drop: () => rm(notes, { force: true }),
  };
}

/** What is kept, where each part is as it was written. */
async function readWhole<State>(folder: string, notes: string, once: boolean): Promise<Kept<State> | null> {
  const kept = await readKept<State>(notes, once);
  for (const part of kept?.parts ?? []) {
    const path = join(folder, part.file);
    if (await isWhole(path, part.digest)) continue;
    if (once) throw lostFault(path, notes);
    return null;
  }
  return kept;
}

async function writeKept<State>(notes: string, kept: Kept<State>): Promise<void> {
  const partial = `${notes}.partial`;
  const handle = await open(partial, "w");
  try {
    await handle.write(JSON.stringify(kept));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await move(partial, notes);
}

async function readKept<State>(notes: string, once: boolean): Promise<Kept<State> | null> {
  try {
    return JSON.parse(await readFile(notes, "utf8")) as Kept<State>;
  } catch (error) {
    if (once && !isAbsent(error)) throw lostFault(notes, notes);
    return null;
  }
}

function lostFault(path: string, notes: string): MillraceError {
  const reason = "it is not as it was written, and the server gives what it holds no second time";
  const remedy =
    `Restore the file from a copy of its folder. Where there is none, delete "${notes}" to begin anew with what the ` +
    "server still gives: take a new consumer or group to read from the start.";
  return new MillraceError("SOURCE_UNREADABLE", { path, format: "messages that were kept", reason, remedy });
}

async function isWhole(path: string, digest: Digest): Promise<boolean> {
  try {
    if (path.endsWith(".cells")) await stat(`${path}.json`);
    return (await digestFile(path)) === digest;
  } catch {
    return false;
  }
}

/** Lasts through a power loss. A scratch folder may lie on another device than the store. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    await copyFile(from, `${to}.partial`);
    await syncPath(`${to}.partial`);
    await rename(`${to}.partial`, to);
    await rm(from, { force: true });
  }
  await syncPath(dirname(to));
}

async function removeOthers(folder: string, key: string, parts: readonly KeptPart[]): Promise<void> {
  const kept = new Set(parts.flatMap(({ file }) => [basename(file), `${basename(file)}.json`]));
  for (const file of await readdir(folder))
    if (file.startsWith(`${key}-`) && /\.(cells|jsonl)/.test(file) && !kept.has(file))
      await rm(join(folder, file), { force: true });
}
