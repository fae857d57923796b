/** The metrics each task reports. An interface looked up by property, so that compiler messages list the names. */
export interface MetricsByTask {
  regression: "r2" | "within10" | "rmse" | "mae" | "mape";
  binary: "accuracy" | "auc" | "averagePrecision" | "f1" | "precision" | "recall" | "logLoss" | "brier" | "ece";
  multiclass: "accuracy" | "macroF1" | "topK" | "logLoss" | "ece";
  ranking: "ndcg" | "map" | "mrr";
  clustering: "silhouette" | "stability" | "daviesBouldin";
  anomaly: "stability";
}

/** What is to be learned; the same names as Task in the model room, which stands on this floor. */
type TaskName = keyof MetricsByTask;

/** The metrics of one task. */
export type MetricOf<T extends TaskName> = MetricsByTask[T];

/** `any`: every metric name. A property rather than an alias, for the same messages. */
export interface Metric {
  any: MetricsByTask[TaskName];
}

/** Metrics of which less is better. */
export type Lower = "rmse" | "mae" | "mape" | "logLoss" | "brier" | "ece" | "daviesBouldin";

/** Which way is better. */
export const metricDirection: { readonly [M in Metric["any"]]: M extends Lower ? "lower" : "higher" } = Object.freeze({
  r2: "higher",
  within10: "higher",
  rmse: "lower",
  mae: "lower",
  mape: "lower",
  accuracy: "higher",
  auc: "higher",
  averagePrecision: "higher",
  f1: "higher",
  precision: "higher",
  recall: "higher",
  logLoss: "lower",
  brier: "lower",
  ece: "lower",
  macroF1: "higher",
  topK: "higher",
  ndcg: "higher",
  map: "higher",
  mrr: "higher",
  silhouette: "higher",
  stability: "higher",
  daviesBouldin: "lower",
});

const namesByTask: { readonly [T in TaskName]: readonly MetricsByTask[T][] } = Object.freeze({
  regression: Object.freeze(["r2", "rmse", "mae", "mape", "within10"] as const),
  binary: Object.freeze([
    "auc",
    "averagePrecision",
    "logLoss",
    "brier",
    "ece",
    "accuracy",
    "f1",
    "precision",
    "recall",
  ] as const),
  multiclass: Object.freeze(["accuracy", "macroF1", "topK", "logLoss", "ece"] as const),
  ranking: Object.freeze(["ndcg", "map", "mrr"] as const),
  clustering: Object.freeze(["silhouette", "daviesBouldin", "stability"] as const),
  anomaly: Object.freeze(["stability"] as const),
});

/** The names of a task's metrics, in the order reports show them. */
export function metricsOf<T extends TaskName>(task: T): readonly MetricsByTask[T][] {
  return namesByTask[task];
}
