import { decodeLine, isRejected } from "./log-line.ts";
import type { PredictionEntry, RejectedEntry } from "./log-line.ts";
import { entriesOf, isTornAtStart, listSegments, segmentFolder, segmentsWithin, textOfSegment } from "./segments.ts";

export interface LogWindow {
  /** UTC milliseconds, inclusive. */
  readonly sinceMs: number;
  /** UTC milliseconds, exclusive. */
  readonly untilMs: number;
  /** Entries kept at most, the newest ones. Default 100,000. */
  readonly limit?: number;
  /** Which entries are asked for. Default all. */
  readonly isWanted?: (entry: PredictionEntry) => boolean;
}

/** A window of the prediction log of one model, over all processes that wrote it. */
export interface LoggedPredictions {
  /** Ascending by time. */
  readonly entries: readonly PredictionEntry[];
  /** Rows refused in the window, and their issues by code. */
  readonly rejected: { readonly count: number; readonly codes: ReadonlyMap<string, number> };
  /** Segments whose last line was cut by a crash; the rest of them was read. */
  readonly torn: number;
  /** Lines elsewhere whose checksum does not fit; they were passed over. */
  readonly damaged: number;
  /** The window held more than `limit` entries; then rejected rows are counted over the span of the kept ones. */
  readonly isLimited: boolean;
}

/** Reads the entries of a time window, newest segments first until the limit is reached. No log at all reads as empty. */
export async function readPredictionLog(folder: string, model: string, window: LogWindow): Promise<LoggedPredictions> {
  const limit = window.limit ?? 100_000;
  const segments = await listSegments(segmentFolder(folder, model));
  const found: PredictionEntry[] = [];
  const refused: RejectedEntry[] = [];
  let [torn, damaged] = [0, 0];
  for (const segment of segmentsWithin(segments, window.sinceMs, window.untilMs).reverse()) {
    const read = readSegment(await textOfSegment(segment), window);
    // One by one: a call takes no more than some 100,000 arguments.
    for (const entry of read.entries) found.push(entry);
    for (const entry of read.rejected) refused.push(entry);
    torn += read.isTorn ? 1 : 0;
    damaged += read.damaged;
    if (found.length > limit) break;
  }
  found.sort((a, b) => a.time - b.time);
  const isLimited = found.length > limit;
  const entries = isLimited ? found.slice(found.length - limit) : found;
  const from = isLimited ? entries[0]!.time : window.sinceMs;
  return { entries, rejected: countRejected(refused.filter((entry) => entry.time >= from)), torn, damaged, isLimited };
}

interface SegmentContent {
  readonly entries: PredictionEntry[];
  readonly rejected: RejectedEntry[];
  readonly isTorn: boolean;
  readonly damaged: number;
}

function readSegment(text: string, window: LogWindow): SegmentContent {
  const lines = entriesOf(text).split("\n");
  const tail = lines.pop() ?? "";
  const entries: PredictionEntry[] = [];
  const rejected: RejectedEntry[] = [];
  let isTorn = tail !== "";
  let damaged = 0;
  lines.forEach((line, i) => {
    const entry = decodeLine(line);
    if (!entry) {
      if (isTornAtStart(line) || (i === lines.length - 1 && !isTorn)) isTorn = true;
      else ++damaged;
      return;
    }
    if (entry.time < window.sinceMs || entry.time >= window.untilMs) return;
    if (isRejected(entry)) rejected.push(entry);
    else if (window.isWanted?.(entry) ?? true) entries.push(entry);
  });
  return { entries, rejected, isTorn, damaged };
}

function countRejected(rejected: readonly RejectedEntry[]): LoggedPredictions["rejected"] {
  const codes = new Map<string, number>();
  let count = 0;
  for (const entry of rejected) {
    count += entry.count;
    for (const [code, times] of Object.entries(entry.codes)) codes.set(code, (codes.get(code) ?? 0) + times);
  }
  return { count, codes };
}
