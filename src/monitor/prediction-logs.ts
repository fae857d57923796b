import type { Clock } from "../core/clock.ts";
import type { PredictionEntry } from "./log-line.ts";
import { openPredictionLog } from "./prediction-log.ts";
import type { PredictionLog, PredictionLogCounts } from "./prediction-log.ts";

/**
 * When an answer leaves: `sync` = once its entry is on disk, and not at all where the disk refuses it; `async` = at once, and
 * a crash can lose what was answered in the last second.
 */
export type LogMode = "sync" | "async";

/** The prediction logs of all models a process serves, opened as they are asked for. */
export interface PredictionLogs {
  readonly mode: LogMode;
  of(model: string): PredictionLog;
  /** Resolves when all that was appended before is on disk or counted as dropped. */
  flush(): Promise<void>;
  close(): Promise<void>;
  counts(): PredictionLogCounts;
}

export interface PredictionLogsOptions {
  readonly clock: Clock;
  /** Default "async". */
  readonly mode?: LogMode;
  /** What is kept of an entry of a model. Default all of it. */
  readonly redact?: (model: string, entry: PredictionEntry) => PredictionEntry;
  /** Handed to each log; tests give failing disks and small groups. */
  readonly log?: Partial<Omit<Parameters<typeof openPredictionLog>[1], "clock" | "model">>;
}

export function openPredictionLogs(folder: string, options: PredictionLogsOptions): PredictionLogs {
  const { clock, mode = "async", redact } = options;
  const logs = new Map<string, PredictionLog>();
  return {
    mode,
    of(model) {
      const known = logs.get(model);
      if (known) return known;
      const log = openPredictionLog(folder, {
        ...(mode === "sync" ? { flushMs: 0 } : {}),
        ...options.log,
        ...(redact ? { redact: (entry) => redact(model, entry) } : {}),
        clock,
        model,
      });
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
      const counts = [...logs.values()].map((log) => log.counts());
      return {
        written: counts.reduce((sum, { written }) => sum + written, 0),
        dropped: counts.reduce((sum, { dropped }) => sum + dropped, 0),
        failing: counts.find(({ failing }) => failing !== null)?.failing ?? null,
      };
    },
  };
}
