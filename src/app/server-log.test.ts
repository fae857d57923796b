import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { AnsweredRequest } from "../serve/guard.ts";
import { jsonLog, sentenceLog } from "./server-log.ts";

const clock = fixedClock(Date.UTC(2026, 0, 2, 3, 4, 5));
const answered: AnsweredRequest = {
  requestId: "r1",
  method: "POST",
  route: "/v1/models/:name/predict",
  status: 200,
  ms: 0.412,
};

describe("what a server says to people", () => {
  it("is a sentence each, with the request that met a fault, and nothing of requests that went well", () => {
    const said: string[] = [];
    const log = sentenceLog((text) => said.push(text));
    log.event("churn version 2 is live");
    log.fault(new Error("the disk is gone"), "r1");
    log.fault(new MillraceError("STORE_BUSY", { path: "m.db", seconds: 30 }));
    log.close();
    expect(said[0]).toBe("churn version 2 is live");
    expect(said[1]).toMatch(/^fault: .*the disk is gone.* \(request r1\)$/);
    expect(said[2]).toMatch(/^fault: .*m\.db/);
    expect(log.request).toBeUndefined();
  });
});

describe("what a server says to programs", () => {
  let written: string[];
  beforeEach(() => {
    written = [];
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => vi.useRealTimers());

  const entries = (): Record<string, unknown>[] =>
    written
      .join("")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("is a line of JSON each, in order, with the id of the request", () => {
    const log = jsonLog((text) => written.push(text), clock);
    log.event("churn version 2 is live\nand well");
    log.request!(answered);
    expect(written).toEqual([]);
    log.fault(new Error("the disk is gone"), "r1");
    const time = "2026-01-02T03:04:05.000Z";
    expect(entries()).toEqual([
      { time, level: "info", event: "server", message: "churn version 2 is live\nand well" },
      { time, level: "info", event: "request", ...answered },
      {
        time,
        level: "error",
        event: "fault",
        requestId: "r1",
        code: "INTERNAL",
        message: expect.stringContaining("the disk is gone"),
        stack: expect.stringContaining("server-log.test.ts"),
      },
    ]);
  });

  it("waits a tenth of a second at most, no longer than some lines are long, and never past the end", () => {
    const log = jsonLog((text) => written.push(text), clock);
    log.request!(answered);
    vi.advanceTimersByTime(100);
    expect(entries()).toHaveLength(1);
    for (let i = 0; i < 2000; ++i) log.request!(answered);
    expect(written.length).toBeGreaterThan(1);
    expect(written.length).toBeLessThan(20);
    log.close();
    expect(entries()).toHaveLength(2001);
    expect(vi.getTimerCount()).toBe(0);
  });
});
