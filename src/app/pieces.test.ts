import { describe, expect, it } from "vitest";
import { fixedClock } from "../core/clock.ts";
import { inPieces } from "./pieces.ts";

describe("work in pieces", () => {
  const clock = fixedClock();

  /** Ten pieces of so many milliseconds each. */
  function* tenPieces(ms: number): Generator<undefined, string, undefined> {
    for (let i = 0; i < 10; ++i) {
      clock.advance(ms);
      yield;
    }
    return "done";
  }

  async function turnsDuring(work: Promise<string>): Promise<number> {
    let turns = 0;
    let isOver = false;
    const turn = (): void => {
      if (isOver) return;
      ++turns;
      setImmediate(turn);
    };
    setImmediate(turn);
    expect(await work).toBe("done");
    isOver = true;
    return turns;
  }

  it("lets the event loop turn after each piece that takes long", async () => {
    expect(await turnsDuring(inPieces(tenPieces(1), clock))).toBeGreaterThanOrEqual(9);
  });

  it("goes through short ones at once", async () => {
    expect(await turnsDuring(inPieces(tenPieces(0.01), clock))).toBe(0);
  });

  it("ends with what a piece throws", async () => {
    function* failing(): Generator<undefined, string, undefined> {
      yield;
      throw new RangeError("not sound");
    }
    await expect(inPieces(failing(), clock)).rejects.toThrow("not sound");
  });
});
