import { MillraceError } from "../core/errors/error.ts";
import { silhouette } from "../metrics/silhouette.ts";
import { type Metric, metricDirection } from "../metrics/metric-names.ts";
import type { Target } from "../model/estimator.ts";
import type { Model, Predictions, Task } from "../model/model.ts";
import type { ClusterSample } from "./cluster-sample.ts";
import { judgedRows } from "./judged-rows.ts";
import { measurerOf } from "./measure.ts";

/** What a fold says of a trial: the metric looked at, and a score of which more is better. */
export interface SelectionScore {
  readonly metric: Metric["any"];
  readonly score: number;
}

/**
 * Scores predictions for choosing hyperparameters: log loss of classes, RMSE of values (both negated), NDCG of
 * rankings, silhouette of clusters. These reward every improvement, where AUC or accuracy stand still. Clustering needs `clusters`.
 */
export function scoreForSelection(args: {
  readonly task: Task;
  readonly labels: Model["labels"];
  readonly target: Target;
  readonly predictions: Predictions;
  readonly clusters?: ClusterSample;
}): SelectionScore {
  if (args.task === "clustering") return scoreClusters(args.clusters);
  if (args.task === "anomaly") {
    const actual = "anomaly scores, which have no truth";
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "tune()",
      rule: "needs a target to score trials by",
      actual,
    });
  }
  const metric = args.task === "regression" ? "rmse" : args.task === "ranking" ? "ndcg" : "logLoss";
  const judged = judgedRows(args.task, args.target, args.predictions, null);
  const value = measurerOf(judged)(metric, judged.weights);
  return { metric, score: metricDirection[metric] === "higher" ? value : -value };
}

function scoreClusters(clusters: ClusterSample | undefined): SelectionScore {
  if (clusters === undefined) {
    throw new MillraceError("DEFINITION_INVALID", {
      subject: "tune()",
      rule: "needs a target, or the points of clusters, to score trials by",
      actual: "a clustering task without points",
    });
  }
  return { metric: "silhouette", score: silhouette(clusters.points, clusters.nColumns, clusters.assigned) };
}
