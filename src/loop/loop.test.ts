import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../core/clock.ts";
import type { DriftReport } from "../monitor/drift-report.ts";
import { startLoop } from "./loop.ts";
import type { Loop, LoopEvent, LoopOptions, LoopPipeline } from "./loop.ts";
import { createSchedule } from "./schedule.ts";

const start = Date.UTC(2024, 0, 1);
const minute = 60_000;

function report(verdict: DriftReport["verdict"]): DriftReport {
  return { verdict } as DriftReport;
}

function pipeline(retrain: LoopPipeline["retrain"], every: LoopPipeline["monitor"]["every"] = "1m"): LoopPipeline {
  return { name: "houses", retrain, monitor: { every } };
}

const hourly = { cron: "0 * * * *", timeZone: "UTC", onDrift: false };
const onDrift = { cron: null, timeZone: "UTC", onDrift: true };

let loop: Loop | null = null;
let events: LoopEvent[] = [];

beforeEach(() => {
  vi.useFakeTimers({ now: start });
  events = [];
});
afterEach(async () => {
  await loop?.stop();
  loop = null;
  vi.useRealTimers();
});

function startWith(pipelines: readonly LoopPipeline[], given: Partial<LoopOptions> = {}): void {
  loop = startLoop({
    pipelines,
    run: () => Promise.resolve(),
    checkDrift: () => Promise.resolve(null),
    clock: systemClock,
    log: (event) => events.push(event),
    ...given,
  });
}

/** Lets croner load, which needs real time. */
async function settled(): Promise<void> {
  await import("croner");
  await vi.advanceTimersByTimeAsync(0);
}

const kinds = (): string[] => events.map((event) => event.kind);
const count = (kind: LoopEvent["kind"]): number => events.filter((event) => event.kind === kind).length;

