import { parseDuration } from "../core/duration.ts";
import type { Duration } from "../core/duration.ts";
import { MillraceError } from "../core/errors/error.ts";
import type { EstimatorChoice, HyperparameterValues, SearchRange, TuningPlan } from "../model/estimator.ts";
import type { Task } from "../model/model.ts";

/**
 * An algorithm with its settings, as `model` of a pipeline takes it: plain frozen data. `T` are the tasks it can learn,
 * `H` the hyperparameters tune() may search.
 */
export interface Estimator<in T extends Task, out H = unknown> {
  readonly estimator: string;
  readonly tasks: { readonly [P in T]: true };
  readonly hyperparameters: HyperparameterValues & Partial<H>;
  readonly tuning: TuningPlan | null;
}

/** Hyperparameters of boosting(); ranges and defaults stand in its declared table. */
export interface BoostingHyperparameters {
  /** Most rounds; early stopping may use fewer. */
  trees: number;
  /** Most leaves of a tree. */
  leaves: number;
  /** Most splits between the root and a leaf; 0 = no limit but `leaves`. */
  depth: number;
  /** Shrinkage of every tree, in (0, 1]. */
  learningRate: number;
  /** Penalty on leaf values: what is taken off the size of a leaf's sum of gradients. */
  l1: number;
  /** Penalty on squared leaf values. */
  l2: number;
  /** Fewest rows of a leaf. */
  minRows: number;
  /** Least sum of hessians of a leaf. */
  minChildWeight: number;
  /** Most histogram bins of a column. */
  bins: number;
  /** Share of the rows each tree sees, in (0, 1]. */
  rowShare: number;
  /** Share of the rows, those of largest gradients, that each tree sees undrawn; the drawn ones then count for the others. */
  topShare: number;
  /** Share of the columns each tree sees, in (0, 1]. */
  columnShare: number;
  /** Rounds without a better validation loss before training stops; 0 = never. */
  earlyStopping: number;
  growth: "leafwise" | "levelwise";
  /** Columns of numbers where a higher value never lowers the prediction. */
  increasing: readonly string[];
  /** Columns of numbers where a higher value never raises the prediction. */
  decreasing: readonly string[];
  /** Groups of columns that may act together; a column in none acts alone. */
  interactions: readonly (readonly string[])[];
  /** "balanced" lets rare labels count as much as common ones. */
  classWeights: "none" | "balanced";
  /** What is minimised for a target of numbers; labels take "auto". */
  loss: "auto" | "squared" | "absolute" | "huber" | "quantile" | "poisson" | "tweedie";
  /** Share of targets below the prediction, for loss "quantile", in (0, 0.999]. */
  quantile: number;
  /** Median absolute deviations of the target beyond which residuals count linearly, for loss "huber". */
  huberDelta: number;
  /** For loss "tweedie", in (1, 1.99]. */
  tweediePower: number;
}

/** Hyperparameters of forest() and extraTrees(). */
export interface ForestHyperparameters {
  /** Trees whose answers are averaged. */
  trees: number;
  /** Most splits between the root and a leaf; 0 = no limit. */
  depth: number;
  /** Fewest rows of a leaf. */
  minRows: number;
  /** Columns each split may choose from: "auto" is the root of their number for labels, half of them for numbers. */
  columns: "auto" | "root" | "third" | "half" | "all";
  /** Most bins of a column. */
  bins: number;
  /** Whether each tree draws its rows with replacement; forest() does, extraTrees() does not. */
  bootstrap: boolean;
  /** "balanced" lets rare labels count as much as common ones. */
  classWeights: "none" | "balanced";
}

/** Hyperparameters of tree(). */
export type TreeHyperparameters = Pick<ForestHyperparameters, "depth" | "minRows" | "bins" | "classWeights">;

