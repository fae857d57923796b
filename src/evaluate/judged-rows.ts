import { type RowGroups, rowsByGroup } from "../metrics/row-groups.ts";
import type { Target } from "../model/estimator.ts";
import type { Predictions, Task } from "../model/model.ts";

/** Truth and predictions of some rows in the form the metrics take. */
export interface JudgedRows {
  readonly task: Task;
  readonly nRows: number;
  readonly nLabels: number;
  /** Value or label position. */
  readonly truth: Float64Array;
  /** The value (regression), the score (ranking), the probability of labels[1] (binary), probabilities row-major (multiclass). */
  readonly values: Float64Array;
  /** The answered label of each row; null where there are no labels. */
  readonly answered: Int32Array | null;
  readonly weights: Float64Array | null;
  /** Ranking: the rows of each group. Else null. */
  readonly groups: RowGroups | null;
}

/**
 * Lays truth and predictions side by side. Binary rows are answered labels[1] from `threshold` upward; with a null
 * threshold, and for more labels, the predictions' own label counts, else the likeliest (the first of several).
 */
export function judgedRows(task: Task, target: Target, predictions: Predictions, threshold: number | null): JudgedRows {
  const { nRows, width } = predictions;
  const binary = task === "binary" && width === 2;
  const values = binary ? secondOfPairs(predictions.values, nRows) : predictions.values;
  let answered: Int32Array | null = null;
  if (task === "binary" && threshold !== null) answered = answersFrom(values, threshold);
  else if (task === "binary" || task === "multiclass") answered = predictions.labelIndex ?? likeliest(predictions);
  const groups = target.groups ? rowsByGroup(target.groups) : null;
  return {
    task,
    nRows,
    nLabels: target.nLabels,
    truth: target.values,
    values,
    answered,
    weights: target.weights,
    groups,
  };
}

/** The rows at `rows`, in that order. */
export function takeJudged(judged: JudgedRows, rows: Uint32Array): JudgedRows {
  const width = judged.task === "multiclass" ? judged.nLabels : 1;
  const values = new Float64Array(rows.length * width);
  for (let i = 0; i < rows.length; ++i)
    for (let k = 0; k < width; ++k) values[i * width + k] = judged.values[rows[i]! * width + k]!;
  return {
    ...judged,
    nRows: rows.length,
    truth: Float64Array.from(rows, (row) => judged.truth[row]!),
    values,
    answered: judged.answered && Int32Array.from(rows, (row) => judged.answered![row]!),
    weights: judged.weights && Float64Array.from(rows, (row) => judged.weights![row]!),
    groups: judged.groups && groupsAmong(judged.groups, rows),
  };
}

/** The groups that have some of the rows. */
function groupsAmong({ order, starts }: RowGroups, rows: Uint32Array): RowGroups {
  const groupOf = new Uint32Array(order.length);
  for (let g = 0; g + 1 < starts.length; ++g) for (let i = starts[g]!; i < starts[g + 1]!; ++i) groupOf[order[i]!] = g;
  const numbers = new Map<number, number>();
  return rowsByGroup(
    rows.map((row) => {
      const group = groupOf[row]!;
      const number = numbers.get(group) ?? numbers.size;
      numbers.set(group, number);
      return number;
    }),
  );
}

function secondOfPairs(values: Float64Array, nRows: number): Float64Array {
  const second = new Float64Array(nRows);
  for (let i = 0; i < nRows; ++i) second[i] = values[2 * i + 1]!;
  return second;
}

function answersFrom(probabilities: Float64Array, threshold: number): Int32Array {
  const answered = new Int32Array(probabilities.length);
  for (let i = 0; i < answered.length; ++i) answered[i] = probabilities[i]! >= threshold ? 1 : 0;
  return answered;
}

function likeliest({ nRows, width, values }: Predictions): Int32Array {
  const answered = new Int32Array(nRows);
  for (let i = 0; i < nRows; ++i) {
    let best = 0;
    for (let k = 1; k < width; ++k) if (values[i * width + k]! > values[i * width + best]!) best = k;
    answered[i] = best;
  }
  return answered;
}
