import { dcgOf, gains, ndcgPlaces, placeDiscounts } from "../../metrics/ndcg.ts";
import { meanWeight, sortByScore } from "../../metrics/row-groups.ts";
import type { Team } from "../../threads/team.ts";
import type { Scales } from "./loss.ts";
import { GroupScratch, lambdasOfGroup } from "./loss-ranking.ts";
import type { RankedRows } from "./ranked-rows.ts";
import type { RowSet } from "./view.ts";

/** Gradients and losses of the loss lambdarank: one thread's part of the groups, each a whole one. */
export class Ranker {
  readonly #team: Pick<Team, "thread" | "threads">;
  readonly #truncation: number;
  readonly #discounts: Float64Array;
  readonly #watched: Float64Array = placeDiscounts(ndcgPlaces);
  readonly #scratch: GroupScratch;

  /** `largest` is how many rows the largest group that is learned from has. */
  constructor(largest: number, truncation: number, team: Pick<Team, "thread" | "threads">) {
    this.#team = team;
    this.#truncation = truncation;
    this.#discounts = placeDiscounts(largest);
    this.#scratch = new GroupScratch(largest);
  }

  /** Writes gradient and hessian of the rows of this thread's groups into `lambdas`, times weight; returns the largest of each. */
  writeLambdas(
    { values, scores, weights }: RowSet,
    { order, starts, inverseIdeal }: RankedRows,
    lambdas: Float64Array,
  ): Scales {
    const scratch = this.#scratch;
    const [discounts, truncation] = [this.#discounts, this.#truncation];
    let [largestGradient, largestHessian] = [0, 0];
    const [first, end] = this.#groupsOf(starts);
    for (let g = first; g < end; ++g) {
      const [from, to] = [starts[g]!, starts[g + 1]!];
      sortByScore(order, from, to, scores);
      for (let i = from; i < to; ++i) {
        const row = order[i]!;
        scratch.scores[i - from] = scores[row]!;
        scratch.gains[i - from] = gains[values[row]!]!;
      }
      lambdasOfGroup(scratch, to - from, { discounts, truncation, inverseIdeal: inverseIdeal[g]! });
      for (let i = from; i < to; ++i) {
        const row = order[i]!;
        const weight = weights === null ? 1 : weights[row]!;
        const gradient = weight * scratch.gradients[i - from]!;
        const hessian = weight * scratch.hessians[i - from]!;
        lambdas[2 * row] = gradient;
        lambdas[2 * row + 1] = hessian;
        largestGradient = Math.max(largestGradient, Math.abs(gradient));
        largestHessian = Math.max(largestHessian, hessian);
      }
    }
    return { gradient: largestGradient, hessian: largestHessian };
  }

  /** Writes what each of this thread's groups lacks to an NDCG of 1, times the mean weight of its rows; 0 where no row is relevant. */
  writeLosses({ values, scores, weights }: RowSet, { order, starts, ideal, losses }: RankedRows): void {
    const discounts = this.#watched;
    const [first, end] = this.#groupsOf(starts);
    for (let g = first; g < end; ++g) {
      const [from, to] = [starts[g]!, starts[g + 1]!];
      losses[g] = 0;
      if (ideal[g] === 0) continue;
      sortByScore(order, from, to, scores);
      const weight = weights === null ? 1 : meanWeight(order, from, to, weights);
      losses[g] = weight * (1 - dcgOf(order, from, to, scores, values, discounts) / ideal[g]!);
    }
  }

  /** Groups in turn of about as many rows a thread: those that start in its part of all rows. */
  #groupsOf(starts: Uint32Array): readonly [first: number, end: number] {
    const { thread, threads } = this.#team;
    const nRows = starts[starts.length - 1]!;
    return [firstFrom(starts, (nRows * thread) / threads), firstFrom(starts, (nRows * (thread + 1)) / threads)];
  }
}

/** The first group that starts at `position` or later. */
function firstFrom(starts: Uint32Array, position: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
