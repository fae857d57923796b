import { parseDuration } from "../core/duration.ts";
import type { Duration } from "../core/duration.ts";
import { invalidDefinition } from "../frame/definition-fault.ts";
import type { SearchRange, TuningPlan } from "../model/estimator.ts";
import type { Task } from "../model/model.ts";
import { ensembleNames } from "./choice.ts";
import type { Estimator } from "./choice-types.ts";

const autoTasks: { readonly [P in Exclude<Task, "anomaly" | "ranking">]: true } = Object.freeze({
  regression: true,
  binary: true,
  multiclass: true,
  clustering: true,
});

/** What auto() may spend. */
export interface AutoOptions {
  /** No new candidate is started after this; the first always finishes. Default "2m". */
  readonly budget?: Duration;
}

/**
 * Tries several settings of linear and boosting (clustering: of kmeans) by cross-validation and keeps the best.
 * How many it gets through depends on the machine; fix the outcome by naming the winner in the definition.
 */
export function auto(options: AutoOptions = {}): Estimator<Exclude<Task, "anomaly" | "ranking">> {
  const plan: TuningPlan = Object.freeze({
    strategy: "random",
    trials: 24,
    folds: 3,
    budgetMs: budgetOf("auto()", options.budget ?? "2m"),
    space: Object.freeze({}),
  });
  return Object.freeze({ estimator: "auto", tasks: autoTasks, hyperparameters: Object.freeze({}), tuning: plan });
}

/** A range of numbers to search; on the log scale every factor is as likely as another. */
export interface Range {
  readonly low: number;
  readonly high: number;
  readonly scale: "linear" | "log";
}

/** Numbers from `low` to `high`, both included; `scale` is "linear" unless given. Throws DEFINITION_INVALID on an empty range. */
export function between(low: number, high: number, scale: "linear" | "log" = "linear"): Range {
  if (!Number.isFinite(low) || !Number.isFinite(high) || low >= high)
    throw invalidDefinition("between()", "takes two finite numbers, the lower one first", `${low} and ${high}`);
  if (scale === "log" && low <= 0)
    throw invalidDefinition("between()", "on the log scale takes numbers above 0", String(low));
  return Object.freeze({ low, high, scale });
}

/** Which values tune() tries: numbers by a range or a list, choices by a list. */
export type Space<H> = { readonly [K in keyof H]?: H[K] extends number ? Range | readonly number[] : readonly H[K][] };

/** How tune() searches. */
export interface TuneOptions<H> {
  /** Settings to try, the first being the estimator as given; default 20 (grid: the most points allowed, 200). */
  readonly trials?: number;
  /** No new trial is started after this. Left out: no limit. A budget makes the outcome depend on the machine. */
  readonly budget?: Duration;
  /** Cross-validation folds of a trial, 2 to 20; default 3. A column named by `split.folds` decides instead. */
  readonly folds?: number;
  /** Left out: the declared search ranges of the estimator. */
  readonly space?: Space<H>;
  /** "random" (default) draws settings, "grid" tries every combination of the lists in `space`. */
  readonly strategy?: "random" | "grid";
}

/** The same estimator with its hyperparameters searched by cross-validation before it is fitted. */
export function tune<T extends Task, H>(estimator: Estimator<T, H>, options: TuneOptions<H> = {}): Estimator<T, H> {
  if (ensembleNames.includes(estimator.estimator))
    throw invalidDefinition("tune()", "takes an estimator that is no ensemble", `${estimator.estimator}()`);
  if (estimator.from !== undefined)
    throw invalidDefinition(
      "tune()",
      "takes an estimator that begins anew",
      "warmStart(), whose trees have seen rows of every fold",
    );
  if (Object.hasOwn(estimator.tasks, "anomaly"))
    throw invalidDefinition(
      "tune()",
      "takes an estimator whose answers have a truth to be scored by",
      `${estimator.estimator}()`,
    );
  if (estimator.tuning !== null)
    throw invalidDefinition(
      "tune()",
      "takes an estimator that is not tuned already",
      `${estimator.estimator}() with a search of its own`,
    );
  const strategy = options.strategy ?? "random";
  if (strategy !== "random" && strategy !== "grid")
    throw invalidDefinition("tune().strategy", 'must be "random" or "grid"', String(strategy));
  const plan: TuningPlan = Object.freeze({
    strategy,
    trials: wholeNumber("tune().trials", options.trials ?? (strategy === "grid" ? 200 : 20), 1, 100_000),
    folds: wholeNumber("tune().folds", options.folds ?? 3, 2, 20),
    budgetMs: options.budget === undefined ? null : budgetOf("tune()", options.budget),
    space: frozenSpace(options.space ?? {}),
  });
  return Object.freeze({ ...estimator, tuning: plan });
}

function frozenSpace(space: object): TuningPlan["space"] {
  const entries = Object.entries(space).filter(([, range]) => range !== undefined) as [string, SearchRange][];
  return Object.freeze(
    Object.fromEntries(
      entries.map(([name, range]) => [name, Object.freeze(Array.isArray(range) ? [...range] : range)]),
    ),
  );
}

function budgetOf(subject: string, budget: Duration): number {
  const ms = parseDuration(budget);
  if (ms === undefined || ms <= 0)
    throw invalidDefinition(`${subject}.budget`, 'must be a duration such as "90s" or "2m"', JSON.stringify(budget));
  return ms;
}

function wholeNumber(subject: string, value: number, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high)
    throw invalidDefinition(subject, `must be a whole number from ${low} to ${high}`, String(value));
  return value;
}
