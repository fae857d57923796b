import type { ChunkLoss } from "../linear/losses.ts";

/** The square of 1 - side * score where that is above 0; the target's values are sides, -1 or 1. */
export const squaredHingeLoss: ChunkLoss = (target, start, count, scores) => {
  const { values, weights } = target;
  let loss = 0;
  for (let r = 0; r < count; ++r) {
    const weight = weights === null ? 1 : weights[start + r]!;
    const side = values[start + r]!;
    const short = Math.max(0, 1 - side * scores[r]!);
    loss += weight * short * short;
    scores[r] = -2 * weight * side * short;
  }
  return loss;
};

/** The square of what a residual exceeds `epsilon` by. */
export function squaredTubeLoss(epsilon: number): ChunkLoss {
  return (target, start, count, scores) => {
    const { values, weights } = target;
    let loss = 0;
    for (let r = 0; r < count; ++r) {
      const weight = weights === null ? 1 : weights[start + r]!;
      const residual = scores[r]! - values[start + r]!;
      const outside = Math.max(0, Math.abs(residual) - epsilon);
      loss += weight * outside * outside;
      scores[r] = 2 * weight * (residual < 0 ? -outside : outside);
    }
    return loss;
  };
}
