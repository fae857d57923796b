import { createHash } from "node:crypto";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MillraceError } from "../../core/errors/error.ts";
import { expandPath } from "../expand.ts";
import { type Cell, type CellColumn, writeCells } from "../parts/cells-file.ts";
import { type FetchedParts, mostRefusals, type PartsPlace, type Refusal } from "../parts/kept-parts.ts";
import type { SourceDescription } from "../source.ts";
import { readAudio } from "./audio-header.ts";
import { MediaFault } from "./header.ts";
import { readImage } from "./image-header.ts";

/** What a file's headers say, in the order of the columns; or why they cannot be read. */
type Facts = readonly Cell[] | { readonly reason: string };

/** A file as it was when it was read last. */
interface Known {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly digest: string;
  readonly facts: Facts;
}

interface Medium {
  readonly endings: RegExp;
  readonly columns: readonly string[];
  facts(bytes: Buffer): readonly Cell[];
}

const largestBytes = 512 * 2 ** 20;
const batchRows = 1_000;

const mediums: Readonly<Record<"images" | "audio", Medium>> = {
  images: {
    endings: /\.(png|jpe?g|gif|webp|bmp)$/i,
    columns: ["format", "width", "height"],
    facts(bytes) {
      const { format, width, height } = readImage(bytes);
      return [format, String(width), String(height)];
    },
  },
  audio: {
    endings: /\.(wav|flac|mp3|ogg|oga|opus)$/i,
    columns: ["format", "duration", "sampleRate", "channels"],
    facts(bytes) {
      const { format, duration, sampleRate, channels } = readAudio(bytes);
      return [format, duration === null ? null : String(duration), String(sampleRate), String(channels)];
    },
  },
};

/** A row for each image or recording; a file whose size and time of change are as before is not read again. */
export async function readMedia(source: SourceDescription, place: PartsPlace): Promise<FetchedParts> {
  const medium = mediums[source.kind as "images" | "audio"];
  const found = await expandPath(source.path, place.root, medium.endings);
  if (found === null) {
    const isThere = await stat(resolve(place.root, source.path)).catch(() => null);
    if (!isThere) throw new MillraceError("SOURCE_NOT_FOUND", { path: source.path });
    throw new MillraceError("SOURCE_UNREADABLE", { path: source.path, format: "a folder", reason: "it is a file" });
  }
  const notes = place.folder === null ? null : join(place.folder, `${keyOf(source)}.media.json`);
  const before = await recall(notes);
  const now: Record<string, Known> = Object.create(null) as Record<string, Known>;
  const refused: Refusal[] = [];
  let nRefused = 0;
  const columns = ["path", "label", "size", ...medium.columns, "digest"].map((name): CellColumn => ({
    name,
    type: "VARCHAR",
  }));
  const batches = async function* (): AsyncGenerator<readonly (readonly Cell[])[]> {
    let batch: (readonly Cell[])[] = [];
    for (const { name } of found) {
      const known = await examine(resolve(place.root, name), medium, before[name]);
      now[name] = known;
      if ("reason" in known.facts) {
        ++nRefused;
        if (refused.length < mostRefusals)
          refused.push({ file: name, line: null, reason: known.facts.reason, text: null });
      } else batch.push([name, labelOf(name, source.path), String(known.sizeBytes), ...known.facts, known.digest]);
      if (batch.length < batchRows) continue;
      yield batch;
      batch = [];
    }
    yield batch;
  };
  const path = join(place.scratch, "media.cells");
  await writeCells(path, source.path, { columns, batches: batches() }, place.signal);
  if (notes !== null) await keep(notes, now);
  return { parts: [{ path, name: source.path }], refused, nRefused };
}

async function examine(path: string, medium: Medium, known: Known | undefined): Promise<Known> {
  const { size: sizeBytes, mtimeMs: modifiedMs } = await stat(path);
  if (known?.sizeBytes === sizeBytes && known.modifiedMs === modifiedMs) return known;
  if (sizeBytes > largestBytes)
    return { sizeBytes, modifiedMs, digest: "", facts: { reason: "it is larger than 512 MiB" } };
  const bytes = await readFile(path);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  return { sizeBytes, modifiedMs, digest, facts: factsOf(bytes, medium) };
}

function factsOf(bytes: Buffer, medium: Medium): Facts {
  try {
    return medium.facts(bytes);
  } catch (error) {
    if (error instanceof MediaFault) return { reason: error.message };
    throw error;
  }
}

/** The first folder below the source's own; null for files that stand in it. */
function labelOf(name: string, path: string): string | null {
  const wildcard = path.search(/[*?]/);
  const folder = wildcard < 0 ? path.replace(/\/*$/, "/") : path.slice(0, path.slice(0, wildcard).lastIndexOf("/") + 1);
  const below = name.slice(folder.length).split("/");
  return below.length > 1 ? below[0]! : null;
}

function keyOf({ kind, path }: SourceDescription): string {
  return createHash("sha256").update(`${kind} ${path}`).digest("hex").slice(0, 16);
}

async function recall(notes: string | null): Promise<Readonly<Record<string, Known | undefined>>> {
  try {
    return notes === null ? {} : (JSON.parse(await readFile(notes, "utf8")) as Record<string, Known>);
  } catch {
    return {};
  }
}

async function keep(notes: string, known: Readonly<Record<string, Known>>): Promise<void> {
  await writeFile(`${notes}.partial`, JSON.stringify(known));
  await rename(`${notes}.partial`, notes);
}
