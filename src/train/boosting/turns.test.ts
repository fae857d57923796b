import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Range, shardOf } from "./shard.ts";
import { Turns, leftBytes } from "./turns.ts";

const teamOf = (nRows: number, threads: number): Turns[] => {
  const taken = new Int32Array((threads * leftBytes) / 4);
  return Array.from({ length: threads }, (_, thread) => new Turns(nRows, { thread, threads }, taken));
};

/** What a thread takes until there is nothing left. */
function takeAll(turns: Turns): Range[] {
  const taken: Range[] = [];
  for (let range = turns.take(); range !== null; range = turns.take()) taken.push(range);
  return taken;
}

describe("turns of rows", () => {
  it("are each taken once, in whatever order threads come, and again after a restart", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40_000 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat(3), { maxLength: 60 }),
        (nRows, threads, order) => {
          const team = teamOf(nRows, threads);
          for (let time = 0; time < 2; ++time) {
            const first = order.map((thread) => team[thread % threads]!.take()).filter((range) => range !== null);
            const taken = [...first, ...team.flatMap(takeAll)].toSorted((a, b) => a[0] - b[0]);
            expect(taken.reduce((end, [from, to]) => (from === end ? to : -1), 0)).toBe(nRows);
            for (const turns of team) turns.restart();
          }
        },
      ),
    );
  });

  it("are a thread's own as long as it has any, then those another has not come to", () => {
    const nRows = 10_000;
    const [first, second] = teamOf(nRows, 2);
    const [own, others] = [0, 1].map((thread) => shardOf(nRows, { thread, threads: 2 }).ranges);
    expect(second!.take()).toEqual(others![0]);
    expect(takeAll(first!)).toEqual([...own!, ...others!.slice(1)]);
    expect(second!.take()).toBeNull();
  });
});
