import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

describe("parseDuration", () => {
  it("knows milliseconds, seconds, minutes, hours and days, also in parts", () => {
    const texts = ["250ms", "90s", "2m", "1.5h", "7d", "0s"];
    expect(texts.map(parseDuration)).toEqual([250, 90_000, 120_000, 5_400_000, 604_800_000, 0]);
  });

  it.each(["", "5", "s", "-1s", "1 s", "1S", "1e3s", "1s2", "1w", " 1s"])("takes %j for none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [59_949, "59.9 s"],
    [59_950, "1 min 0 s"],
    [125_000, "2 min 5 s"],
    [119_600, "2 min 0 s"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
