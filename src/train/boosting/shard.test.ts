import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { shardOf, turnRows } from "./shard.ts";

describe("shardOf", () => {
  it("gives each row to one thread and each thread a segment of its own", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 1, max: 5 }), (nRows, threads) => {
        const shards = Array.from({ length: threads }, (_, thread) => shardOf(nRows, { thread, threads }));
        const ranges = shards.flatMap((shard) => shard.ranges).toSorted((a, b) => a[0] - b[0]);
        expect(ranges.reduce((end, [from, to]) => (from === end ? to : -1), 0)).toBe(nRows);
        let begin = 0;
        for (const shard of shards) {
          expect(shard.begin).toBe(begin);
          expect(shard.ranges.reduce((total, [from, to]) => total + to - from, 0)).toBe(shard.nRows);
          begin += shard.nRows;
        }
        const counts = shards.map((shard) => shard.nRows);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(turnRows);
      }),
    );
  });

  it("spreads a table over the threads evenly from end to end", () => {
    const [first, second] = [0, 1].map((thread) => shardOf(1_000_000, { thread, threads: 2 }));
    for (const part of [first!, second!]) {
      const early = part.ranges.filter(([from]) => from < 250_000).length;
      expect(early / part.ranges.length).toBeCloseTo(0.25, 1);
    }
  });
});
