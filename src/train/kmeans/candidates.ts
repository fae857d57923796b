import { fourScores, type PointRows, scoreOf } from "./nearest.ts";
import type { RankingPlan } from "./ranking.ts";
import { instantiateRanking, placesOf, scoredAtOnce } from "./ranking-kernel.ts";

/** Scores rows that follow each other with points that may become centres. */
export interface Candidates {
  /** Of the rows scored last: four scores a row, in the order of the points. */
  readonly scores: Float64Array;
  /** Takes the points from number `first` on, four of them, or that one alone. */
  aim(points: Float64Array, halves: Float64Array, first: number, count: 1 | 4): void;
  /** Scores up to `scoredAtOnce` rows, at least one. */
  score(from: number, to: number): void;
}

export function createCandidates(rows: PointRows, kernel: RankingPlan | null, thread: number): Candidates {
  return kernel === null ? plainCandidates(rows) : kernelCandidates(kernel, thread);
}

/** The naive twin, with the same bits. */
function plainCandidates(rows: PointRows): Candidates {
  const scores = new Float64Array(4 * scoredAtOnce);
  let aimed: Parameters<Candidates["aim"]> = [scores, scores, 0, 1];
  return {
    scores,
    aim: (...points) => {
      aimed = points;
    },
    score: (from, to) => {
      const [points, halves, first, count] = aimed;
      const begin = (first * points.length) / halves.length;
      for (let row = from, at = 0; row < to; ++row, at += 4) {
        if (count === 1) scores[at] = scoreOf(rows, row, points, begin, halves[first]!);
        else fourScores(rows, row, points, halves, first, scores, at);
      }
    },
  };
}

function kernelCandidates({ memory, module, shape }: RankingPlan, thread: number): Candidates {
  const kernels = instantiateRanking(module, memory);
  const { four, scores } = placesOf(shape, thread);
  const { nDense } = shape;
  const cells = new Float64Array(memory.buffer, four, 4 * (nDense + 1));
  return {
    scores: new Float64Array(memory.buffer, scores, 4 * scoredAtOnce),
    aim: (points, halves, first, count) => {
      cells.fill(0);
      for (let i = 0; i < count; ++i) {
        cells[i] = -halves[first + i]!;
        for (let j = 0; j < nDense; ++j) cells[4 * (j + 1) + i] = points[(first + i) * nDense + j]!;
      }
    },
    score: (from, to) => kernels.four(from * nDense * 8, to * nDense * 8, four, scores),
  };
}
