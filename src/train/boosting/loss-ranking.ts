import { sigmoid, log1p, log } from "../../math/elementary.ts";
import { gains } from "../../metrics/ndcg.ts";

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
  readonly relevance: Float64Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;

  constructor(largest: number) {
    this.scores = new Float64Array(largest);
    this.relevance = new Float64Array(largest);
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
  const { scores, relevance, gradients, hessians } = scratch;
  const { discounts, truncation, inverseIdeal } = weights;
  gradients.fill(0, 0, size);
  hessians.fill(0, 0, size);
  if (inverseIdeal === 0) return;
  const isSpread = scores[0] !== scores[size - 1];
  const last = Math.min(size - 1, truncation);
  let sum = 0;
  for (let i = 0; i < last; ++i) {
    const [score, own, discount] = [scores[i]!, relevance[i]!, discounts[i]!];
    let [gradient, hessian] = [gradients[i]!, hessians[i]!];
    for (let j = i + 1; j < size; ++j) {
      const other = relevance[j]!;
      if (other === own) continue;
      // Scores descend: the difference is that of the better placed row.
      const difference = score - scores[j]!;
      const isRight = own > other;
      let lost = Math.abs(gains[own]! - gains[other]!) * (discount - discounts[j]!) * inverseIdeal;
      if (isSpread) lost /= 0.01 + difference;
      const wrong = sigmoid(isRight ? -difference : difference);
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
