import type { Clock } from "../core/clock.ts";
import type { Progress } from "../core/progress.ts";
import type { Rng } from "../core/rng.ts";
import type { HyperparameterTable, HyperparameterValues, TuningPlan } from "../model/estimator.ts";
import { resolveHyperparameters } from "./hyperparameters.ts";
import { dimensionsOf, drawSetting, gridOf, moveInto } from "./space.ts";
import { runTrials } from "./trials.ts";
import type { Trial } from "./trials.ts";

export interface TuningReport {
  readonly best: HyperparameterValues;
  /** In the order they ran; the first is the estimator as given. */
  readonly trials: readonly TrialReport[];
}

export interface TrialReport {
  readonly hyperparameters: HyperparameterValues;
  /** One a fold, higher is better; fewer than the folds where the trial was abandoned. */
  readonly scores: readonly number[];
  readonly mean: number;
  readonly isAbandoned: boolean;
}

/**
 * Searches hyperparameters by cross-validation. Trial 0 is the estimator as given, moved into the space where it lies
 * outside; the others are drawn at random or walk the grid. Every trial gets the same rng for the same fold, so that
 * trials differ by their hyperparameters alone. Which trials are abandoned early is told at runTrials().
 */
export async function tuneHyperparameters(args: {
  readonly plan: TuningPlan;
  readonly table: HyperparameterTable;
  /** What the definition fixed; searched all the same if the plan's space names it. */
  readonly fixed: HyperparameterValues;
  readonly rng: Rng;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** The score of a fold, higher is better. */
  score(hyperparameters: HyperparameterValues, fold: number, rng: Rng): Promise<number>;
}): Promise<TuningReport> {
  const settings = settingsOf(args.plan, args.table, args.fixed, args.rng.fork("settings"));
  const report = await runTrials({ ...args, settings, folds: args.plan.folds, budgetMs: args.plan.budgetMs });
  return { best: report.best, trials: report.trials.map(toReport) };
}

function toReport(trial: Trial<HyperparameterValues>): TrialReport {
  const { setting: hyperparameters, scores, mean, isAbandoned } = trial;
  return { hyperparameters, scores, mean, isAbandoned };
}

/** The settings to try, in order and without repetition. */
function settingsOf(
  plan: TuningPlan,
  table: HyperparameterTable,
  fixed: HyperparameterValues,
  rng: Rng,
): readonly HyperparameterValues[] {
  const base = resolveHyperparameters({ name: "tune", hyperparameters: table }, fixed);
  const dimensions = dimensionsOf(table, plan.space, fixed);
  const settings = new Map<string, HyperparameterValues>();
  const add = (setting: HyperparameterValues): void => {
    const key = JSON.stringify(setting);
    if (!settings.has(key)) settings.set(key, setting);
  };
  add(moveInto(dimensions, base));
  if (plan.strategy === "grid") for (const point of gridOf(dimensions, base)) add(point);
  // A small space may hold fewer settings than trials: stop drawing when new ones hardly turn up.
  else
    for (let i = 0; i < plan.trials * 10 && settings.size < plan.trials; ++i) add(drawSetting(dimensions, base, rng));
  return Array.from(settings.values()).slice(0, plan.trials);
}
