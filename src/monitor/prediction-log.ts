import { mkdir, open, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../core/clock.ts";
import { noHooks } from "../store/hooks.ts";
import type { StoreHooks } from "../store/hooks.ts";
import { syncPath } from "../store/sync.ts";
import { LineBuffer } from "./line-buffer.ts";
import { isRejected, textOfEntry } from "./log-line.ts";
import type { EntryTexts, LogEntry, PredictionEntry } from "./log-line.ts";
import { segmentFile, segmentFolder } from "./segments.ts";

export interface PredictionLogOptions {
  readonly clock: Clock;
  readonly model: string;
  /** Longest time an entry waits for the disk: what a crash can lose. Default 1,000 ms; 0 = none waits longer than the disk takes. */
  readonly flushMs?: number;
  /** Waiting bytes that are written at once. Default 256 KiB. */
  readonly flushBytes?: number;
  /** Waiting bytes from which new entries are dropped and counted. Default 8 MiB. */
  readonly maxWaitingBytes?: number;
  /** Size from which a new segment is begun. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Age from which a new segment is begun, so that old entries can be swept. Default one day. */
  readonly segmentMs?: number;
  /** What is kept of an entry: its output, and its inputs or others in their place. Default all of it. */
  readonly redact?: (entry: PredictionEntry) => PredictionEntry;
  /** How a segment is created; tests hand in failing disks. */
  readonly create?: (path: string) => Promise<FileHandle>;
  /** Told of each failpoint passed; for crash tests. */
  readonly hooks?: StoreHooks;
}

export interface PredictionLogCounts {
  /** Entries that are on disk (written and synced). */
  readonly written: number;
  /** Entries lost because the disk refused them or could not keep up. */
  readonly dropped: number;
  /** Why the last write failed, as the system's code ("ENOSPC"); null where it did not. */
  readonly failing: string | null;
}

/**
 * Append-only log of one model's predictions by one process: JSON lines, written in groups and synced. Appending never
 * waits and never throws: serving goes on with a full disk, and what could not be kept is counted.
 */
export interface PredictionLog {
  append(entries: readonly LogEntry[], texts?: EntryTexts): void;
  /** Resolves when all that was appended before is on disk or counted as dropped, whatever is appended meanwhile. */
  flush(): Promise<void>;
  /** Flushes and closes; later entries are dropped. */
  close(): Promise<void>;
  counts(): PredictionLogCounts;
}

/** Opens the log of one model under `<folder>/predictions/<model>/`; the first segment is created by the first flush. */
export function openPredictionLog(folder: string, options: PredictionLogOptions): PredictionLog {
  return new SegmentedLog(segmentFolder(folder, options.model), options);
}

interface OpenSegment {
  readonly path: string;
  readonly handle: FileHandle;
  readonly startMs: number;
  /** Bytes known to be on disk. */
  bytes: number;
  /** Where the file ends: behind them, blanks may stand to be written over. */
  end: number;
  /** When it was written last. */
  lastMs: number;
}

const leastBlanks = 64 * 1024;
const mostBlanks = 1024 * 1024;

class SegmentedLog implements PredictionLog {
  readonly #folder: string;
  readonly #options: Required<Omit<PredictionLogOptions, "model">>;
  readonly #waiting = new LineBuffer();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #segment: OpenSegment | null = null;
  #serial = 0;
  /** Number of the group that entries join at present, and of the last one that was written or lost. */
  #group = 1;
  #settled = 0;
  #failing: string | null = null;
  #written = 0;
  #dropped = 0;
  #isClosed = false;

  constructor(folder: string, options: PredictionLogOptions) {
    this.#folder = folder;
    this.#options = {
      clock: options.clock,
      flushMs: options.flushMs ?? 1000,
      flushBytes: options.flushBytes ?? 256 * 1024,
      maxWaitingBytes: options.maxWaitingBytes ?? 8 * 1024 * 1024,
      segmentBytes: options.segmentBytes ?? 16 * 1024 * 1024,
      segmentMs: options.segmentMs ?? 86_400_000,
      redact: options.redact ?? ((entry) => entry),
      create: options.create ?? ((file) => open(file, "wx", 0o600)),
      hooks: options.hooks ?? noHooks,
    };
  }

  append(entries: readonly LogEntry[], texts?: EntryTexts): void {
    for (let i = 0; i < entries.length; ++i) {
      if (this.#isClosed || !this.#waiting.add(this.#textOf(entries[i]!, i, texts), this.#options.maxWaitingBytes))
        ++this.#dropped;
    }
    if (!this.#writing) this.#schedule();
  }

  async flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const last = this.#waiting.nLines > 0 ? this.#group : this.#group - 1;
    while (this.#settled < last)
      await (this.#writing ??= this.#writeGroup().finally(() => {
        this.#writing = null;
        this.#schedule();
      }));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    await this.#endSegment();
  }

  counts(): PredictionLogCounts {
    return { written: this.#written, dropped: this.#dropped, failing: this.#failing };
  }

  #textOf(entry: LogEntry, i: number, texts: EntryTexts | undefined): string {
    if (isRejected(entry)) return textOfEntry(entry);
    const kept = this.#options.redact(entry);
    const isWhole = kept.inputs === entry.inputs;
    return textOfEntry(kept, isWhole ? texts?.inputs[i] : undefined, texts?.outputs[i]);
  }

  #schedule(): void {
    const { flushBytes, flushMs } = this.#options;
    if (this.#waiting.nLines === 0) return;
    if (this.#waiting.length >= flushBytes || flushMs === 0) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), flushMs);
  }

  /** Writes everything that waits as one group. Never rejects. */
  async #writeGroup(): Promise<void> {
    const group = this.#group++;
    const { nLines } = this.#waiting;
    const bytes = this.#waiting.take();
    try {
      await this.#endOldSegment();
      const segment = (this.#segment ??= await this.#beginSegment());
      await this.#writeLasting(segment, bytes);
      this.#written += nLines;
      this.#failing = null;
      if (segment.bytes >= this.#options.segmentBytes) await this.#endSegment();
    } catch (error) {
      this.#dropped += nLines;
      this.#failing = (error as NodeJS.ErrnoException).code ?? "UNKNOWN";
      await this.#abandonSegment();
    }
    this.#settled = group;
  }

  /**
   * Behind entries that somebody waits for stand blanks, which the next ones are written over: a file that does not grow is on disk
   * once its bytes are, while one that does waits for the file system's journal, and so for whatever other processes write.
   */
  async #put(segment: OpenSegment, bytes: Buffer): Promise<void> {
    const { handle, bytes: start, end } = segment;
    segment.lastMs = this.#options.clock.now();
    if (this.#options.flushMs > 0 || start + bytes.length <= end) return writeAll(handle, bytes, start);
    const nBlanks = Math.min(mostBlanks, Math.max(leastBlanks, start));
    const blanks = Buffer.alloc(nBlanks, " ");
    blanks.write("\n", nBlanks - 1);
    await writeAll(handle, Buffer.concat([bytes, blanks]), start);
    segment.end = start + bytes.length + nBlanks;
  }

  async #beginSegment(): Promise<OpenSegment> {
    await mkdir(this.#folder, { recursive: true });
    const startMs = this.#options.clock.now();
    const file = path.join(this.#folder, segmentFile(startMs, process.pid, this.#serial++));
    return { path: file, handle: await this.#options.create(file), startMs, bytes: 0, end: 0, lastMs: startMs };
  }

  async #writeLasting(segment: OpenSegment, bytes: Buffer): Promise<void> {
    const { hooks } = this.#options;
    if (segment.bytes === 0) hooks.reached("predictions.begun");
    await this.#put(segment, bytes);
    hooks.reached("predictions.written");
    await segment.handle.datasync();
    hooks.reached("predictions.synced");
    if (segment.bytes === 0) {
      await syncPath(this.#folder);
      hooks.reached("predictions.kept");
    }
    segment.bytes += bytes.length;
  }

  async #endOldSegment(): Promise<void> {
    if (this.#segment && this.#options.clock.now() - this.#segment.startMs >= this.#options.segmentMs)
      await this.#endSegment();
  }

  async #endSegment(): Promise<void> {
    const segment = this.#segment;
    this.#segment = null;
    if (!segment) return;
    const { handle, bytes, end, lastMs } = segment;
    if (end > bytes) {
      // It reads the same with its blanks.
      await handle.truncate(bytes).catch(() => {});
      // By which it is swept.
      await handle.utimes(lastMs / 1000, lastMs / 1000).catch(() => {});
    }
    await handle.close();
  }

  /** After a failed write: cuts what was written in part, so that dropped entries are not read back as kept ones. */
  async #abandonSegment(): Promise<void> {
    const segment = this.#segment;
    this.#segment = null;
    if (!segment) return;
    await segment.handle.truncate(segment.bytes).catch(() => {});
    await segment.handle.close().catch(() => {});
    if (segment.bytes === 0) await unlink(segment.path).catch(() => {});
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, start: number): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await handle.write(bytes, at, bytes.length - at, start + at)).bytesWritten;
}
