import type { Clock } from "../core/clock.ts";
import { parseDuration } from "../core/duration.ts";
import type { Duration } from "../core/duration.ts";
import { toMillraceError } from "../core/errors/error.ts";
import type { MillraceError } from "../core/errors/error.ts";
import type { DriftReport } from "../monitor/drift-report.ts";
import { createSchedule } from "./schedule.ts";
import type { Schedule } from "./schedule.ts";

export type RunReason = "schedule" | "drift";

/** What the loop needs to know of a pipeline: when to run it, and how often to look for drift. */
export interface LoopPipeline {
  readonly name: string;
  readonly retrain: { readonly cron: string | null; readonly timeZone: string; readonly onDrift: boolean } | null;
  readonly monitor: { readonly every: Duration };
}

export type LoopEvent =
  | { readonly kind: "started"; readonly pipeline: string; readonly reason: RunReason }
  | { readonly kind: "finished"; readonly pipeline: string; readonly reason: RunReason; readonly durationMs: number }
  | { readonly kind: "failed"; readonly pipeline: string; readonly reason: RunReason; readonly error: MillraceError }
  /** A run was due and did not start. */
  | {
      readonly kind: "skipped";
      readonly pipeline: string;
      readonly reason: RunReason;
      readonly why: "running" | "tooSoon";
    }
  | { readonly kind: "watched"; readonly pipeline: string; readonly report: DriftReport }
  | { readonly kind: "watchFailed"; readonly pipeline: string; readonly error: MillraceError }
  | { readonly kind: "scheduleBroken"; readonly pipeline: string; readonly error: MillraceError };

export interface LoopOptions {
  readonly pipelines: readonly LoopPipeline[];
  /** Runs a pipeline through its gate; rejecting is logged and stops nothing. The signal says that the loop stops. */
  run(pipeline: string, reason: RunReason, signal: AbortSignal): Promise<void>;
  /** Compares the latest window with the champion's reference; null where there is nothing to compare yet. */
  checkDrift(pipeline: string): Promise<DriftReport | null>;
  readonly clock: Clock;
  readonly log: (event: LoopEvent) => void;
}

/** What a person may want to see of one pipeline. Times are UTC milliseconds. */
export interface LoopState {
  readonly pipeline: string;
  readonly running: RunReason | null;
  readonly nextScheduledMs: number | null;
  readonly nextWatchMs: number;
  readonly lastRun: { readonly reason: RunReason; readonly endedMs: number; readonly isFailed: boolean } | null;
  readonly lastDrift: DriftReport | null;
}

export interface Loop {
  /** Starts nothing more, cancels what runs and waits for it. */
  stop(): Promise<void>;
  state(): readonly LoopState[];
}

/**
 * After a run, drift starts no other one before this many intervals of the monitor have passed: until then the window
 * still holds the rows that started the run.
 */
const restAfterRun = 10;

/** Timers are set no longer than this, so that a machine that slept or a clock that was set is noticed. */
const longestTimerMs = 30_000;

/** A clock set back by more than this was wrong before: times of a schedule are then reckoned anew. */
const correctionMs = 86_400_000;

/**
 * Watches pipelines: runs each at its times and looks for drift at its interval. One run of a pipeline at a time; what
 * falls due meanwhile is skipped. A time missed while the machine slept, or that a clock set ahead left out, is made up
 * for once; a time that a clock set back (by up to a day) brings again is not run again. Intervals follow no clock's jumps.
 */
export function startLoop(options: LoopOptions): Loop {
  const stopping = new AbortController();
  const watchers = options.pipelines.map((pipeline) => new PipelineWatcher(pipeline, options, stopping.signal));
  for (const watcher of watchers) void watcher.start();
  return {
    async stop() {
      stopping.abort();
      await Promise.all(watchers.map((watcher) => watcher.stop()));
    },
    state: () => watchers.map((watcher) => watcher.state()),
  };
}

class PipelineWatcher {
  readonly #pipeline: LoopPipeline;
  readonly #options: LoopOptions;
  readonly #signal: AbortSignal;
  readonly #everyMs: number;
  #schedule: Schedule | null = null;
  #timer: NodeJS.Timeout | null = null;
  #running: { readonly reason: RunReason; readonly done: Promise<void> } | null = null;
  #watching: Promise<void> | null = null;
  #nextScheduledMs: number | null = null;
  /** By the monotonic clock, as is the time of the last look at both. */
  #nextWatchMs: number;
  #lastLook: { readonly now: number; readonly monotonic: number };
  #restUntilMs = -Infinity;
  #lastRun: LoopState["lastRun"] = null;
  #lastDrift: DriftReport | null = null;