/** Hyperparameters of linear(): ridge, lasso, elastic net, huber, poisson, logistic or multinomial regression. */
export interface LinearHyperparameters {
  /** Penalty: half of it times the squared coefficients is added to the sum of losses. */
  l2: number;
  /** Penalty: it times the absolute coefficients is added to the sum of losses; many become exactly 0. */
  l1: number;
  /** What is minimised for a target of numbers; labels take "auto". */
  loss: "auto" | "squared" | "huber" | "poisson";
  /** Median absolute deviations of the target beyond which residuals count linearly, for loss "huber". */
  huberDelta: number;
  /** Most iterations of the solver. */
  maxIterations: number;
  /** The solver stops where no component of the gradient of the mean loss exceeds it. */
  tolerance: number;
  /** "balanced" lets rare labels count as much as common ones. */
  classWeights: "none" | "balanced";
}

/** Hyperparameters of naiveBayes(). */
export interface NaiveBayesHyperparameters {
  /** Added to the count of every level and term under every label. */
  smoothing: number;
  /** Share of the largest variance of any column of numbers that is added to every variance. */
  varianceSmoothing: number;
  /** "balanced" lets rare labels count as much as common ones. */
  classWeights: "none" | "balanced";
}

/** Hyperparameters of mlp(). */
export interface MlpHyperparameters {
  /** Units of each hidden layer, the first first; empty = none, a linear model. */
  layers: readonly number[];
  activation: "relu" | "tanh";
  /** Most numbers a level's or term's vector has. */
  embedding: number;
  /** Most passes over the training rows. */
  epochs: number;
  /** Rows of a mini-batch. */
  batchRows: number;
  /** Step size of Adam. */
  learningRate: number;
  /** Penalty: half of it times the squared weights is added to the mean loss. */
  l2: number;
  /** Share of hidden units silenced in each step. */
  dropout: number;
  /** Epochs without a better validation loss before training stops; 0 = never. */
  earlyStopping: number;
  /** "balanced" lets rare labels count as much as common ones. */
  classWeights: "none" | "balanced";
}

/** Hyperparameters of svm(). */
export interface SvmHyperparameters {
  /** Penalty: half of it times the squared coefficients is added to the sum of losses. */
  l2: number;
  /** Median absolute deviations of the target within which residuals cost nothing; for numbers. */
  epsilon: number;
  /** Most iterations of the solver. */
  maxIterations: number;
  /** The solver stops where no component of the gradient of the mean loss exceeds it. */
  tolerance: number;
  /** "balanced" lets rare labels count as much as common ones. */
  classWeights: "none" | "balanced";
}

/** Hyperparameters of neighbors(). */
export interface NeighborsHyperparameters {
  /** Nearest train rows that answer. */
  neighbors: number;
  /** Whether each counts alike or by one over its distance. */
  weighting: "uniform" | "distance";
}

/** Hyperparameters of kmeans(). */
export interface KMeansHyperparameters {
  clusters: number;
  /** Independent starts; the one of least inertia is kept. */
  restarts: number;
  /** Rows the centres move by at a time (mini-batch k-means); 0 = all rows. */
  batch: number;
  start: "random" | "plusplus";
}

const supervised = Object.freeze({ regression: true, binary: true, multiclass: true } as const);
const labelled = Object.freeze({ binary: true, multiclass: true } as const);
const unsupervised = Object.freeze({ clustering: true } as const);
const everyTask = Object.freeze({ ...supervised, ...unsupervised } as const);

/** Gradient-boosted trees on histograms: the first choice for tables; takes missing values and categories as they are. */
export function boosting(
  options: Partial<BoostingHyperparameters> = {},
): Estimator<"regression" | "binary" | "multiclass", BoostingHyperparameters> {
  return configure("boosting", supervised, options);
}

/** Random forest: the average of deep trees on drawn rows and columns; hardly needs tuning, models are large. */
export function forest(
  options: Partial<ForestHyperparameters> = {},
): Estimator<"regression" | "binary" | "multiclass", ForestHyperparameters> {
  return configure("forest", supervised, options);
}

/** Extremely randomised trees: as forest(), with cuts drawn at random; trains faster and smooths more. */
export function extraTrees(
  options: Partial<ForestHyperparameters> = {},
): Estimator<"regression" | "binary" | "multiclass", ForestHyperparameters> {
  return configure("extraTrees", supervised, options);
}

/** One decision tree, small enough to be read. */
export function tree(
  options: Partial<TreeHyperparameters> = {},
): Estimator<"regression" | "binary" | "multiclass", TreeHyperparameters> {
  return configure("tree", supervised, options);
}

