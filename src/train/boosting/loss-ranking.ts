import { log, log1p } from "../../math/elementary.ts";
import { nearestInteger } from "./rounding.ts";
import { sigmoidTable, tableLast, tableReach, tableSteps } from "./sigmoid-table.ts";

/** What the pairs of one group are weighed by. */
export interface PairWeights {
  /** Of every place there is: 1 / log2(place + 2). */
  readonly discounts: Float64Array;
  /** Pairs count of which a row stands among so many first places. */
  readonly truncation: number;
  /** One over the largest discounted gain of the group's first `truncation` places; 0 where no row is relevant. */
  readonly inverseIdeal: number;
}

/** Room for the rows of one group, in the order of their scores. */
export class GroupScratch {
  readonly scores: Float64Array;
  readonly gains: Float64Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;

  constructor(largest: number) {
    this.scores = new Float64Array(largest);
    this.gains = new Float64Array(largest);
    this.gradients = new Float64Array(largest);
    this.hessians = new Float64Array(largest);
  }
}

/**
 * LambdaMART (Burges 2010): of each pair of rows of different relevance the logistic loss of their scores' difference,
 * weighted by how much of NDCG is lost where they change places. As in LightGBM that weight is divided by 0.01 + |difference| where scores
 * differ at all, and the gradients of a group whose sum of sizes is s are multiplied by log2(1 + s) / s, so that
 * groups of many pairs do not outvote the others.
 *
 * The `size` rows stand in `scratch` in descending order of score; their gradients and hessians are overwritten.
 */
export function lambdasOfGroup(scratch: GroupScratch, size: number, weights: PairWeights): void {
  const { scores, gains, gradients, hessians } = scratch;
  const { discounts, truncation, inverseIdeal } = weights;
  const table = sigmoidTable();
  gradients.fill(0, 0, size);
  hessians.fill(0, 0, size);
  if (inverseIdeal === 0) return;
  const isSpread = scores[0] !== scores[size - 1];
  const last = Math.min(size - 1, truncation);
  let sum = 0;
  for (let i = 0; i < last; ++i) {
    const score = scores[i]!;
    const own = gains[i]!;
    const discount = discounts[i]!;
    let gradient = gradients[i]!;
    let hessian = hessians[i]!;
    for (let j = i + 1; j < size; ++j) {
      const gap = own - gains[j]!;
      if (gap === 0) continue;
      // Scores descend: the difference is that of the better placed row.
      const difference = score - scores[j]!;
      const isRight = gap > 0;
      let lost = (isRight ? gap : -gap) * (discount - discounts[j]!) * inverseIdeal;
      if (isSpread) lost /= 0.01 + difference;
      // The sigmoid of minus the difference, or of it, from its table as for logistic loss.
      let position = ((isRight ? -difference : difference) + tableReach) * tableSteps;
      if (position < 0) position = 0;
      else if (position > tableLast) position = tableLast;
      const entry = nearestInteger(position - 0.5);
      const low = table[entry]!;
      const wrong = low + (position - entry) * (table[entry + 1]! - low);
      const lambda = lost * wrong;
      const curvature = lambda * (1 - wrong);
      const push = isRight ? -lambda : lambda;
      gradient += push;
      gradients[j]! -= push;
      hessian += curvature;
      hessians[j]! += curvature;
      sum += 2 * lambda;
    }
    gradients[i] = gradient;
    hessians[i] = hessian;
  }
  if (!(sum > 0)) return;
  const factor = log1p(sum) / (log(2) * sum);
  for (let i = 0; i < size; ++i) {
    gradients[i]! *= factor;
    hessians[i]! *= factor;
  }
}
