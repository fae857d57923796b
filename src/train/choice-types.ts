import type { EarlierVersion, HyperparameterValues, TuningPlan } from "../model/estimator.ts";
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
  /** Set by warmStart(). */
  readonly from?: EarlierVersion;
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
  /** Most histogram bins of a column, 2 to 65,535; above 255 training takes more time and memory. */
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
  /** What is minimised for a target of numbers; labels take "auto". "lambdarank" orders rows within groups. */
  loss: "auto" | "squared" | "absolute" | "huber" | "quantile" | "poisson" | "tweedie" | "lambdarank";
  /** Share of targets below the prediction, for loss "quantile", in (0, 0.999]. */
  quantile: number;
  /** Median absolute deviations of the target beyond which residuals count linearly, for loss "huber". */
  huberDelta: number;
  /** For loss "tweedie", in (1, 1.99]. */
  tweediePower: number;
  /** First places of a group of which pairs of rows count, for loss "lambdarank". */
  truncation: number;
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

/** Hyperparameters of estimators that may learn in the space of principal components. */
export interface ComponentsHyperparameters {
  /** Principal components to learn from in place of the prepared columns; 0 = the columns. */
  components: number;
}

/** Hyperparameters of linear(): ridge, lasso, elastic net, huber, poisson, logistic or multinomial regression. */
export interface LinearHyperparameters extends ComponentsHyperparameters {
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
export interface SvmHyperparameters extends ComponentsHyperparameters {
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
export interface KMeansHyperparameters extends ComponentsHyperparameters {
  clusters: number;
  /** Independent starts; the one of least inertia is kept. */
  restarts: number;
  /** Rows the centres move by at a time (mini-batch k-means); 0 = all rows. */
  batch: number;
  start: "random" | "plusplus";
}

/** Hyperparameters of isolationForest(). */
export interface IsolationForestHyperparameters {
  /** Trees whose path lengths are averaged. */
  trees: number;
  /** Rows that each tree is grown from. */
  sampleRows: number;
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