/** Ridge regression, logistic or multinomial regression, by the task; the first choice for text. */
export function linear(
  options: Partial<LinearHyperparameters> = {},
): Estimator<"regression" | "binary" | "multiclass", LinearHyperparameters> {
  return configure("linear", supervised, options);
}

/** Naive Bayes: normal numbers, counted levels and terms, each column by itself; fitted in one pass, good with few rows. */
export function naiveBayes(
  options: Partial<NaiveBayesHyperparameters> = {},
): Estimator<"binary" | "multiclass", NaiveBayesHyperparameters> {
  return configure("naiveBayes", labelled, options);
}

/** A network of dense layers, with embeddings for categories and text; learned by Adam in mini-batches. */
export function mlp(
  options: Partial<MlpHyperparameters> = {},
): Estimator<"regression" | "binary" | "multiclass", MlpHyperparameters> {
  return configure("mlp", supervised, options);
}

/** Linear support vector machine: only rows near or beyond the margin count; probabilities by Platt scaling on held-out rows. */
export function svm(
  options: Partial<SvmHyperparameters> = {},
): Estimator<"regression" | "binary" | "multiclass", SvmHyperparameters> {
  return configure("svm", supervised, options);
}

/** The nearest train rows answer (Euclidean distance on prepared columns): no training, and models as large as the data. */
export function neighbors(
  options: Partial<NeighborsHyperparameters> = {},
): Estimator<"regression" | "binary" | "multiclass", NeighborsHyperparameters> {
  return configure("neighbors", supervised, options);
}

/** Groups rows around `clusters` centres (k-means, Euclidean distance on prepared columns); for pipelines without a target. */
export function kmeans(options: Partial<KMeansHyperparameters> = {}): Estimator<"clustering", KMeansHyperparameters> {
  return configure("kmeans", unsupervised, options);
}

/** Hyperparameters of calibrated(). */
export interface CalibratedHyperparameters {
  /** platt: a sigmoid of the log odds; isotonic: the best ascending line. */
  method: "platt" | "isotonic";
  /** Parts of the train rows, each predicted by an estimator that did not see it. */
  folds: number;
}

/** Hyperparameters of blend(). */
export type BlendHyperparameters = Pick<CalibratedHyperparameters, "folds">;

/** Hyperparameters of stack(). */
export interface StackHyperparameters extends BlendHyperparameters {
  /** Penalty of the final linear model. */
  l2: number;
}

/** The same estimator with probabilities that mean what they say, learned from rows it was not fitted on. */
export function calibrated(
  estimator: Estimator<"binary" | "multiclass">,
  options: Partial<CalibratedHyperparameters> = {},
): Estimator<"binary" | "multiclass", CalibratedHyperparameters> {
  return ensembleOf("calibrated", [estimator], options);
}

/** The weighted mean of what several estimators answer; the weights are learned from rows they were not fitted on. */
export function blend<T extends "regression" | "binary" | "multiclass">(
  estimators: readonly Estimator<T>[],
  options: Partial<BlendHyperparameters> = {},
): Estimator<T, BlendHyperparameters> {
  return ensembleOf("blend", estimators, options);
}

/** A linear model of what several estimators answer, learned from rows they were not fitted on. */
export function stack<T extends "regression" | "binary" | "multiclass">(
  estimators: readonly Estimator<T>[],
  options: Partial<StackHyperparameters> = {},
): Estimator<T, StackHyperparameters> {
  return ensembleOf("stack", estimators, options);
}

function ensembleOf<T extends Task, H extends object>(
  name: string,
  estimators: readonly Estimator<T>[],
  options: Partial<H>,
): Estimator<T, H> {
  const count = Array.isArray(estimators) ? estimators.length : 0;
  if (count === 0 || count > 20) refuse(`${name}()`, "takes a list of 1 to 20 estimators", String(count));
  for (const { estimator, tuning } of estimators as readonly Estimator<T>[])
    if (tuning !== null || ensembleNames.includes(estimator))
      refuse(`${name}()`, "takes estimators as they are, neither tuned nor ensembles", `${estimator}()`);
  const members = estimators.map(({ estimator, hyperparameters }: Estimator<T>) =>
    Object.freeze({ estimator, hyperparameters, tuning: null }),
  );
  const shared = Object.keys(supervised).filter((task) => estimators.every(({ tasks }) => Object.hasOwn(tasks, task)));
  const learned = shared.filter((task) => name !== "calibrated" || Object.hasOwn(labelled, task));
  const tasks = Object.freeze(Object.fromEntries(learned.map((task) => [task, true]))) as { readonly [P in T]: true };
  return Object.freeze({ ...configure<T, H>(name, tasks, options), members: Object.freeze(members) });
}

