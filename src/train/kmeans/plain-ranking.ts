import type { Measures } from "./assign.ts";
import { createDrift, lowerBound, upperBound } from "./bounds.ts";
import { createNearestTwo, nearestTwo } from "./nearest.ts";
import { rankedAtOnce } from "./places.ts";
import type { Ranking, RankingRoom } from "./ranking.ts";

/** The naive twin of the kernels, with the same bits. */
export function plainRanking(room: RankingRoom): Ranking {
  const numbers = (): Float64Array => new Float64Array(rankedAtOnce);
  const integers = (): Uint32Array => new Uint32Array(rankedAtOnce);
  const found = { nearest: numbers(), best: numbers(), second: numbers() };
  const [listed, moved] = [integers(), integers()];
  const two = createNearestTwo();
  let aimed: Measures = { centres: numbers(), halves: numbers(), error: 0, drift: createDrift(0) };
  return {
    ...found,
    listed,
    moved,
    aim: (measures) => {
      aimed = measures;
    },
    listLoose: (from, to) => listLoose(room, from, to, aimed, listed),
    rank: (count) => {
      for (let i = 0; i < count; ++i) {
        nearestTwo(room.rows, listed[i]!, aimed.centres, aimed.halves, two);
        found.nearest[i] = two.nearest;
        found.best[i] = two.best;
        found.second[i] = two.second;
      }
    },
    bound: (count) => {
      let nMoved = 0;
      for (let i = 0; i < count; ++i) {
        const [row, nearest] = [listed[i]!, found.nearest[i]!];
        writeBounds(room, row, nearest, found.best[i]!, found.second[i]!, aimed);
        if (room.assignment[row] !== nearest) moved[nMoved++] = i;
      }
      return nMoved;
    },
  };
}

/**
 * Lists the rows, and says how many, that the bounds do not hold where they are. A row's slack is what its centre and the
 * others may have moved since it was measured; half the distance between centres counts where it is used up alone.
 */
function listLoose(
  { assignment, slack, upper }: RankingRoom, // in
  from: number,
  to: number,
  { drift: { own, both, apart } }: Measures, // in
  listed: Uint32Array, // out
): number {
  let count = 0;
  for (let row = from; row < to; ++row) {
    const centre = assignment[row]!;
    if (both[centre]! < slack[row]! || upper[row]! + own[centre]! < apart[centre]!) continue;
    listed[count++] = row;
  }
  return count;
}

/** What is known of a row's distances from its nearest centre and from all others, from its scores. */
function writeBounds(
  { norms, upper, slack }: RankingRoom,
  row: number,
  nearest: number,
  best: number,
  second: number,
  { error, drift }: Measures,
): void {
  const norm = norms[row]!;
  const most = upperBound(Math.sqrt(Math.max(norm - 2 * best, 0) + error), drift, nearest);
  const least = lowerBound(Math.sqrt(Math.max(norm - 2 * second - error, 0)), drift, nearest);
  upper[row] = most;
  slack[row] = least - most;
}
