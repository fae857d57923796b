import { fourScores, scoreOf } from "./nearest.ts";
import { candidatesFor, leftAt, placesOf, side } from "./places.ts";
import type { RankingPlan, RankingRoom } from "./ranking.ts";
import { instantiateRanking } from "./ranking-kernel.ts";

/** Measures rows by points that may become centres. */
export interface Candidates {
  /** Takes as many points as there are halves. */
  aim(points: Float64Array, halves: Float64Array): void;
  /**
   * Writes of the rows from `from` to before `to`, at least one, and of each point, what the squared distance from the nearest
   * centre would be were it one: at `leftAt`. What stands there beyond the points means nothing.
   */
  measure(from: number, to: number): void;
}

/** Where bounds will stand, `upper`, must be the squared distance of every row from the nearest centre so far. */
export function createCandidates(room: RankingRoom, thread: number): Candidates {
  return room.kernel === null ? plainCandidates(room) : kernelCandidates(room.kernel, thread);
}

/** The naive twin, with the same bits. */
function plainCandidates({ rows, norms, left, upper: nearest }: RankingRoom): Candidates {
  let [points, halves] = [left, left];
  const four = new Float64Array(side);
  const measureRow = (row: number, first: number): void => {
    const nColumns = points.length / halves.length;
    const count = Math.min(side, halves.length - first);
    if (count === side) fourScores(rows, row, points, halves, first, four);
    else
      for (let i = 0; i < count; ++i) four[i] = scoreOf(rows, row, points, (first + i) * nColumns, halves[first + i]!);
    for (let i = 0; i < count; ++i) {
      const distance = Math.max(0, norms[row]! - 2 * four[i]!);
      left[leftAt(norms.length, row, first + i)] = distance < nearest[row]! ? distance : nearest[row]!;
    }
  };
  return {
    aim: (...aimed) => {
      [points, halves] = aimed;
    },
    measure: (from, to) => {
      for (let row = from; row < to; ++row)
        for (let first = 0; first < halves.length; first += side) measureRow(row, first);
    },
  };
}

function kernelCandidates({ memory, module, shape }: RankingPlan, thread: number): Candidates {
  const kernels = instantiateRanking(module, memory);
  const place = placesOf(shape, thread);
  const { nRows, nDense } = shape;
  const wide = side * (nDense + 1);
  const cells = new Float64Array(memory.buffer, place.points, (wide * candidatesFor(shape.clusters)) / side);
  let nPoints = 0;
  return {
    aim: (points, halves) => {
      nPoints = halves.length;
      cells.fill(0);
      for (let i = 0; i < nPoints; ++i) {
        const at = Math.floor(i / side) * wide + (i % side);
        cells[at] = -halves[i]!;
        for (let j = 0; j < nDense; ++j) cells[at + side * (j + 1)] = points[i * nDense + j]!;
      }
    },
    measure: (from, to) => {
      const [start, end] = [from, to].map((row) => row * nDense * 8) as [number, number];
      const [norms, nearest] = [place.norms + from * 8, place.upper + from * 8];
      for (let first = 0; first < nPoints; first += side) {
        const four = place.points + (first / side) * wide * 8;
        kernels.four(start, end, four, place.left + leftAt(nRows, from, first) * 8, norms, nearest);
      }
    },
  };
}
