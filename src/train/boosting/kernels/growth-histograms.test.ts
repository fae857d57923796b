import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { leftRows } from "../turns.ts";
import { randomFrom } from "./bench.fixtures.ts";
import { binOffsets, type GrowthBench, leftOf, setUpGrowth, stateOf, summedBy } from "./growth.fixtures.ts";
import { binsAt, histogramBytes } from "./shape.ts";

/** Some rows of a leaf as three threads list them. */
interface Bench extends GrowthBench {
  readonly counts: readonly number[];
}

function setUp(counts: readonly number[], isPacked: boolean): Bench {
  const bench = setUpGrowth(
    counts.reduce((total, count) => total + count, 0),
    isPacked,
  );
  return Object.assign(bench, { counts });
}

/** Random rows, each in the index once, in an order of its own; what all of them sum to, in words of 64 bits. */
function fill({ shape, layout, nRows, memory, words }: Bench): BigInt64Array {
  const random = randomFrom(nRows);
  const bytes = new Uint8Array(memory.buffer);
  const sums = new BigInt64Array(histogramBytes(shape) / 8);
  for (let row = 0; row < nRows; ++row) {
    words[layout.index / 4 + nRows - 1 - row] = row;
    const at = layout.rows + row * shape.stride;
    const [gradient, hessian] = [Math.round((random() * 2 - 1) * 2047), Math.floor(random() * 4096)];
    words.set(shape.isPacked ? [(gradient << 16) | hessian] : [gradient, hessian], at / 4);
    for (let f = 0; f < 3; ++f) {
      const bin = Math.floor(random() * (binOffsets[f + 1]! - binOffsets[f]!));
      bytes[at + binsAt(shape) + f] = bin;
      const cell = (binOffsets[f]! + bin) * 2;
      sums[cell]! += BigInt(gradient);
      sums[cell + 1]! += BigInt(hessian) + (1n << 48n);
    }
  }
  return sums;
}

const beginOf = (counts: readonly number[], thread: number): number =>
  counts.slice(0, thread).reduce((total, count) => total + count, 0);

/** Says which rows a thread lists, as it does itself when it comes to sum them. */
function say(bench: Bench, thread: number): void {
  const { layout, lanes, counts } = bench;
  const from = layout.index + beginOf(counts, thread) * 4;
  lanes[(leftOf(bench, thread) + leftRows.listed) / 8] = (BigInt(from) << 32n) | BigInt(from + counts[thread]! * 4);
}

describe.each([true, false])("rows of a leaf that several threads sum, packed: %s", (isPacked) => {
  const sumBy = (bench: Bench, thread: number): void =>
    void bench.kernels["sumLeaf"]!(stateOf(bench, thread), 0, beginOf(bench.counts, thread), bench.counts[thread]!);

  it("are each summed once, by whoever comes first", () => {
    const count = fc.oneof(fc.nat(40), fc.nat(3000), fc.integer({ min: 8000, max: 20_000 }));
    fc.assert(
      fc.property(fc.tuple(count, count, count), fc.subarray([0, 1, 2]), (counts, said) => {
        const bench = setUp(counts, isPacked);
        const wanted = fill(bench);
        for (const thread of said) say(bench, thread);
        // A thread that comes when others have taken its rows has none to say.
        const left = (thread: number): number => (said.includes(thread) && thread !== 1 ? 0 : counts[thread]!);
        for (const thread of [1, 0, 2])
          bench.kernels["sumLeaf"]!(stateOf(bench, thread), 0, beginOf(counts, thread), left(thread));
        const parts = [0, 1, 2].map((thread) => summedBy(bench, thread));
        expect(parts.reduce((total, { rows }) => total + rows, 0)).toBe(bench.nRows);
        expect(wanted.map((_, i) => parts.reduce((total, { sums }) => total + sums[i]!, 0n))).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });

  it("are the thread's own where no other has said which it has, and all there are where others have", () => {
    const bench = setUp([900, 500, 700], isPacked);
    fill(bench);
    sumBy(bench, 0);
    expect(summedBy(bench, 0).rows).toBe(900);
    say(bench, 1);
    say(bench, 2);
    sumBy(bench, 0);
    expect(summedBy(bench, 0).rows).toBe(2100);
  });
});
