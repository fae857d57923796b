import { describe, expect, it } from "vitest";
import { createRng } from "../core/rng.ts";
import { createLineReader } from "./process/lines.ts";
import { delayAfter } from "./retry.ts";
import { createSlots } from "./slots.ts";

describe("delayAfter", () => {
  it("grows by the factor up to its bound, between half of it and the whole", () => {
    const policy = { attempts: 9, delayMs: 100, factor: 2, maxDelayMs: 500 };
    const rng = createRng(1);
    for (const [attempt, full] of [
      [1, 100],
      [2, 200],
      [3, 400],
      [4, 500],
      [8, 500],
    ] as const) {
      const delays = Array.from({ length: 200 }, () => delayAfter(policy, attempt, rng));
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(full / 2);
      expect(Math.max(...delays)).toBeLessThanOrEqual(full);
      expect(new Set(delays).size).toBeGreaterThan(20);
    }
  });
});

describe("slots", () => {
  it("serve in the order of asking, so that whoever needs all of them is not passed by", async () => {
    const slots = createSlots(2);
    const served: string[] = [];
    const first = await slots.take(1);
    const take = (name: string, count: number | "all"): Promise<() => void> =>
      slots.take(count).then((giveBack) => (served.push(name), giveBack));
    const all = take("all", "all");
    const small = take("small", 1);
    await Promise.resolve();
    expect(served).toEqual([]);
    first();
    first();
    (await all)();
    (await small)();
    expect(served).toEqual(["all", "small"]);
    expect(typeof (await slots.take(99))).toBe("function");
  });
});

describe("a line reader", () => {
  it("passes on whole lines up to a length, and keeps no endless one", () => {
    const lines: string[] = [];
    const reader = createLineReader((line) => lines.push(line));
    reader.write("a\nb");
    reader.write("c\n\n");
    expect(lines).toEqual(["a", "bc"]);
    for (let i = 0; i < 100; ++i) reader.write("x".repeat(100_000));
    reader.write("\ny\n");
    expect(lines[2]!.length).toBeLessThan(8200);
    expect(lines[3]).toBe("y");
  });
});
