import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { createRng } from "../../core/rng.ts";
import { halfLengths } from "./nearest.ts";
import { createRanking, rankedRows, type Ranking } from "./ranking.ts";

/** What a ranking finds of listed rows: for each its nearest centre and both scores. */
function found(ranking: Ranking, listed: readonly number[], centres: Float64Array, clusters: number): number[][] {
  ranking.aim(centres, halfLengths(centres, clusters));
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
        const { rows: points, kernel } = rankedRows(designOf(rows, nDense), clusters, 3);
        expect(kernel).not.toBeNull();
        const centres = Float64Array.from(numbersOf(clusters * nDense, 1000 + clusters));
        const listed = [49, 0, 0, 7, 31, 8, 48, ...Array.from({ length: 60 }, (_, i) => (7 * i) % 50)];
        const plain = found(createRanking(points, null, 0), listed, centres, clusters);
        for (const thread of [2, 0]) {
          expect(found(createRanking(points, kernel, thread), listed, centres, clusters)).toEqual(plain);
          expect(found(createRanking(points, kernel, thread), [3], centres, clusters)).toHaveLength(1);
        }
      }
    }
  });

  it("keeps the first of equally near centres, and what overflows out of the ranking", () => {
    const { rows, kernel } = rankedRows(designOf([[1], [1e200]], 1), 4, 1);
    const centres = Float64Array.of(5, 1, 1, 1e200);
    const ranked = found(createRanking(rows, kernel, 0), [0, 1], centres, 4);
    expect(ranked).toEqual(found(createRanking(rows, null, 0), [0, 1], centres, 4));
    expect(ranked[0]).toEqual([1, 0.5, 0.5]);
  });

  it("leaves threads their own places", () => {
    const { rows, kernel } = rankedRows(designOf([[1], [9]], 1), 2, 2);
    const first = createRanking(rows, kernel, 0);
    const other = createRanking(rows, kernel, 1);
    const before = found(first, [0, 1], Float64Array.of(0, 10), 2);
    found(other, [0, 1], Float64Array.of(10, 0), 2);
    first.rank(2);
    expect(Array.from(first.nearest.subarray(0, 2))).toEqual(before.map(([nearest]) => nearest));
    expect(Array.from(other.nearest.subarray(0, 2))).toEqual([1, 0]);
  });

  it("ranks without a kernel where columns are sparse", () => {
    expect(rankedRows(designOf([[1, 2]], 1), 1, 1).kernel).toBeNull();
  });
});
