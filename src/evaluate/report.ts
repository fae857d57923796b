import { adjustedRand } from "../metrics/adjusted-rand.ts";
import type { CalibrationBin } from "../metrics/calibration-bins.ts";
import { calibrationBins } from "../metrics/calibration-bins.ts";
import { confusion } from "../metrics/confusion.ts";
import { daviesBouldin } from "../metrics/davies-bouldin.ts";
import { confidenceOf } from "../metrics/ece.ts";
import { rankCorrelation } from "../metrics/rank-correlation.ts";
import { silhouette } from "../metrics/silhouette.ts";
import type { Target } from "../model/estimator.ts";
import type { Model, Predictions, Task } from "../model/model.ts";
import type { ClusterSample } from "./cluster-sample.ts";
import type { JudgedRows } from "./judged-rows.ts";
import { judgedRows, takeJudged } from "./judged-rows.ts";
import type { MetricValues } from "./measure.ts";
import { finiteOrNull, measureAll } from "./measure.ts";

/** Rows that share a level of a column. `rows` are positions among the rows evaluated. */
export interface Slice {
  /** For people: "region=north". */
  readonly name: string;
  readonly column: string;
  readonly rows: Uint32Array;
}

export interface SliceReport {
  readonly name: string;
  readonly column: string;
  readonly nRows: number;
  readonly metrics: MetricValues;
}

/** How good a model is on one split, as plain JSON. */
export interface EvaluationReport {
  readonly task: Task;
  readonly labels: Model["labels"];
  readonly split: "test";
  readonly nRows: number;
  readonly metrics: MetricValues;
  /** The same metrics of the simplest comparator; empty without a target. */
  readonly baseline: MetricValues;
  readonly threshold: number | null;
  /** Binary: of the probability of labels[1]. Multiclass: of the likeliest label's probability. Else null. */
  readonly calibration: readonly CalibrationBin[] | null;
  /** Classification: number of rows by [true label][answered label], unweighted. Else null. */
  readonly confusion: readonly (readonly number[])[] | null;
  readonly slices: readonly SliceReport[];
}

/**
 * Measures predictions on rows the model never learned from, beside the baseline's. Target, predictions and baseline
 * hold the same rows in the same order. Clustering is measured on `clusters`, anomaly
 * scores beside those `again` of a second fit from another seed; without them their metrics are null.
 */
export function evaluate(args: {
  readonly task: Task;
  readonly labels: Model["labels"];
  readonly target: Target;
  readonly predictions: Predictions;
  readonly threshold: number | null;
  readonly baseline: Predictions;
  readonly slices?: readonly Slice[];
  readonly clusters?: ClusterSample;
  readonly again?: Predictions;
}): EvaluationReport {
  const { task, labels, target, predictions, threshold } = args;
  const judged = judgedRows(task, target, predictions, threshold);
  const common = { task, labels, split: "test" as const, nRows: predictions.nRows };
  const bare = { baseline: {}, threshold: null, calibration: null, confusion: null, slices: [] };
  if (task === "clustering")
    return { ...common, ...bare, metrics: args.clusters ? measureClusters(args.clusters) : measureAll(judged) };
  if (task === "anomaly") {
    const stability = args.again ? finiteOrNull(rankCorrelation(predictions.values, args.again.values)) : null;
    return { ...common, ...bare, metrics: { stability } };
  }
  return {
    ...common,
    metrics: measureAll(judged),
    baseline: measureAll(judgedRows(task, target, args.baseline, null)),
    threshold,
    calibration: calibrationOf(judged),
    confusion: confusionOf(judged),
    slices: (args.slices ?? []).map(({ name, column, rows }) => ({
      name,
      column,
      nRows: rows.length,
      metrics: measureAll(takeJudged(judged, rows)),
    })),
  };
}

function measureClusters({ points, nColumns, assigned, again }: ClusterSample): MetricValues {
  return {
    silhouette: finiteOrNull(silhouette(points, nColumns, assigned)),
    daviesBouldin: finiteOrNull(daviesBouldin(points, nColumns, assigned)),
    stability: again ? finiteOrNull(adjustedRand(assigned, again)) : null,
  };
}

function calibrationOf(judged: JudgedRows): CalibrationBin[] | null {
  if (judged.task === "binary") return calibrationBins(judged.truth, judged.values, 10, judged.weights);
  if (judged.task !== "multiclass") return null;
  const { hits, confidence } = confidenceOf(judged.truth, judged.values, judged.nLabels);
  return calibrationBins(hits, confidence, 10, judged.weights);
}

function confusionOf(judged: JudgedRows): number[][] | null {
  if (judged.answered === null) return null;
  const k = judged.nLabels;
  const counts = confusion(judged.truth, judged.answered, k);
  return Array.from({ length: k }, (_, truth) => [...counts.subarray(truth * k, (truth + 1) * k)]);
}
