import { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LateConnections } from "./late-connections.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("late connections", () => {
  it("are cut a few at a time, all of them within a second", () => {
    const late = new LateConnections();
    let nCut = 0;
    for (let i = 0; i < 5000; ++i) late.add(new Socket(), () => ++nCut);
    expect(nCut).toBe(0);
    let most = 0;
    for (let ms = 0; ms < 1000; ms += 10) {
      const before = nCut;
      vi.advanceTimersByTime(10);
      most = Math.max(most, nCut - before);
    }
    expect([nCut, most]).toEqual([5000, 79]);
  });

  it("are spared where their request came after all", () => {
    const late = new LateConnections();
    const cut: string[] = [];
    const [spared, other] = [new Socket(), new Socket()];
    late.add(spared, () => cut.push("spared"));
    late.add(other, () => cut.push("other"));
    late.spare(spared);
    vi.advanceTimersByTime(1000);
    expect(cut).toEqual(["other"]);
  });
});