  constructor(pipeline: LoopPipeline, options: LoopOptions, signal: AbortSignal) {
    this.#pipeline = pipeline;
    this.#options = options;
    this.#signal = signal;
    this.#everyMs = parseDuration(pipeline.monitor.every) ?? 60_000;
    const { clock } = options;
    this.#lastLook = { now: clock.now(), monotonic: clock.monotonic() };
    this.#nextWatchMs = this.#lastLook.monotonic + this.#everyMs;
  }

  async start(): Promise<void> {
    const { name, retrain } = this.#pipeline;
    if (retrain?.cron) {
      const now = this.#options.clock.now();
      try {
        this.#schedule = await createSchedule(`retrain of "${name}"`, retrain.cron, retrain.timeZone);
        this.#nextScheduledMs = this.#schedule.nextAfter(now);
      } catch (error) {
        this.#options.log({ kind: "scheduleBroken", pipeline: name, error: toMillraceError(error) });
      }
    }
    this.#arm();
  }

  async stop(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    await Promise.all([this.#running?.done, this.#watching]);
  }

  state(): LoopState {
    const { clock } = this.#options;
    return Object.freeze({
      pipeline: this.#pipeline.name,
      running: this.#running?.reason ?? null,
      nextScheduledMs: this.#nextScheduledMs,
      nextWatchMs: clock.now() + this.#nextWatchMs - clock.monotonic(),
      lastRun: this.#lastRun,
      lastDrift: this.#lastDrift,
    });
  }

  #arm(): void {
    if (this.#signal.aborted) return;
    const { clock } = this.#options;
    const toRunMs = (this.#nextScheduledMs ?? Infinity) - clock.now();
    const dueInMs = Math.min(toRunMs, this.#nextWatchMs - clock.monotonic());
    this.#timer = setTimeout(() => this.#tick(), Math.min(longestTimerMs, Math.max(0, dueInMs)));
  }

  #tick(): void {
    const { clock } = this.#options;
    const look = { now: clock.now(), monotonic: clock.monotonic() };
    const jumpMs = look.now - this.#lastLook.now - (look.monotonic - this.#lastLook.monotonic);
    this.#lastLook = look;
    if (this.#schedule && jumpMs < -correctionMs) this.#nextScheduledMs = this.#schedule.nextAfter(look.now);
    if (this.#schedule && this.#nextScheduledMs !== null && look.now >= this.#nextScheduledMs) {
      this.#nextScheduledMs = this.#schedule.nextAfter(look.now);
      this.#run("schedule");
    }
    if (look.monotonic >= this.#nextWatchMs) {
      this.#nextWatchMs = look.monotonic + this.#everyMs;
      this.#watching ??= this.#watch().finally(() => (this.#watching = null));
    }
    this.#arm();
  }

  #run(reason: RunReason): void {
    const pipeline = this.#pipeline.name;
    if (this.#signal.aborted) return;
    if (this.#running) {
      this.#options.log({ kind: "skipped", pipeline, reason, why: "running" });
      return;
    }
    const done = this.#runToEnd(reason).finally(() => (this.#running = null));
    this.#running = { reason, done };
  }

  async #runToEnd(reason: RunReason): Promise<void> {
    const { clock, log, run } = this.#options;
    const pipeline = this.#pipeline.name;
    const start = clock.monotonic();
    log({ kind: "started", pipeline, reason });
    let isFailed = false;
    try {
      await run(pipeline, reason, this.#signal);
      log({ kind: "finished", pipeline, reason, durationMs: clock.monotonic() - start });
    } catch (error) {
      isFailed = true;
      log({ kind: "failed", pipeline, reason, error: toMillraceError(error) });
    }
    this.#lastRun = { reason, endedMs: clock.now(), isFailed };
    this.#restUntilMs = clock.monotonic() + restAfterRun * this.#everyMs;
  }

  async #watch(): Promise<void> {
    const pipeline = this.#pipeline.name;
    try {
      const report = await this.#options.checkDrift(pipeline);
      if (!report) return;
      this.#lastDrift = report;
      this.#options.log({ kind: "watched", pipeline, report });
      if (report.verdict === "drift" && this.#pipeline.retrain?.onDrift) this.#runAfterDrift();
    } catch (error) {
      this.#options.log({ kind: "watchFailed", pipeline, error: toMillraceError(error) });
    }
  }

  #runAfterDrift(): void {
    if (!this.#running && this.#options.clock.monotonic() < this.#restUntilMs)
      this.#options.log({ kind: "skipped", pipeline: this.#pipeline.name, reason: "drift", why: "tooSoon" });
    else this.#run("drift");
  }
}
