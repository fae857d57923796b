import { invalidDefinition } from "../frame/definition-fault.ts";
import type { EstimatorChoice, HyperparameterValues } from "../model/estimator.ts";
import type { Task } from "../model/model.ts";
import type {
  BlendHyperparameters,
  BoostingHyperparameters,
  CalibratedHyperparameters,
  ComponentsHyperparameters,
  Estimator,
  ForestHyperparameters,
  IsolationForestHyperparameters,
  KMeansHyperparameters,
  LinearHyperparameters,
  MlpHyperparameters,
  NaiveBayesHyperparameters,
  NeighborsHyperparameters,
  StackHyperparameters,
  SvmHyperparameters,
  TreeHyperparameters,
} from "./choice-types.ts";

const supervised = Object.freeze({ regression: true, binary: true, multiclass: true } as const);
const labelled = Object.freeze({ binary: true, multiclass: true } as const);
const ranked = Object.freeze({ ranking: true } as const);
const scored = Object.freeze({ anomaly: true } as const);
const unsupervised = Object.freeze({ clustering: true } as const);

/**
 * Gradient-boosted trees on histograms: the first choice for tables; takes missing values and categories as they are. With the
 * loss "lambdarank" it learns to order the rows of a group by their relevance, a target of numbers.
 */
export function boosting(
  options: Partial<BoostingHyperparameters> & { readonly loss: "lambdarank" },
): Estimator<"ranking", BoostingHyperparameters>;
export function boosting(
  options?: Partial<BoostingHyperparameters> & {
    readonly loss?: Exclude<BoostingHyperparameters["loss"], "lambdarank">;
  },
): Estimator<"regression" | "binary" | "multiclass", BoostingHyperparameters>;
export function boosting(options: Partial<BoostingHyperparameters> = {}): Estimator<Task, BoostingHyperparameters> {
  const tasks = options.loss === "lambdarank" ? ranked : supervised;
  return configure("boosting", tasks as Estimator<Task>["tasks"], options);
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

/** Scores how easily a row is set apart from all others (isolation forest); for pipelines without a target. */
export function isolationForest(
  options: Partial<IsolationForestHyperparameters> = {},
): Estimator<"anomaly", IsolationForestHyperparameters> {
  return configure("isolationForest", scored, options);
}

/**
 * The same estimator, learning in the space of the train rows' principal components: the directions along which the prepared
 * columns vary most. What it learns is turned back into the columns' own space. For linear(), svm() and kmeans().
 */
export function pca<T extends Task, H extends ComponentsHyperparameters>(
  estimator: Estimator<T, H>,
  options: { readonly components: number },
): Estimator<T, H> {
  const { components } = options;
  if (!Number.isInteger(components) || components < 1)
    throw invalidDefinition("pca().components", "must be a whole number of 1 or more", String(components));
  const given = { ...estimator.hyperparameters, components };
  return Object.freeze({ ...estimator, hyperparameters: Object.freeze(given) as HyperparameterValues & Partial<H> });
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
  if (count === 0 || count > 20)
    throw invalidDefinition(`${name}()`, "takes a list of 1 to 20 estimators", String(count));
  for (const { estimator, from } of estimators as readonly Estimator<T>[]) {
    if (ensembleNames.includes(estimator))
      throw invalidDefinition(`${name}()`, "takes estimators that are no ensembles", `${estimator}()`);
    if (from !== undefined) throw invalidDefinition(`${name}()`, "takes estimators that begin anew", "warmStart()");
  }
  const members = estimators.map(({ estimator, hyperparameters, tuning }: Estimator<T>) =>
    Object.freeze({ estimator, hyperparameters, tuning }),
  );
  const shared = Object.keys(supervised).filter((task) => estimators.every(({ tasks }) => Object.hasOwn(tasks, task)));
  const learned = shared.filter((task) => name !== "calibrated" || Object.hasOwn(labelled, task));
  const tasks = Object.freeze(Object.fromEntries(learned.map((task) => [task, true]))) as { readonly [P in T]: true };
  return Object.freeze({ ...configure<T, H>(name, tasks, options), members: Object.freeze(members) });
}

/** Choices that are neither members of an ensemble nor tuned as a whole. */
export const ensembleNames: readonly string[] = Object.freeze(["calibrated", "blend", "stack"]);

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
