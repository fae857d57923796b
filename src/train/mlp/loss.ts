import { exp, log, log1p, sigmoid } from "../../math/elementary.ts";
import type { Network } from "./network.ts";

/** What is to be met, as the loss reads it: numbers scaled to mean 0 and deviation 1, or labels; weights of mean 1. */
export interface NetworkTarget {
  readonly task: "regression" | "binary" | "multiclass";
  readonly values: Float64Array;
  readonly weights: Float64Array | null;
}

/**
 * Sum of weight * loss over rows order[start] to order[end - 1] after a forward pass; the slopes of the last layer become its
 * gradient by each score divided by `divisor`. Losses: half the squared residual, logistic, softmax.
 */
export function addLoss(
  { cells, layout }: Network,
  { task, values, weights }: NetworkTarget,
  order: Uint32Array,
  { start, end, divisor }: { readonly start: number; readonly end: number; readonly divisor: number },
): number {
  const { outputs, slopes, units, paddedUnits } = layout.layers.at(-1)!;
  let total = 0;
  for (let position = start; position < end; ++position) {
    const row = order[position]!;
    const weight = weights === null ? 1 : weights[row]!;
    const shift = (position - start) * paddedUnits;
    const from = outputs + shift;
    const to = slopes + shift;
    const value = values[row]!;
    if (task === "multiclass") {
      total += weight * softmaxLoss(cells, { from, to, units, label: value, factor: weight / divisor });
      continue;
    }
    const score = cells[from]!;
    if (task === "regression") {
      cells[to] = ((score - value) * weight) / divisor;
      total += (weight * (score - value) * (score - value)) / 2;
    } else {
      cells[to] = ((sigmoid(score) - value) * weight) / divisor;
      total += weight * (log1p(exp(-Math.abs(score))) + Math.max(score, 0) - score * value);
    }
  }
  return total;
}

interface SoftmaxPlace {
  readonly from: number;
  readonly to: number;
  readonly units: number;
  readonly label: number;
  readonly factor: number;
}

function softmaxLoss(cells: Float32Array, { from, to, units, label, factor }: SoftmaxPlace): number {
  let largest = -Infinity;
  for (let k = 0; k < units; ++k) largest = Math.max(largest, cells[from + k]!);
  let total = 0;
  for (let k = 0; k < units; ++k) total += exp(cells[from + k]! - largest);
  for (let k = 0; k < units; ++k)
    cells[to + k] = (exp(cells[from + k]! - largest) / total - (k === label ? 1 : 0)) * factor;
  return log(total) + largest - cells[from + label]!;
}