const ensembleNames: readonly string[] = ["auto", "calibrated", "blend", "stack"];

/** What auto() may spend. */
export interface AutoOptions {
  /** No new candidate is started after this; the first always finishes. Default "2m". */
  readonly budget?: Duration;
}

/**
 * Tries several settings of linear and boosting (clustering: of kmeans) by cross-validation and keeps the best.
 * How many it gets through depends on the machine; fix the outcome by naming the winner in the definition.
 */
export function auto(options: AutoOptions = {}): Estimator<Task> {
  const plan: TuningPlan = Object.freeze({
    strategy: "random",
    trials: 24,
    folds: 3,
    budgetMs: budgetOf("auto()", options.budget ?? "2m"),
    space: Object.freeze({}),
  });
  return Object.freeze({ estimator: "auto", tasks: everyTask, hyperparameters: Object.freeze({}), tuning: plan });
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
    refuse("between()", "takes two finite numbers, the lower one first", `${low} and ${high}`);
  if (scale === "log" && low <= 0) refuse("between()", "on the log scale takes numbers above 0", String(low));
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
  /** Cross-validation folds of a trial, 2 to 20; default 3. */
  readonly folds?: number;
  /** Left out: the declared search ranges of the estimator. */
  readonly space?: Space<H>;
  /** "random" (default) draws settings, "grid" tries every combination of the lists in `space`. */
  readonly strategy?: "random" | "grid";
}

/** The same estimator with its hyperparameters searched by cross-validation before it is fitted. */
export function tune<T extends Task, H>(estimator: Estimator<T, H>, options: TuneOptions<H> = {}): Estimator<T, H> {
  if (ensembleNames.includes(estimator.estimator) && estimator.tuning === null)
    refuse("tune()", "takes an estimator that is no ensemble", `${estimator.estimator}()`);
  if (estimator.tuning !== null)
    refuse(
      "tune()",
      "takes an estimator that is not tuned already",
      `${estimator.estimator}() with a search of its own`,
    );
  const strategy = options.strategy ?? "random";
  if (strategy !== "random" && strategy !== "grid")
    refuse("tune().strategy", 'must be "random" or "grid"', String(strategy));
  const plan: TuningPlan = Object.freeze({
    strategy,
    trials: wholeNumber("tune().trials", options.trials ?? (strategy === "grid" ? 200 : 20), 1, 100_000),
    folds: wholeNumber("tune().folds", options.folds ?? 3, 2, 20),
    budgetMs: options.budget === undefined ? null : budgetOf("tune()", options.budget),
    space: frozenSpace(options.space ?? {}),
  });
  return Object.freeze({ ...estimator, tuning: plan });
}

function configure<T extends Task, H extends object>(
  estimator: string,
  tasks: { readonly [P in T]: true },
  options: Partial<H>,
): Estimator<T, H> {
  const given = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, Array.isArray(value) ? Object.freeze(structuredClone(value)) : (value as unknown)]);
  const hyperparameters = Object.freeze(Object.fromEntries(given)) as HyperparameterValues & Partial<H>;
  return Object.freeze({ estimator, tasks, hyperparameters, tuning: null }) satisfies EstimatorChoice;
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
    refuse(`${subject}.budget`, 'must be a duration such as "90s" or "2m"', JSON.stringify(budget));
  return ms;
}

function wholeNumber(subject: string, value: number, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high)
    refuse(subject, `must be a whole number from ${low} to ${high}`, String(value));
  return value;
}

function refuse(subject: string, rule: string, actual: string): never {
  throw new MillraceError("DEFINITION_INVALID", { subject, rule, actual });
}
