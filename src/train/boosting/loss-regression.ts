import { exp } from "../../math/elementary.ts";
import type { GradientTarget, Scales } from "./loss.ts";
import type { LossPlan } from "./plan.ts";
import type { RowSet } from "./view.ts";

/**
 * Losses of numbers whose residuals count linearly, r = score - y: absolute |r|; quantile q: (1 - q) r above y, -q r
 * below; huber: r^2 / 2 up to delta, delta (|r| - delta / 2) beyond. Their gradients lie between two bounds, the hessian
 * is 1 (leaves take the best step of the loss itself, see renewal.ts).
 */
interface ResidualBounds {
  readonly low: number;
  readonly high: number;
  /** 1: the residual itself between the bounds (huber); else a step from `low` to `high` at 0. */
  readonly isLinear: boolean;
}

/** The bounds of a loss's gradient, or null where it has none. */
export function residualBounds({ loss, parameter }: LossPlan): ResidualBounds | null {
  if (loss === "absolute") return { low: -1, high: 1, isLinear: false };
  if (loss === "quantile") return { low: -parameter, high: 1 - parameter, isLinear: false };
  return loss === "huber" ? { low: -parameter, high: parameter, isLinear: true } : null;
}

/** Gradients of absolute, quantile and huber loss, times weight. */
export function writeBounded(
  set: RowSet,
  from: number,
  to: number,
  out: GradientTarget,
  scales: Scales,
  { low, high, isLinear }: ResidualBounds,
): void {
  const { scores, values, weights } = set;
  const { words, at, step } = out;
  for (let row = from, cell = at + from * step; row < to; ++row, cell += step) {
    const weight = weights === null ? 1 : weights[row]!;
    const residual = scores[row]! - values[row]!;
    const gradient = isLinear ? Math.max(low, Math.min(high, residual)) : residual > 0 ? high : residual < 0 ? low : 0;
    words[cell] = Math.floor(gradient * weight * scales.gradient + 0.5);
    words[cell + 1] = Math.floor(weight * scales.hessian + 0.5);
  }
}

/** out[0] = exp(score), the mean; out[1] = exp((1 - power) score). */
export function tweedieFactors(score: number, power: number, out: Float64Array): void {
  out[0] = exp(score);
  out[1] = power === 1 ? 1 : exp((1 - power) * score);
}

/**
 * Tweedie deviance of power p with a log link, by the score s: -y exp((1 - p) s) / (1 - p) + exp((2 - p) s) / (2 - p).
 * Gradient exp((1 - p) s) (exp(s) - y), hessian exp((1 - p) s) ((2 - p) exp(s) + (p - 1) y). Poisson is p = 1.
 */
export function writeTweedie(
  set: RowSet,
  from: number,
  to: number,
  out: GradientTarget,
  scales: Scales,
  power: number,
): void {
  const { scores, values, weights } = set;
  const { words, at, step } = out;
  const factors = new Float64Array(2);
  for (let row = from, cell = at + from * step; row < to; ++row, cell += step) {
    const weight = weights === null ? 1 : weights[row]!;
    tweedieFactors(scores[row]!, power, factors);
    const scaled = weight * factors[1]!;
    const mean = factors[0]!;
    words[cell] = Math.floor(scaled * (mean - values[row]!) * scales.gradient + 0.5);
    words[cell + 1] = Math.floor(scaled * ((2 - power) * mean + (power - 1) * values[row]!) * scales.hessian + 0.5);
  }
}

/** The largest |gradient| and hessian of tweedie loss, to choose the scales. */
export function largestTweedie(
  set: RowSet,
  from: number,
  to: number,
  power: number,
): { readonly gradient: number; readonly hessian: number } {
  const { scores, values, weights } = set;
  const factors = new Float64Array(2);
  let gradient = 0;
  let hessian = 0;
  for (let row = from; row < to; ++row) {
    tweedieFactors(scores[row]!, power, factors);
    const scaled = (weights === null ? 1 : weights[row]!) * factors[1]!;
    const mean = factors[0]!;
    gradient = Math.max(gradient, scaled * Math.abs(mean - values[row]!));
    hessian = Math.max(hessian, scaled * ((2 - power) * mean + (power - 1) * values[row]!));
  }
  return { gradient, hessian };
}

/** The loss of one row; absolute, quantile, huber, poisson and tweedie. */
export function regressionLoss({ loss, parameter }: LossPlan, score: number, y: number): number {
  const residual = score - y;
  switch (loss) {
    case "absolute":
      return Math.abs(residual);
    case "quantile":
      return residual > 0 ? (1 - parameter) * residual : -parameter * residual;
    case "huber": {
      const size = Math.abs(residual);
      return size <= parameter ? (size * size) / 2 : parameter * (size - parameter / 2);
    }
    case "poisson":
      return exp(score) - y * score;
    case "tweedie":
      return exp((2 - parameter) * score) / (2 - parameter) - (y * exp((1 - parameter) * score)) / (1 - parameter);
    case "squared":
    case "logistic":
    case "softmax":
    case "lambdarank":
      return residual * residual;
  }
}
