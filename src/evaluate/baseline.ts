import { sum, weightedMean } from "../math/sums.ts";
import type { Target } from "../model/estimator.ts";
import type { Predictions, Task } from "../model/model.ts";

/** The simplest comparator: one answer for every row. `output` is what each row gets: the mean, or each label's share. */
export interface Baseline {
  readonly task: Task;
  readonly output: Float64Array;
}

/** Mean of the target (regression), no order (ranking) or shares of the labels (classification), weighted; nothing without a target. */
export function fitBaseline(task: Task, target: Target): Baseline {
  if (task === "clustering" || task === "anomaly") return { task, output: new Float64Array(0) };
  // Equal scores are judged by their expected order: the mean over all orders.
  if (task === "ranking") return { task, output: new Float64Array(1) };
  if (task === "regression") return { task, output: Float64Array.of(weightedMean(target.values, target.weights)) };
  const output = new Float64Array(target.nLabels);
  for (let i = 0; i < target.values.length; ++i)
    output[target.values[i]!]! += target.weights === null ? 1 : target.weights[i]!;
  const total = sum(output);
  for (let k = 0; k < output.length; ++k) output[k] = output[k]! / total;
  return { task, output };
}

/** The baseline's predictions for `nRows` rows; the commonest label is the answered one. */
export function baselinePredictions(baseline: Baseline, nRows: number): Predictions {
  const { task, output } = baseline;
  const width = output.length;
  const values = new Float64Array(nRows * width);
  for (let i = 0; i < nRows; ++i) values.set(output, i * width);
  if (task !== "binary" && task !== "multiclass") return { nRows, width, values, labelIndex: null };
  const commonest = output.indexOf(output.reduce((a, b) => (b > a ? b : a), -Infinity));
  return { nRows, width, values, labelIndex: new Int32Array(nRows).fill(commonest) };
}
