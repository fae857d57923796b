import { describe, expect, it } from "vitest";
import { designOf } from "../../../test/support/design-of-rows.ts";
import { createRng } from "../../core/rng.ts";
import { addMoves, createDrift } from "./bounds.ts";
import { halfLengths } from "./nearest.ts";
import { rankedRows, rowPlaces } from "./ranking.fixtures.ts";
import { createRanking, type Ranking, type RankingRoom } from "./ranking.ts";

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

const nRows = 301;

/** What is listed of rows from `first` on, how they are assigned and what is known of their distances while centres move. */
function stepsOf(room: RankingRoom, first: number, clusters: number): unknown[] {
  const end = first + nRows;
  room.assignment.fill(0, first, end);
  for (const numbers of [room.upper, room.slack]) numbers.fill(0, first, end);
  const rng = createRng(clusters);
  const centres = Float64Array.from({ length: clusters * room.rows.nDense }, () => 6 * rng.next());
  const drift = createDrift(clusters);
  const ranking = createRanking(room, 1);
  return [0, 1, 2, 3].map((step) => {
    const before = centres.slice();
    ranking.aim({ centres: before, halves: halfLengths(before, clusters), error: 1e-13, drift });
    if (step === 0) for (let i = 0; i < nRows; ++i) ranking.listed[i] = first + i;
    const count = step === 0 ? nRows : ranking.listLoose(first + 1, end);
    const listed = Array.from(ranking.listed.subarray(0, count));
    if (clusters === 9) expect(count > 0 && (step === 0 || count < nRows - 1)).toBe(true);
    ranking.rank(count);
    const moved = Array.from(ranking.moved.subarray(0, ranking.bound(count)));
    for (const i of moved) room.assignment[listed[i]!] = ranking.nearest[i]!;
    for (let i = 0; i < centres.length; ++i) centres[i]! += 0.1 * rng.next();
    addMoves(drift, before, centres, nRows);
    return { listed, moved, upper: room.upper.slice(first, end), slack: room.slack.slice(first, end) };
  });
}

describe.each(rowPlaces)("createRanking of rows $name", (at) => {
  it("gives the same bits in vector registers as one by one, for any number of centres and columns", () => {
    for (const clusters of [1, 2, 3, 7, 10, 11, 12, 21, 40]) {
      for (const nDense of [1, 2, 5, 8, 33]) {
        const values = numbersOf(50 * nDense, clusters * nDense);
        const rows = Array.from({ length: 50 }, (_, row) => values.slice(row * nDense, (row + 1) * nDense));
        const { first, ...room } = rankedRows(designOf(rows, nDense), clusters, 3, at);
        expect(room.kernel).not.toBeNull();
        const centres = Float64Array.from(numbersOf(clusters * nDense, 1000 + clusters));
        const few = [49, 0, 0, 7, 31, 8, 48, ...Array.from({ length: 60 }, (_, i) => (7 * i) % 50)];
        const listed = few.map((row) => first + row);
        const plain = found(createRanking({ ...room, kernel: null }, 0), listed, centres, clusters);
        for (const thread of [2, 0]) {
          expect(found(createRanking(room, thread), listed, centres, clusters)).toEqual(plain);
          expect(found(createRanking(room, thread), [first + 3], centres, clusters)).toHaveLength(1);
        }
      }
    }
  });

  it("keeps the same bounds in vector registers, and lists the same rows by them", () => {
    for (const nDense of [3, 20])
      for (const clusters of [1, 2, 9, 40]) {
        const rng = createRng(clusters);
        const cells = Array.from({ length: nRows }, () => Array.from({ length: nDense }, () => rng.integer(6)));
        const { first, ...room } = rankedRows(designOf(cells, nDense), clusters, 2, at);
        expect(room.kernel).not.toBeNull();
        expect(stepsOf(room, first, clusters)).toEqual(stepsOf({ ...room, kernel: null }, first, clusters));
      }
  });
});

describe("createRanking", () => {
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

  it("ranks without a kernel where columns are sparse", () => {
    expect(rankedRows(designOf([[1, 2]], 1), 1, 1).kernel).toBeNull();
  });
});
