import { MillraceError } from "../core/errors/error.ts";
import type { JsonObject } from "../core/json.ts";
import type { Issue } from "../frame/contract.ts";
import { withExpressions } from "../frame/evaluate.ts";
import type { Frame } from "../frame/frame.ts";
import { frameFromRows } from "../frame/rows.ts";
import { buildDesign } from "./apply.ts";
import type { Design } from "./design.ts";
import type { Model, Predictions } from "./model.ts";
import { outputsOf } from "./score.ts";

/** What came of JSON rows: one prediction a row, and what in the rows breaks the contract. */
export interface RowPredictions {
  /** A value that could not be read counts as missing; whether to use such a prediction is the caller's choice. */
  readonly predictions: Predictions;
  /** The first 1,000 issues. */
  readonly issues: readonly Issue[];
  /** Number of all issues. */
  readonly nIssues: number;
  /** What the rows mean to the model: its inputs, cleaned and made coarser as its training data was. */
  readonly frame: Frame;
}

/** One answer: a number (regression, number of the cluster), or a label with the probability of each. */
export type Answer = number | { readonly label: string | boolean; readonly probabilities: JsonObject };

/**
 * Predicts every row of a frame that holds the model's inputs (other columns are ignored); derived columns are computed
 * here. A row gets the same bits in any batch.
 */
export function predict(model: Model, frame: Frame): Predictions {
  return predictionsOf(model, outputsOf(model.predictor, designFor(model, frame)));
}

/** What the predictor reads of a frame that holds the model's inputs. */
export function designFor({ expressions, features }: Model, frame: Frame): Design {
  return buildDesign(withExpressions(frame, expressions), features);
}

/** Predicts request rows, checked against the contract: issues are data, never exceptions. */
export function predictRows(model: Model, rows: readonly unknown[]): RowPredictions {
  const { frame, issues, nIssues } = frameFromRows(rows, model.contract, model.inputs);
  return { predictions: predict(model, frame), issues, nIssues, frame };
}

/** Predictions from the predictor's outputs, which are kept as they are: what `predict` does after it. */
export function predictionsOf(
  model: Pick<Model, "task" | "threshold" | "predictor">,
  values: Float64Array,
): Predictions {
  const { outputs } = model.predictor;
  if (model.task === "binary") return binaryPredictions(values, model.threshold ?? 0.5);
  const labelIndex = model.task === "multiclass" ? highest(values, outputs) : null;
  return { nRows: values.length / outputs, width: outputs, values, labelIndex };
}

/**
 * JSON answers, one a row; the first is row number `firstRow`. Throws PREDICTION_UNDEFINED where one is no finite number: JSON
 * has none other.
 */
export function answersOf(model: Pick<Model, "labels">, predictions: Predictions, firstRow = 0): Answer[] {
  requireDefined(predictions, firstRow);
  const { nRows, width, values, labelIndex } = predictions;
  if (labelIndex === null) return Array.from(values);
  const names = model.labels.map(String);
  return Array.from({ length: nRows }, (_, row) => ({
    label: model.labels[labelIndex[row]!]!,
    // fromEntries defines members, so that a label such as "__proto__" is one like any other.
    probabilities: Object.fromEntries(names.map((name, k) => [name, values[row * width + k]!])),
  }));
}

/** Throws PREDICTION_UNDEFINED where a prediction is no finite number. */
export function requireDefined({ values, width }: Predictions, firstRow: number): void {
  for (let i = 0; i < values.length; ++i)
    if (!Number.isFinite(values[i]!))
      throw new MillraceError("PREDICTION_UNDEFINED", { row: firstRow + Math.floor(i / width) });
}

function binaryPredictions(positive: Float64Array, threshold: number): Predictions {
  const values = new Float64Array(2 * positive.length);
  const labelIndex = new Int32Array(positive.length);
  for (let row = 0; row < positive.length; ++row) {
    const probability = positive[row]!;
    values[2 * row] = 1 - probability;
    values[2 * row + 1] = probability;
    labelIndex[row] = probability >= threshold ? 1 : 0;
  }
  return { nRows: positive.length, width: 2, values, labelIndex };
}

/** Position of the largest of each row's values, the lowest of equal ones. */
function highest(values: Float64Array, width: number): Int32Array {
  const out = new Int32Array(values.length / width);
  for (let row = 0; row < out.length; ++row) {
    let best = 0;
    for (let k = 1; k < width; ++k) if (values[row * width + k]! > values[row * width + best]!) best = k;
    out[row] = best;
  }
  return out;
}
