import { exp, log, log1p, softmaxInPlace } from "../../math/elementary.ts";
import type { Target } from "../../model/estimator.ts";

/**
 * The loss of a chunk of rows. `scores` holds one run of `stride` numbers an output; in their place it leaves weight times
 * the derivative of the loss by the score. Gives the weighted sum of the losses.
 */
export type ChunkLoss = (target: Target, start: number, count: number, scores: Float64Array, stride: number) => number;

/** Half the squared residual. */
export const squaredLoss: ChunkLoss = (target, start, count, scores) => {
  const { values, weights } = target;
  let loss = 0;
  for (let r = 0; r < count; ++r) {
    const weight = weights === null ? 1 : weights[start + r]!;
    const residual = scores[r]! - values[start + r]!;
    loss += weight * residual * residual;
    scores[r] = weight * residual;
  }
  return loss / 2;
};

/** Half the squared residual up to `delta`, beyond it delta * (|residual| - delta / 2). */
export function huberLoss(delta: number): ChunkLoss {
  return (target, start, count, scores) => {
    const { values, weights } = target;
    let loss = 0;
    for (let r = 0; r < count; ++r) {
      const weight = weights === null ? 1 : weights[start + r]!;
      const residual = scores[r]! - values[start + r]!;
      const size = Math.abs(residual);
      loss += weight * (size <= delta ? (size * size) / 2 : delta * (size - delta / 2));
      scores[r] = weight * Math.max(-delta, Math.min(delta, residual));
    }
    return loss;
  };
}

/** exp(score) - value * score: Poisson deviance with a log link, halved, without what no score changes. */
export const poissonLoss: ChunkLoss = (target, start, count, scores) => {
  const { values, weights } = target;
  let loss = 0;
  for (let r = 0; r < count; ++r) {
    const weight = weights === null ? 1 : weights[start + r]!;
    const mean = exp(scores[r]!);
    loss += weight * (mean - values[start + r]! * scores[r]!);
    scores[r] = weight * (mean - values[start + r]!);
  }
  return loss;
};

/** log(1 + exp(-score)) for label 1, log(1 + exp(score)) for label 0; exp() is only taken of numbers below 0. */
export const logisticLoss: ChunkLoss = (target, start, count, scores) => {
  const { values, weights } = target;
  let loss = 0;
  for (let r = 0; r < count; ++r) {
    const weight = weights === null ? 1 : weights[start + r]!;
    const label = values[start + r]!;
    const score = scores[r]!;
    const small = exp(score > 0 ? -score : score);
    const probability = (score > 0 ? 1 : small) / (1 + small);
    loss += weight * (log1p(small) + (score > 0 ? score : 0) - label * score);
    scores[r] = weight * (probability - label);
  }
  return loss;
};

/**
 * Minus the logarithm of the label's probability under softmax over the outputs. It is taken by way of the likeliest
 * label, whose probability is at least 1 / nLabels, so that no loss is lost to underflow.
 */
export function softmaxLoss(nLabels: number): ChunkLoss {
  const row = new Float64Array(nLabels);
  return (target, start, count, scores, stride) => {
    const { values, weights } = target;
    let loss = 0;
    for (let r = 0; r < count; ++r) {
      const weight = weights === null ? 1 : weights[start + r]!;
      const label = values[start + r]!;
      let likeliest = 0;
      for (let k = 0; k < nLabels; ++k) {
        row[k] = scores[k * stride + r]!;
        if (row[k]! > row[likeliest]!) likeliest = k;
      }
      const behind = row[likeliest]! - row[label]!;
      softmaxInPlace(row, 0, nLabels);
      loss += weight * (behind - log(row[likeliest]!));
      for (let k = 0; k < nLabels; ++k) scores[k * stride + r] = weight * (row[k]! - (k === label ? 1 : 0));
    }
    return loss;
  };
}
