import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { createRng } from "../../core/rng.ts";
import { addMoves, createDrift } from "./bounds.ts";
import { halfLengths } from "./nearest.ts";
import { rankedRows } from "./ranking.fixtures.ts";
import { createRanking, type Ranking } from "./ranking.ts";

/** What a ranking finds of listed rows: for each its nearest centre and both scores. */
function found(ranking: Ranking, listed: readonly number[], centres: Float64Array, clusters: number): number[][] {
  const halves = halfLengths(centres, clusters);
  ranking.aim({ centres, halves, error: 0, drift: createDrift(clusters) });
  ranking.listed.set(listed);
  ranking.rank(listed.length);
  return listed.map((_, i) => [ranking.nearest[i]!, ranking.best[i]!, ranking.second[i]!]);
}

function numbersOf(count: number, seed: number): number[] {
  const rng = createRng(seed);
  return Array.from({ length: count }, () => (rng.next() - 0.5) * 10 ** rng.integer(5));
}

describe("createRanking", () => {
  it("gives the same bits in vector registers as one by one, for any number of centres and columns", () => {
    for (const clusters of [1, 2, 3, 7, 10, 11, 12, 21, 40]) {
      for (const nDense of [1, 2, 5, 8, 33]) {
        const values = numbersOf(50 * nDense, clusters * nDense);
        const rows = Array.from({ length: 50 }, (_, row) => values.slice(row * nDense, (row + 1) * nDense));
        const room = rankedRows(designOf(rows, nDense), clusters, 3);
        expect(room.kernel).not.toBeNull();
        const centres = Float64Array.from(numbersOf(clusters * nDense, 1000 + clusters));
        const listed = [49, 0, 0, 7, 31, 8, 48, ...Array.from({ length: 60 }, (_, i) => (7 * i) % 50)];
        const plain = found(createRanking({ ...room, kernel: null }, 0), listed, centres, clusters);
        for (const thread of [2, 0]) {
          expect(found(createRanking(room, thread), listed, centres, clusters)).toEqual(plain);
          expect(found(createRanking(room, thread), [3], centres, clusters)).toHaveLength(1);
        }
      }
    }
  });

  it("keeps the first of equally near centres, and what overflows out of the ranking", () => {
    const room = rankedRows(designOf([[1], [1e200]], 1), 4, 1);
    const centres = Float64Array.of(5, 1, 1, 1e200);
    const ranked = found(createRanking(room, 0), [0, 1], centres, 4);
    expect(ranked).toEqual(found(createRanking({ ...room, kernel: null }, 0), [0, 1], centres, 4));
    expect(ranked[0]).toEqual([1, 0.5, 0.5]);
  });

  it("leaves threads their own places", () => {
    const room = rankedRows(designOf([[1], [9]], 1), 2, 2);
    const first = createRanking(room, 0);
    const other = createRanking(room, 1);
    const before = found(first, [0, 1], Float64Array.of(0, 10), 2);
    found(other, [0, 1], Float64Array.of(10, 0), 2);
    first.rank(2);
    expect(Array.from(first.nearest.subarray(0, 2))).toEqual(before.map(([nearest]) => nearest));
    expect(Array.from(other.nearest.subarray(0, 2))).toEqual([1, 0]);
  });

  it("keeps the same bounds in vector registers, and lists the same rows by them", () => {
    const [nRows, nDense] = [301, 3];
    for (const clusters of [1, 2, 9, 40]) {
      const rng = createRng(clusters);
      const cells = Array.from({ length: nRows }, () => Array.from({ length: nDense }, () => rng.integer(6)));
      const room = rankedRows(designOf(cells, nDense), clusters, 2);
      const own = { assignment: room.assignment.slice(), upper: room.upper.slice(), slack: room.slack.slice() };
      const rooms = [room, { ...room, ...own, kernel: null }];
      const centres = Float64Array.from({ length: clusters * nDense }, () => 6 * rng.next());
      const drift = createDrift(clusters);
      for (let step = 0; step < 4; ++step) {
        const before = centres.slice();
        const measures = { centres: before, halves: halfLengths(before, clusters), error: 1e-13, drift };
        const seen = rooms.map((one) => {
          const ranking = createRanking(one, 1);
          ranking.aim(measures);
          if (step === 0) ranking.listed.forEach((_, i) => (ranking.listed[i] = i));
          const count = step === 0 ? nRows : ranking.listLoose(1, nRows);
          const listed = Array.from(ranking.listed.subarray(0, count));
          ranking.rank(count);
          const moved = Array.from(ranking.moved.subarray(0, ranking.bound(count)));
          for (const i of moved) one.assignment[listed[i]!] = ranking.nearest[i]!;
          return { listed, moved, upper: one.upper.slice(), slack: one.slack.slice() };
        });
        expect(seen[0]).toEqual(seen[1]);
        if (clusters === 9 && step > 0) expect(seen[0]!.listed.length % nRows).toBeGreaterThan(0);
        for (let i = 0; i < centres.length; ++i) centres[i]! += 0.1 * rng.next();
        addMoves(drift, before, centres, nRows);
      }
    }
  });

  it("ranks without a kernel where columns are sparse", () => {
    expect(rankedRows(designOf([[1, 2]], 1), 1, 1).kernel).toBeNull();
  });
});
