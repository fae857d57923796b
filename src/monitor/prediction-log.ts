import { mkdir, open, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../core/clock.ts";
import { encodeLine } from "./log-line.ts";
import type { LogEntry } from "./log-line.ts";
import { segmentFile, segmentFolder } from "./segments.ts";

export interface PredictionLogOptions {
  readonly clock: Clock;
  readonly model: string;
  /** Longest time an entry waits for the disk: what a crash can lose. Default 1,000 ms. */
  readonly flushMs?: number;
  /** Waiting bytes that are written at once. Default 256 KiB. */
  readonly flushBytes?: number;
  /** Waiting bytes from which new entries are dropped and counted. Default 8 MiB. */
  readonly maxWaitingBytes?: number;
  /** Size from which a new segment is begun. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** How a segment is created; tests hand in failing disks. */
  readonly create?: (path: string) => Promise<FileHandle>;
}

export interface PredictionLogCounts {
  /** Entries that are on disk (written and synced). */
  readonly written: number;
  /** Entries lost because the disk refused them or could not keep up. */
  readonly dropped: number;
}

/**
 * Append-only log of one model's predictions by one process: JSON lines, written in groups and synced. Appending never
 * waits and never throws: serving goes on with a full disk, and what could not be kept is counted.
 */
export interface PredictionLog {
  append(entries: readonly LogEntry[]): void;
  /** Resolves when all that was appended before is on disk or counted as dropped. */
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
  /** Bytes known to be on disk. */
  bytes: number;
}

class SegmentedLog implements PredictionLog {
  readonly #folder: string;
  readonly #options: Required<Omit<PredictionLogOptions, "model">>;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #segment: OpenSegment | null = null;
  #serial = 0;
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
      create: options.create ?? ((file) => open(file, "ax", 0o600)),
    };
  }

  append(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      const line = encodeLine(entry);
      if (this.#isClosed || this.#waitingBytes + line.length > this.#options.maxWaitingBytes) {
        ++this.#dropped;
        continue;
      }
      this.#waiting.push(line);
      this.#waitingBytes += line.length;
    }
    if (this.#writing || !this.#waiting.length) return;
    if (this.#waitingBytes >= this.#options.flushBytes) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), this.#options.flushMs);
  }

  async flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    while (this.#writing || this.#waiting.length) {
      this.#writing ??= this.#writeWaiting().finally(() => (this.#writing = null));
      await this.#writing;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    const segment = this.#segment;
    this.#segment = null;
    await segment?.handle.close();
  }

  counts(): PredictionLogCounts {
    return { written: this.#written, dropped: this.#dropped };
  }

  /** Writes everything that waits as one group. Never rejects. */
  async #writeWaiting(): Promise<void> {
    const lines = this.#waiting;
    const bytes = Buffer.from(lines.join(""));
    this.#waiting = [];
    this.#waitingBytes = 0;
    try {
      const segment = (this.#segment ??= await this.#beginSegment());
      await segment.handle.writeFile(bytes);
      await segment.handle.datasync();
      segment.bytes += bytes.length;
      this.#written += lines.length;
      if (segment.bytes >= this.#options.segmentBytes) await this.#endSegment();
    } catch {
      this.#dropped += lines.length;
      await this.#abandonSegment();
    }
  }

  async #beginSegment(): Promise<OpenSegment> {
    await mkdir(this.#folder, { recursive: true });
    const name = segmentFile(this.#options.clock.now(), process.pid, this.#serial++);
    const file = path.join(this.#folder, name);
    return { path: file, handle: await this.#options.create(file), bytes: 0 };
  }

  async #endSegment(): Promise<void> {
    const segment = this.#segment;
    this.#segment = null;
    await segment?.handle.close();
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

/** The prediction logs of all models a process serves, opened as they are asked for. */
export interface PredictionLogs {
  of(model: string): PredictionLog;
  flush(): Promise<void>;
  close(): Promise<void>;
  counts(): PredictionLogCounts;
}

export function openPredictionLogs(folder: string, options: { readonly clock: Clock }): PredictionLogs {
  const logs = new Map<string, PredictionLog>();
  return {
    of(model) {
      const known = logs.get(model);
      if (known) return known;
      const log = openPredictionLog(folder, { clock: options.clock, model });
      logs.set(model, log);
      return log;
    },
    async flush() {
      await Promise.all([...logs.values()].map((log) => log.flush()));
    },
    async close() {
      await Promise.all([...logs.values()].map((log) => log.close()));
    },
    counts() {
      let [written, dropped] = [0, 0];
      for (const log of logs.values()) {
        written += log.counts().written;
        dropped += log.counts().dropped;
      }
      return { written, dropped };
    },
  };
}
