import { argsort } from "../math/sort.ts";
import { accuracy } from "../metrics/accuracy.ts";
import { aucOfOrder } from "../metrics/auc.ts";
import { averagePrecisionOfOrder } from "../metrics/average-precision.ts";
import { brier } from "../metrics/brier.ts";
import { ece, multiclassEce } from "../metrics/ece.ts";
import { f1, macroF1, precision, recall } from "../metrics/f1.ts";
import { logLoss, multiclassLogLoss } from "../metrics/log-loss.ts";
import { mae } from "../metrics/mae.ts";
import { mape } from "../metrics/mape.ts";
import type { Metric, MetricOf } from "../metrics/metric-names.ts";
import { metricsOf } from "../metrics/metric-names.ts";
import { averagePrecisionOfGroups, reciprocalRankOfGroups } from "../metrics/first-relevant.ts";
import { ndcgOfGroups } from "../metrics/ndcg.ts";
import { meanOfGroups, type RowGroups, weightsOfGroups } from "../metrics/row-groups.ts";
import { r2 } from "../metrics/r2.ts";
import { rmse } from "../metrics/rmse.ts";
import { topK } from "../metrics/top-k.ts";
import { within10 } from "../metrics/within10.ts";
import type { JudgedRows } from "./judged-rows.ts";

/** Metric values by name; null where a metric does not exist on these rows (AUC with one label, anything on no rows). */
export type MetricValues = Readonly<Record<string, number | null>>;

/** Measures any metric of one set of rows, many times with other weights: the order of the scores is found once. */
export type Measurer = (metric: Metric["any"], weights: Float64Array | null) => number;

/** Every metric of the task but those without a truth: of clusters, which need points, and of anomaly scores, which need a second fit. */
export function measureAll(judged: JudgedRows): MetricValues {
  const measure = measurerOf(judged);
  return Object.fromEntries(
    metricsOf(judged.task).map((metric) => [metric, finiteOrNull(measure(metric, judged.weights))]),
  );
}

/** JSON has no NaN. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

export function measurerOf(judged: JudgedRows): Measurer {
  switch (judged.task) {
    case "regression":
      return (metric, weights) => measureRegression(metric as MetricOf<"regression">, judged, weights);
    case "binary": {
      let order: Uint32Array | undefined;
      const orderOfScores = (): Uint32Array => (order ??= argsort(judged.values));
      return (metric, weights) => measureBinary(metric as MetricOf<"binary">, judged, weights, orderOfScores);
    }
    case "multiclass":
      return (metric, weights) => measureMulticlass(metric as MetricOf<"multiclass">, judged, weights);
    case "ranking":
      return (metric, weights) => measureRanking(metric as MetricOf<"ranking">, judged, weights);
    case "clustering":
    case "anomaly":
      return () => NaN;
  }
}

function measureRegression(metric: MetricOf<"regression">, judged: JudgedRows, weights: Float64Array | null): number {
  const { truth, values } = judged;
  switch (metric) {
    case "r2":
      return r2(truth, values, weights);
    case "rmse":
      return rmse(truth, values, weights);
    case "mae":
      return mae(truth, values, weights);
    case "mape":
      return mape(truth, values, weights);
    case "within10":
      return within10(truth, values, weights);
    default:
      return unknownMetric(metric);
  }
}

function measureBinary(
  metric: MetricOf<"binary">,
  judged: JudgedRows,
  weights: Float64Array | null,
  order: () => Uint32Array,
): number {
  const { truth, values } = judged;
  const answered = judged.answered!;
  // scikit-learn reports 0 on no rows for the metrics of counts; here nothing exists on no rows
  if (judged.nRows === 0) return NaN;
  switch (metric) {
    case "auc":
      return aucOfOrder(truth, values, order(), weights);
    case "averagePrecision":
      return averagePrecisionOfOrder(truth, values, order(), weights);
    case "logLoss":
      return logLoss(truth, values, weights);
    case "brier":
      return brier(truth, values, weights);
    case "ece":
      return ece(truth, values, weights);
    case "accuracy":
      return accuracy(truth, answered, weights);
    case "f1":
      return f1(truth, answered, weights);
    case "precision":
      return precision(truth, answered, weights);
    case "recall":
      return recall(truth, answered, weights);
    default:
      return unknownMetric(metric);
  }
}

function measureMulticlass(metric: MetricOf<"multiclass">, judged: JudgedRows, weights: Float64Array | null): number {
  const { truth, values, nLabels } = judged;
  const answered = judged.answered!;
  switch (metric) {
    case "accuracy":
      return accuracy(truth, answered, weights);
    case "macroF1":
      return macroF1(truth, answered, nLabels, weights);
    case "topK":
      return topK(truth, values, nLabels, 3, weights);
    case "logLoss":
      return multiclassLogLoss(truth, values, nLabels, weights);
    case "ece":
      return multiclassEce(truth, values, nLabels, weights);
    default:
      return unknownMetric(metric);
  }
}

function measureRanking(metric: MetricOf<"ranking">, judged: JudgedRows, weights: Float64Array | null): number {
  const { groups } = judged;
  if (groups === null) return NaN;
  return meanOfGroups(measureGroups(metric, judged, groups), weightsOfGroups(groups, weights));
}

/** The metric of each group by itself; NaN where it does not exist. */
export function measureGroups(
  metric: MetricOf<"ranking">,
  { truth, values }: JudgedRows,
  groups: RowGroups,
): Float64Array {
  return rankingMetrics[metric](truth, values, groups);
}

const rankingMetrics = { ndcg: ndcgOfGroups, map: averagePrecisionOfGroups, mrr: reciprocalRankOfGroups } as const;

/** A metric of another task has no value here; the compiler sees to it that every metric of this one has. */
function unknownMetric(_metric: never): number {
  return NaN;
}
