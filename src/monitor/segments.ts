import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { ifAbsent } from "../core/errors/absent.ts";

/** One file of the prediction log, named by when and by which process it was begun. */
export interface Segment {
  readonly path: string;
  readonly startMs: number;
  readonly pid: number;
  readonly serial: number;
}

const segmentName = /^(\d{1,16})-(\d{1,10})-(\d{1,10})\.jsonl$/;

/** Where a model's segments lie. The model's name is data: it cannot lead out of the folder. */
export function segmentFolder(folder: string, model: string): string {
  return path.join(folder, "predictions", encodeURIComponent(model).replaceAll(".", "%2E").replaceAll("*", "%2A"));
}

export function segmentFile(startMs: number, pid: number, serial: number): string {
  return `${Math.floor(startMs)}-${pid}-${serial}.jsonl`;
}

/** The segments of a folder, oldest first; none where the folder does not exist. Other files are ignored. */
export async function listSegments(folder: string): Promise<Segment[]> {
  const names = await readdir(folder).catch(ifAbsent([]));
  const segments: Segment[] = [];
  for (const name of names) {
    const found = segmentName.exec(name);
    if (!found) continue;
    const [startMs, pid, serial] = [Number(found[1]), Number(found[2]), Number(found[3])];
    segments.push({ path: path.join(folder, name), startMs, pid, serial });
  }
  return segments.sort((a, b) => a.startMs - b.startMs || a.pid - b.pid || a.serial - b.serial);
}

/** What a segment holds: nothing where a server swept it since it was listed. */
export async function textOfSegment({ path: file }: Segment): Promise<string> {
  return readFile(file, "utf8").catch(ifAbsent(""));
}

/**
 * Segments that can hold entries of the half-open window. A segment is known to end where the next one of its process
 * begins; `slackMs` allows for a wall clock that was set back in between.
 */
export function segmentsWithin(segments: readonly Segment[], sinceMs: number, untilMs: number): Segment[] {
  const slackMs = 60_000;
  const nextStart = new Map<number, number>();
  const within: Segment[] = [];
  for (const segment of [...segments].reverse()) {
    const endMs = nextStart.get(segment.pid) ?? Infinity;
    nextStart.set(segment.pid, segment.startMs);
    if (segment.startMs - slackMs < untilMs && endMs + slackMs >= sinceMs) within.push(segment);
  }
  return within.reverse();
}

/**
 * The entries of a segment's text. Where one is written, or a crash left it, blanks stand behind them that were to be written over, and
 * an entry of which only a part was written has no end.
 */
export function entriesOf(text: string): string {
  const last = text.endsWith("\n") ? text.length - 1 : text.length;
  let end = last;
  while (text.charCodeAt(end - 1) === 0x20) --end;
  // Of blanks that were written over but for their end, that alone is left.
  return end === last && !text.endsWith("\n\n") ? text : text.slice(0, end);
}

/**
 * Whether a line is the rest of an entry whose beginning stands as blanks yet: the file was read or copied while the entry was written
 * over them, or the power failed.
 */
export function isTornAtStart(line: string): boolean {
  return line.startsWith(" ");
}

/** The models that have a log, by name. */
export async function loggedModels(folder: string): Promise<readonly string[]> {
  const names = await readdir(path.join(folder, "predictions")).catch(() => []);
  return names.map((name) => decodeURIComponent(name)).sort();
}
