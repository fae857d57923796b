import { exp, log, log1p } from "../../math/elementary.ts";
import type { VectorKernels } from "./kernels/kernels.ts";
import { type KernelShape, packed } from "./kernels/shape.ts";
import { regressionLoss } from "./loss-regression.ts";
import { isOfNumbers, type LossPlan, lossChunk } from "./plan.ts";
import { ditherStep, nearestInteger } from "./rounding.ts";
import { sigmoidTable, tableLast, tableReach, tableSteps } from "./sigmoid-table.ts";
import type { RowSet } from "./view.ts";

/**
 * Gradients and hessians are quantised to whole multiples of 1/scale, a power of two. Sums of whole numbers are exact
 * in any order, which is what makes a model the same bits for any number of threads.
 */
export interface Scales {
  readonly gradient: number;
  readonly hessian: number;
}

/** The largest power of two with largest * scale <= limit; 1 where everything is 0. */
export function powerOfTwoScale(largest: number, limit: number): number {
  if (!(largest > 0)) return 1;
  let scale = 1;
  while (largest * scale > limit) scale /= 2;
  while (largest * scale * 2 <= limit) scale *= 2;
  return scale;
}

/** The largest whole gradient and hessian a row may have, so that no sum over all rows can overflow its bits. */
export function quantumLimits(nRows: number, { countShift, isPacked }: KernelShape): Scales {
  if (isPacked) return { gradient: packed.largestGradient, hessian: packed.largestHessian };
  return {
    gradient: Math.min(2 ** 30, Math.floor(2 ** 51 / nRows)),
    hessian: Math.min(2 ** 30, Math.floor(2 ** Math.min(countShift, 51) / nRows) - 1),
  };
}

/** Where gradients go: word `at` of a row's record, `step` words from one record to the next. */
export interface GradientTarget {
  readonly words: Int32Array;
  readonly at: number;
  readonly step: number;
}

/** Logistic: g = p - y, h = p (1 - p), times weight. */
export function writeLogistic(set: RowSet, from: number, to: number, out: GradientTarget, scales: Scales): void {
  const { scores, labels, weights } = set;
  const { words, at, step } = out;
  const table = sigmoidTable();
  for (let row = from, cell = at + from * step; row < to; ++row, cell += step) {
    const p = tabledSigmoid(table, scores[row]!);
    const weight = weights === null ? 1 : weights[row]!;
    words[cell] = nearestInteger((p - labels[row]!) * weight * scales.gradient);
    words[cell + 1] = nearestInteger(p * (1 - p) * weight * scales.hessian);
  }
}

/** The same of rows of weight 1 in packed records, rounded as `logisticKernel` does; `dither` is that of row `from`. */
export function writePackedLogistic(
  { scores, labels }: RowSet,
  from: number,
  to: number,
  { words, at, step }: GradientTarget,
  scales: Scales,
  dither: number,
): void {
  const table = sigmoidTable();
  for (let row = from, cell = at + from * step, own = dither; row < to; ++row, cell += step) {
    const p = tabledSigmoid(table, scores[row]!);
    const shift = own * 2 ** -32;
    const gradient = nearestInteger((p - labels[row]!) * scales.gradient + shift);
    const hessian = nearestInteger(p * (1 - p) * scales.hessian - shift);
    words[cell] = (gradient << 16) | hessian;
    own = (own + ditherStep) | 0;
  }
}

/** Interpolated from the table. */
function tabledSigmoid(table: Float64Array, score: number): number {
  let position = (score + tableReach) * tableSteps;
  if (position < 0) position = 0;
  else if (position > tableLast) position = tableLast;
  const entry = nearestInteger(position - 0.5);
  const low = table[entry]!;
  return low + (position - entry) * (table[entry + 1]! - low);
}

/** Squared: g = score - y, h = 1, times weight. */
export function writeSquared(set: RowSet, from: number, to: number, out: GradientTarget, scales: Scales): void {
  const { scores, values, weights } = set;
  const { words, at, step } = out;
  for (let row = from, cell = at + from * step; row < to; ++row, cell += step) {
    const weight = weights === null ? 1 : weights[row]!;
    words[cell] = Math.floor((scores[row]! - values[row]!) * weight * scales.gradient + 0.5);
    words[cell + 1] = Math.floor(weight * scales.hessian + 0.5);
  }
}

/** The largest |gradient| of squared loss, to choose the scale: residuals shrink from round to round. */
export function largestResidual(set: RowSet, from: number, to: number): number {
  const { scores, values, weights } = set;
  let largest = 0;
  for (let row = from; row < to; ++row) {
    const gradient = Math.abs(scores[row]! - values[row]!) * (weights === null ? 1 : weights[row]!);
    if (gradient > largest) largest = gradient;
  }
  return largest;
}

/** log(sum of exp(score)) of each row, once a round: all trees of a round see the scores before it. */
export function writeNormaliser(set: RowSet, from: number, to: number, outputs: number, out: Float64Array): void {
  for (let row = from; row < to; ++row) out[row] = logSumExp(set.scores, row * outputs, outputs);
}

