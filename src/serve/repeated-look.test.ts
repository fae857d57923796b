import { describe, expect, it, vi } from "vitest";
import { repeatedLook } from "./repeated-look.ts";

/** A look that ends when it is told to. */
function slowLook(): { readonly look: () => Promise<void>; readonly begun: () => number; readonly end: () => void } {
  const ends: (() => void)[] = [];
  let begun = 0;
  return {
    look: () => new Promise((resolve) => ends.push(resolve) && ++begun),
    begun: () => begun,
    end: () => ends.shift()!(),
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("repeatedLook", () => {
  it("has who asks during a look wait for it and for one more, which all of them share", async () => {
    const { look, begun, end } = slowLook();
    const again = repeatedLook(look);
    void again.refresh();
    let answered = 0;
    for (let i = 0; i < 3; ++i) void again.refresh().then(() => ++answered);
    end();
    await settled();
    expect([begun(), answered]).toEqual([2, 0]);
    end();
    await settled();
    expect([begun(), answered]).toEqual([2, 3]);
  });

  it("stops only after the look that somebody waits for", async () => {
    const { look, begun, end } = slowLook();
    const again = repeatedLook(look);
    void again.refresh();
    void again.refresh();
    let hasStopped = false;
    void again.stop().then(() => (hasStopped = true));
    end();
    await settled();
    expect([begun(), hasStopped]).toEqual([2, false]);
    end();
    await settled();
    expect([begun(), hasStopped]).toEqual([2, true]);
  });

  it("looks some time after each look, and no more once it is stopped, which waits for the one under way", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { look, begun, end } = slowLook();
      const again = repeatedLook(look, 100);
      again.start();
      vi.advanceTimersByTime(99);
      expect(begun()).toBe(0);
      vi.advanceTimersByTime(1);
      expect(begun()).toBe(1);
      vi.advanceTimersByTime(1000);
      end();
      await settled();
      expect(begun()).toBe(1);
      vi.advanceTimersByTime(100);
      expect(begun()).toBe(2);
      let hasStopped = false;
      void again.stop().then(() => (hasStopped = true));
      await settled();
      expect([again.isStopped, hasStopped]).toEqual([true, false]);
      end();
      await settled();
      vi.advanceTimersByTime(1000);
      expect([hasStopped, begun()]).toEqual([true, 2]);
    } finally {
      vi.useRealTimers();
    }
  });
});
