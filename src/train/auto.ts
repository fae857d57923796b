import type { Clock } from "../core/clock.ts";
import type { Progress } from "../core/progress.ts";
import type { Rng } from "../core/rng.ts";
import type { EstimatorChoice, HyperparameterValues, TuningPlan } from "../model/estimator.ts";
import type { Task } from "../model/model.ts";
import { hyperparametersOf } from "./implementations.ts";
import { dimensionsOf, drawSetting } from "./space.ts";
import { runTrials } from "./trials.ts";
import type { Trial } from "./trials.ts";

/** Penalties of the linear candidates after the default, nearest first. */
const penalties = [0.1, 10, 0.01, 100];
const fewestClusters = 2;
const mostClusters = 10;

/**
 * What auto() tries, in order: for a target linear and boosting as they are, then boosting with hyperparameters drawn from
 * its declared ranges, with a linear candidate of another penalty before every second of them; without a target kmeans
 * with 2 to 10 clusters. `count` is the most candidates; the first is cheap, as it always runs.
 */
export function autoCandidates(task: Task, count: number, rng: Rng): readonly EstimatorChoice[] {
  if (task === "clustering") {
    return Array.from({ length: mostClusters - fewestClusters + 1 }, (_, i) =>
      plain("kmeans", { clusters: fewestClusters + i }),
    ).slice(0, count);
  }
  const dimensions = dimensionsOf(hyperparametersOf("boosting"), {}, {});
  const candidates = [plain("linear", {}), plain("boosting", {})];
  for (let i = 0; candidates.length < count; ++i) {
    const l2 = i % 2 === 0 ? penalties[i / 2] : undefined;
    if (l2 !== undefined) candidates.push(plain("linear", { l2 }));
    candidates.push(plain("boosting", drawSetting(dimensions, {}, rng)));
  }
  return candidates.slice(0, count);
}

/** Scores the candidates of auto() over the plan's folds within its budget and gives the best, ready to be fitted. */
export async function chooseEstimator(args: {
  readonly task: Task;
  readonly plan: TuningPlan;
  readonly rng: Rng;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** The score of a candidate on a fold, higher is better. */
  score(candidate: EstimatorChoice, fold: number, rng: Rng): Promise<number>;
}): Promise<{ readonly best: EstimatorChoice; readonly trials: readonly Trial<EstimatorChoice>[] }> {
  const settings = autoCandidates(args.task, args.plan.trials, args.rng.fork("candidates"));
  return runTrials({ ...args, settings, folds: args.plan.folds, budgetMs: args.plan.budgetMs });
}

function plain(estimator: string, hyperparameters: HyperparameterValues): EstimatorChoice {
  return Object.freeze({ estimator, hyperparameters: Object.freeze({ ...hyperparameters }), tuning: null });
}