function logSumExp(scores: Float64Array, at: number, count: number): number {
  let largest = scores[at]!;
  for (let k = 1; k < count; ++k) if (scores[at + k]! > largest) largest = scores[at + k]!;
  let total = 0;
  for (let k = 0; k < count; ++k) total += exp(scores[at + k]! - largest);
  return largest + log(total);
}

/** Softmax of label k: g = p - [y = k], h = p (1 - p), times weight. */
export function writeSoftmax(
  set: RowSet,
  from: number,
  to: number,
  out: GradientTarget,
  scales: Scales,
  label: { readonly k: number; readonly outputs: number; readonly normaliser: Float64Array },
): void {
  const { scores, labels, weights } = set;
  const { words, at, step } = out;
  const { k, outputs, normaliser } = label;
  for (let row = from, cell = at + from * step; row < to; ++row, cell += step) {
    const raw = exp(scores[row * outputs + k]! - normaliser[row]!);
    const p = raw > 1 ? 1 : raw;
    const weight = weights === null ? 1 : weights[row]!;
    words[cell] = Math.floor((p - (labels[row] === k ? 1 : 0)) * weight * scales.gradient + 0.5);
    words[cell + 1] = Math.floor(p * (1 - p) * weight * scales.hessian + 0.5);
  }
}

/** Gradients and hessians found before. */
export function writeFound(found: Float64Array, from: number, to: number, out: GradientTarget, scales: Scales): void {
  const { words, at, step } = out;
  for (let row = from, cell = at + from * step; row < to; ++row, cell += step) {
    words[cell] = Math.floor(found[2 * row]! * scales.gradient + 0.5);
    words[cell + 1] = Math.floor(found[2 * row + 1]! * scales.hessian + 0.5);
  }
}

/** Sums the logistic losses of rows `from` to `to`, all of weight 1. */
export type LogisticSum = (from: number, to: number) => number;

/**
 * Sums the weighted losses of chunks `fromChunk` to `toChunk` of `lossChunk` rows each into out[chunk]. `logisticSum`: what
 * does the same as `sumLogistic` in less time.
 */
export function sumLosses(
  plan: LossPlan,
  set: RowSet,
  outputs: number,
  fromChunk: number,
  toChunk: number,
  out: Float64Array,
  logisticSum: LogisticSum = (from, to) => sumLogistic(set, from, to),
): void {
  const isPlainLogistic = plan.loss === "logistic" && set.weights === null;
  for (let chunk = fromChunk; chunk < toChunk; ++chunk) {
    const to = Math.min(set.nRows, (chunk + 1) * lossChunk);
    if (isPlainLogistic) {
      out[chunk] = logisticSum(chunk * lossChunk, to);
      continue;
    }
    let total = 0;
    for (let row = chunk * lossChunk; row < to; ++row) {
      total += lossOfRow(plan, set, outputs, row) * (set.weights === null ? 1 : set.weights[row]!);
    }
    out[chunk] = total;
  }
}

/** Factors of at most 2 whose product cannot overflow. */
const factorsAtOnce = 512;

/** As `sumLogistic` of a set's rows, by the kernel; `product` is a number in its memory. */
export function logisticSumOf({ scores, labels }: RowSet, kernels: VectorKernels, product: Float64Array): LogisticSum {
  return (from, to) => {
    let total = 0;
    for (let start = from; start < to; start += factorsAtOnce) {
      const end = Math.min(to, start + factorsAtOnce);
      const [at, labelsAt] = [scores.byteOffset, labels.byteOffset + start * 4];
      total = kernels.sumLogistic(at + start * 8, at + end * 8, labelsAt, total, product.byteOffset);
      total += log(product[0]!);
    }
    return total;
  };
}

/** Sum of log(1 + exp(-margin)) over rows of weight 1, with one logarithm, of a product, for many rows. */
function sumLogistic({ scores, labels }: RowSet, from: number, to: number): number {
  let total = 0;
  for (let start = from; start < to; start += factorsAtOnce) {
    const end = Math.min(to, start + factorsAtOnce);
    let product = 1;
    for (let row = start; row < end; ++row) {
      const margin = labels[row] === 1 ? -scores[row]! : scores[row]!;
      if (margin > 0) total += margin;
      product *= 1 + exp(-Math.abs(margin));
    }
    total += log(product);
  }
  return total;
}

function lossOfRow(plan: LossPlan, set: RowSet, outputs: number, row: number): number {
  if (isOfNumbers(plan.loss)) return regressionLoss(plan, set.scores[row]!, set.values[row]!);
  if (plan.loss === "softmax") {
    return logSumExp(set.scores, row * outputs, outputs) - set.scores[row * outputs + set.labels[row]!]!;
  }
  const margin = set.labels[row] === 1 ? -set.scores[row]! : set.scores[row]!;
  return (margin > 0 ? margin : 0) + log1p(exp(-Math.abs(margin)));
}
