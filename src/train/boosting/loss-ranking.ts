import { log, log1p } from "../../math/elementary.ts";
import { createPairKernel, type PairKernel } from "./kernels/pairs.ts";
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
  readonly #kernel: PairKernel | null;
  /** Those the kernel has a copy of. */
  #discounts: Float64Array | null = null;

  /** With a kernel where there are vector instructions, but for `kernel` null. */
  constructor(largest: number, kernel: PairKernel | null = createPairKernel(largest)) {
    const numbers = (): Float64Array => new Float64Array(largest);
    const { scores, gains, gradients, hessians } = kernel ?? {
      scores: numbers(),
      gains: numbers(),
      gradients: numbers(),
      hessians: numbers(),
    };
    this.scores = scores;
    this.gains = gains;
    this.gradients = gradients;
    this.hessians = hessians;
    this.#kernel = kernel;
  }

  /** Adds all pairs to the gradients and hessians of the first `size` rows and gives the sum of their sizes. */
  addPairs(size: number, weights: PairWeights): number {
    const { discounts, truncation, inverseIdeal } = weights;
    const last = Math.min(size - 1, truncation);
    if (this.#kernel === null || last < 1) return addPairs(this, size, last, weights);
    if (this.#discounts !== discounts) this.#kernel.discounts.set(discounts);
    this.#discounts = discounts;
    return this.#kernel.add(size, last, inverseIdeal, isSpread(this, size) ? leastDifference : 1);
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
  const { gradients, hessians } = scratch;
  gradients.fill(0, 0, size);
  hessians.fill(0, 0, size);
  if (weights.inverseIdeal === 0) return;
  const sum = scratch.addPairs(size, weights);
  if (!(sum > 0)) return;
  const factor = log1p(sum) / (log(2) * sum);
  for (let i = 0; i < size; ++i) {
    gradients[i]! *= factor;
    hessians[i]! *= factor;
  }
}

/** Added to what differences of scores are divided by. */
const leastDifference = 0.01;

function isSpread({ scores }: GroupScratch, size: number): boolean {
  return scores[0] !== scores[size - 1];
}

/** The kernel's naive twin. */
function addPairs(scratch: GroupScratch, size: number, last: number, weights: PairWeights): number {
  const { scores, gains, gradients, hessians } = scratch;
  const { discounts, inverseIdeal } = weights;
  const table = sigmoidTable();
  const least = isSpread(scratch, size) ? leastDifference : null;
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
      if (least !== null) lost /= least + difference;
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
  return sum;
}
