import type { Target } from "../../model/estimator.ts";
import type { NetworkTarget } from "./loss.ts";

/** Numbers are learned as (value - mean) / deviation; labels as they are. */
export interface TargetScale {
  readonly mean: number;
  readonly deviation: number;
}

/** The weighted mean and deviation of a target of numbers; 1 where all are alike. */
export function scaleOf({ task, values, weights }: Target): TargetScale {
  if (task !== "regression") return { mean: 0, deviation: 1 };
  let total = 0;
  let sum = 0;
  for (let row = 0; row < values.length; ++row) {
    const weight = weights === null ? 1 : weights[row]!;
    total += weight;
    sum += weight * values[row]!;
  }
  const mean = sum / total;
  let squares = 0;
  for (let row = 0; row < values.length; ++row)
    squares += (weights === null ? 1 : weights[row]!) * (values[row]! - mean) * (values[row]! - mean);
  const deviation = Math.sqrt(squares / total);
  return { mean, deviation: deviation > 0 ? deviation : 1 };
}

/** The target as the loss reads it: scaled, with weights of mean 1. */
export function scaled({ task, values, weights }: Target, { mean, deviation }: TargetScale): NetworkTarget {
  let total = 0;
  for (const weight of weights ?? []) total += weight;
  const n = values.length;
  return {
    task: task === "regression" || task === "binary" ? task : "multiclass",
    values: task === "regression" ? values.map((value) => (value - mean) / deviation) : values,
    weights: weights === null ? null : weights.map((weight) => (total > 0 ? (weight * n) / total : 0)),
  };
}
