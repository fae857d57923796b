import type { Target } from "../../model/estimator.ts";

const mostIterations = 1000;
const tolerance = 1e-7;
/** No member's probability counts as less, so that one wrong certainty does not decide alone. */
const leastProbability = 1e-6;

/**
 * Weights of members, at least 0 and 1 in sum, whose weighted answers lose least: squared error for numbers, log loss for
 * labels. Both are convex; equal weights are the start, and members that add nothing end at (nearly) 0.
 */
export function blendWeights(answers: readonly Float64Array[], target: Target, outputs: number): Float64Array {
  return target.task === "regression" ? simplexLeastSquares(answers, target) : mixtureWeights(answers, target, outputs);
}

/**
 * Expectation-maximisation for the shares of a mixture (Dempster, Laird and Rubin 1977): each weight becomes the mean share
 * that its member has in the probability of what came. The log loss never rises.
 */
function mixtureWeights(
  answers: readonly Float64Array[],
  { values, weights: rowWeights }: Target,
  outputs: number,
): Float64Array {
  const likelihoods = answers.map((own) =>
    values.map((label, row) => {
      const p = outputs > 1 ? own[row * outputs + label]! : label === 1 ? own[row]! : 1 - own[row]!;
      return Math.max(leastProbability, p);
    }),
  );
  const weights = new Float64Array(answers.length).fill(1 / answers.length);
  for (let iteration = 0; iteration < mostIterations; ++iteration) {
    const next = new Float64Array(weights.length);
    let total = 0;
    for (let row = 0; row < values.length; ++row) {
      const rowWeight = rowWeights === null ? 1 : rowWeights[row]!;
      let sum = 0;
      for (let m = 0; m < weights.length; ++m) sum += weights[m]! * likelihoods[m]![row]!;
      for (let m = 0; m < weights.length; ++m) next[m]! += (rowWeight * weights[m]! * likelihoods[m]![row]!) / sum;
      total += rowWeight;
    }
    let change = 0;
    for (let m = 0; m < weights.length; ++m) {
      change = Math.max(change, Math.abs(next[m]! / total - weights[m]!));
      weights[m] = next[m]! / total;
    }
    if (change < tolerance) break;
  }
  return weights;
}

/** Least squares over the simplex by projected gradients; the products of answers are formed once. */
function simplexLeastSquares(answers: readonly Float64Array[], { values, weights: rowWeights }: Target): Float64Array {
  const n = answers.length;
  // Of residuals, so that sums of squares do not drown in the targets' mean: weights that sum to 1 leave it out.
  const residuals = answers.map((own) => own.map((answer, row) => answer - values[row]!));
  const gram = residuals.map((a) => residuals.map((b) => weightedProduct(a, b, rowWeights)));
  const scale = gram.reduce((sum, row, m) => sum + row[m]!, 0);
  let weights = new Float64Array(n).fill(1 / n);
  for (let iteration = 0; iteration < mostIterations && scale > 0; ++iteration) {
    const moved = weights.map((weight, m) => {
      let slope = 0;
      for (let j = 0; j < n; ++j) slope += gram[m]![j]! * weights[j]!;
      return weight - slope / scale;
    });
    const next = onSimplex(moved);
    const change = Math.max(...next.map((weight, m) => Math.abs(weight - weights[m]!)));
    weights = next;
    if (change < tolerance) break;
  }
  return weights;
}

function weightedProduct(a: Float64Array, b: Float64Array, weights: Float64Array | null): number {
  let sum = 0;
  for (let row = 0; row < a.length; ++row) sum += (weights === null ? 1 : weights[row]!) * a[row]! * b[row]!;
  return sum;
}

/** The nearest point whose members are at least 0 and sum to 1 (Held, Wolfe and Crowder 1974). */
function onSimplex(point: Float64Array): Float64Array<ArrayBuffer> {
  const sorted = Float64Array.from(point).sort().reverse();
  let sum = 0;
  let shift = 0;
  for (let i = 0; i < sorted.length; ++i) {
    sum += sorted[i]!;
    const candidate = (sum - 1) / (i + 1);
    if (sorted[i]! > candidate) shift = candidate;
  }
  return Float64Array.from(point, (value) => Math.max(0, value - shift));
}