describe("startLoop", () => {
  it("runs at each time of its schedule and says when the next is", async () => {
    startWith([pipeline(hourly, "1d")]);
    await settled();
    expect(loop!.state()[0]!.nextScheduledMs).toBe(start + 60 * minute);
    await vi.advanceTimersByTimeAsync(3 * 60 * minute + 1000);
    expect(kinds()).toEqual(["started", "finished", "started", "finished", "started", "finished"]);
    expect(loop!.state()[0]).toMatchObject({ running: null, lastRun: { reason: "schedule", isFailed: false } });
  });

  it("follows the local time of its zone over a clock change", async () => {
    const schedule = await createSchedule("x", "30 9 * * *", "Europe/Berlin");
    expect(schedule.nextAfter(Date.UTC(2024, 2, 30, 12))).toBe(Date.UTC(2024, 2, 31, 7, 30));
    expect(schedule.nextAfter(Date.UTC(2024, 2, 29, 12))).toBe(Date.UTC(2024, 2, 30, 8, 30));
  });

  it.each([
    ["61 * * * *", "UTC"],
    ["0 * * * *", "Mars/Olympus"],
  ])("logs the schedule %s in %s as broken and goes on watching", async (cron, timeZone) => {
    startWith([pipeline({ cron, timeZone, onDrift: true })], { checkDrift: () => Promise.resolve(report("ok")) });
    await settled();
    await vi.advanceTimersByTimeAsync(minute + 1);
    expect(kinds()).toEqual(["scheduleBroken", "watched"]);
  });

  it("skips what falls due while the pipeline runs", async () => {
    startWith([pipeline(hourly, "1d")], { run: () => new Promise((resolve) => setTimeout(resolve, 90 * minute)) });
    await settled();
    await vi.advanceTimersByTimeAsync(2 * 60 * minute + 1000);
    expect(kinds()).toEqual(["started", "skipped"]);
    expect(loop!.state()[0]!.running).toBe("schedule");
    await vi.advanceTimersByTimeAsync(31 * minute);
    expect(kinds()).toEqual(["started", "skipped", "finished"]);
  });

  it("runs pipelines beside each other", async () => {
    const running = new Set<string>();
    const run = (name: string): Promise<void> => {
      running.add(name);
      return new Promise((resolve) => setTimeout(resolve, minute));
    };
    startWith([pipeline(hourly, "1d"), { ...pipeline(hourly, "1d"), name: "taxis" }], { run });
    await settled();
    await vi.advanceTimersByTimeAsync(60 * minute + 1);
    expect([...running]).toEqual(["houses", "taxis"]);
    await vi.advanceTimersByTimeAsync(2 * minute);
  });

  it("makes up once for times missed while the machine slept", async () => {
    startWith([pipeline(hourly, "10d")]);
    await settled();
    vi.setSystemTime(start + 50.5 * 60 * minute);
    await vi.advanceTimersByTimeAsync(minute);
    expect(kinds()).toEqual(["started", "finished"]);
    expect(loop!.state()[0]!.nextScheduledMs).toBe(start + 51 * 60 * minute);
  });

  const day = 24 * 60 * minute;
  it.each([
    // Hours after the start at which the schedule ran, by the wall clock, which jumps at half past two.
    ["a year back", -365 * day, [1, 2, -8757, -8756, -8755]],
    ["an hour back", -60 * minute, [1, 2, 3, 4]],
    ["an hour ahead", 60 * minute, [1, 2, 3.5, 4, 5, 6]],
    ["a year ahead", 365 * day, [1, 2, 8762.5, 8763, 8764, 8765]],
    ["a minute back, just after a time", -minute, [1, 2, 3, 4, 5]],
  ])("keeps its times and intervals where the clock jumps %s", async (_name, jump, expected) => {
    const ran: number[] = [];
    const run = async (): Promise<void> => void ran.push(Math.round((Date.now() - start) / (3 * minute)) / 20);
    startWith([pipeline(hourly)], { run, checkDrift: () => Promise.resolve(report("ok")) });
    await settled();
    const isJustAfter = jump === -minute;
    await vi.advanceTimersByTimeAsync((isJustAfter ? 120 : 150) * minute + 1000);
    vi.setSystemTime(Date.now() + jump);
    const watched = count("watched");
    await vi.advanceTimersByTimeAsync(3 * 60 * minute + 2 * minute);
    expect(ran).toEqual(expected);
    expect(count("watched") - watched).toBe(182);
    expect(loop!.state()[0]!.nextWatchMs).toBeGreaterThan(Date.now());
    expect(loop!.state()[0]!.nextWatchMs).toBeLessThanOrEqual(Date.now() + minute);
  });

  it("logs a failed run and goes on", async () => {
    const run = vi.fn().mockRejectedValueOnce(new Error("no space")).mockResolvedValue(undefined);
    startWith([pipeline(hourly, "1d")], { run });
    await settled();
    await vi.advanceTimersByTimeAsync(2 * 60 * minute + 1);
    expect(kinds()).toEqual(["started", "failed", "started", "finished"]);
    expect(events[1]).toMatchObject({ error: { code: "INTERNAL" } });
  });

  it("runs when drift is found, then rests ten intervals", async () => {
    startWith([pipeline(onDrift)], { checkDrift: () => Promise.resolve(report("drift")) });
    await vi.advanceTimersByTimeAsync(minute + 10);
    expect(kinds()).toEqual(["watched", "started", "finished"]);
    await vi.advanceTimersByTimeAsync(9 * minute);
    expect([count("started"), count("skipped")]).toEqual([1, 9]);
    await vi.advanceTimersByTimeAsync(2 * minute);
    expect(count("started")).toBe(2);
  });

  it("does not run for drift where the pipeline does not ask for it, nor for other verdicts", async () => {
    startWith([pipeline({ ...onDrift, onDrift: false })], { checkDrift: () => Promise.resolve(report("drift")) });
    await vi.advanceTimersByTimeAsync(3 * minute);
    await loop!.stop();
    startWith([pipeline(onDrift)], { checkDrift: () => Promise.resolve(report("tooFewRows")) });
    await vi.advanceTimersByTimeAsync(3 * minute);
    expect(count("started")).toBe(0);
  });

  it("logs a failed look and looks again", async () => {
    const checkDrift = vi.fn().mockRejectedValueOnce(new Error("log gone")).mockResolvedValue(report("ok"));
    startWith([pipeline(onDrift)], { checkDrift });
    await vi.advanceTimersByTimeAsync(2 * minute + 10);
    expect(kinds()).toEqual(["watchFailed", "watched"]);
    expect(loop!.state()[0]!.lastDrift).toEqual(report("ok"));
  });

  it("does not look again while a look is under way", async () => {
    const checkDrift = vi.fn().mockResolvedValue(null);
    checkDrift.mockImplementationOnce(() => new Promise((resolve) => setTimeout(resolve, 5 * minute, null)));
    startWith([pipeline(onDrift)], { checkDrift });
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(checkDrift).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2 * minute);
    expect(checkDrift).toHaveBeenCalledTimes(3);
  });

  it("cancels what runs when it stops, waits for it, and starts nothing more", async () => {
    const run = (_: string, __: string, signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("cancelled"))));
    startWith([pipeline(hourly, "1d")], { run });
    await settled();
    await vi.advanceTimersByTimeAsync(60 * minute + 1);
    await loop!.stop();
    expect(kinds()).toEqual(["started", "failed"]);
    await vi.advanceTimersByTimeAsync(24 * 60 * minute);
    expect(events).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });
});
