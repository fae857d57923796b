/**
 * The learned part of a model as plain data and flat typed arrays. `outputs` is the number of raw scores a row:
 * 1 for regression and binary, K for K classes. Raw scores become outputs through `link`.
 */
export type Predictor =
  | TreesPredictor
  | LinearPredictor
  | ClustersPredictor
  | BayesPredictor
  | NetworkPredictor
  | NeighborsPredictor
  | EnsemblePredictor;

/** What an ensemble may hold. */
export type MemberPredictor = Exclude<Predictor, ClustersPredictor | EnsemblePredictor>;

/**
 * identity: the score; log: exp(score); sigmoid: probability of labels[1]; softmax: probabilities; share: the scores are
 * probabilities, cut to [0, 1] (one output: of labels[1]; more: divided by their sum, all equal where that is 0); cluster:
 * number of the nearest centre.
 */
export type Link = "identity" | "log" | "share" | "sigmoid" | "softmax" | "cluster";

/**
 * A sum of trees. Nodes of all trees stand in one flat table; tree t starts at treeOffsets[t] and adds to output
 * treeOutput[t]. A node n is a leaf where feature[n] = -1, its value is value[n]. Otherwise a row goes to left[n] or
 * right[n] (absolute node positions):
 *  - number split (categoryOffset[n] = -1): left if x <= threshold[n]; NaN goes left where missingLeft[n] = 1.
 *  - category split: categoryOffset[n] is a position in `categorySets`; code c goes left if bit (c & 31) of word
 *    categoryOffset[n] + (c >> 5) is set; NaN goes as missingLeft[n] says. Each set has ceil(cardinality / 32) words.
 * gain[n] is the loss reduction of the split, cover[n] the sum of hessians (rows, weighted) that reached n: for importance and SHAP.
 */
export interface TreesPredictor {
  readonly kind: "trees";
  readonly link: Link;
  readonly outputs: number;
  /** Whether base and values, float32 then, are added in float32, as some trainers do; else in float64. */
  readonly sums?: "float32";
  /** Raw score before any tree, one an output. */
  readonly base: Float64Array;
  readonly treeOffsets: Uint32Array;
  readonly treeOutput: Uint32Array;
  readonly feature: Int32Array;
  readonly threshold: Float64Array;
  readonly missingLeft: Uint8Array;
  readonly categoryOffset: Int32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly value: Float64Array;
  readonly gain: Float64Array;
  readonly cover: Float64Array;
  readonly categorySets: Uint32Array;
}

/**
 * score[k] = intercept[k] + sum over dense columns then sparse entries, in that order, of coefficient * value.
 * `coefficients` is row-major: outputs rows of (nDense + nSparse). Dense values must not be missing.
 */
export interface LinearPredictor {
  readonly kind: "linear";
  readonly link: Link;
  readonly outputs: number;
  readonly nDense: number;
  readonly nSparse: number;
  readonly coefficients: Float64Array;
  readonly intercept: Float64Array;
}

/** Centres row-major, k rows of (nDense + nSparse). The score is the number of the nearest centre (Euclidean). */
export interface ClustersPredictor {
  readonly kind: "clusters";
  readonly link: "cluster";
  readonly outputs: 1;
  readonly nDense: number;
  readonly nSparse: number;
  readonly centres: Float64Array;
}

/**
 * Naive Bayes. A label's log joint probability is intercept[k] - sum over dense columns of precisions[k, j] / 2 *
 * (value - means[k, j])^2 + sum over sparse entries of coefficients[k, s] * value, in that order. There is one raw score a
 * label; of two labels (outputs 1) it is the second's less the first's. Row-major: labels rows of nDense or nSparse.
 */
export interface BayesPredictor {
  readonly kind: "bayes";
  readonly link: "sigmoid" | "softmax";
  readonly outputs: number;
  readonly nDense: number;
  readonly nSparse: number;
  readonly intercept: Float64Array;
  readonly means: Float64Array;
  /** One over the variance; above 0. */
  readonly precisions: Float64Array;
  readonly coefficients: Float64Array;
}

/**
 * A network of dense layers. Sparse columns stand in `tableColumns.length` tables, side by side in their order: table t has
 * tableColumns[t] columns, each a vector of tableWidths[t] numbers in `embeddings` (table after table, column after column),
 * and gives the sum of its columns' vectors times the row's entries. The first layer reads the dense columns, then what the
 * tables give; layer l has units[l] units and reads the layer before it. unit = bias + sum over inputs, in order, of weight *
 * input, bent by `activation` in all layers but the last, whose units are the raw scores. `weights` holds layer after layer,
 * input after input: one number a unit; `biases` layer after layer.
 */
export interface NetworkPredictor {
  readonly kind: "network";
  readonly link: "identity" | "sigmoid" | "softmax";
  readonly outputs: number;
  readonly nDense: number;
  readonly nSparse: number;
  readonly activation: "relu" | "tanh";
  readonly units: Uint32Array;
  readonly tableColumns: Uint32Array;
  readonly tableWidths: Uint32Array;
  readonly embeddings: Float64Array;
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

/**
 * The rows it learned from. A row's answer is the mean of the values of the `neighbors` rows nearest to it (Euclidean), or
 * the share of each label among them; votes are weighed by `weights` and, with `weighting` "distance", by one over the
 * distance. Dense values are row-major in `points`; row r has the sparse entries offsets[r] to offsets[r + 1], columns
 * ascending. Rows stand so that halves, quarters and so on of them are near each other.
 */
export interface NeighborsPredictor {
  readonly kind: "neighbors";
  readonly link: "identity" | "share";
  readonly outputs: number;
  readonly nDense: number;
  readonly nSparse: number;
  readonly neighbors: number;
  readonly weighting: "uniform" | "distance";
  readonly points: Float64Array;
  readonly offsets: Uint32Array;
  readonly indices: Uint32Array;
  readonly entries: Float64Array;
  /** The value, or the position of the label. */
  readonly values: Float64Array;
  /** Above 0. */
  readonly weights: Float64Array;
}

/**
 * Members that answer the same question, and how their answers (values, or probabilities; of two labels the second's) become
 * one. Member m reads the design's dense columns from spans[4m] to spans[4m + 1] and its sparse ones from spans[4m + 2] to
 * spans[4m + 3].
 *  - blend: the sum of answers, each times its member's weight.
 *  - stack: raw score k is intercept[k] + sum over members m and outputs j of weights[k, m * outputs + j] * answer.
 *  - platt: of one member, the sigmoid of weights[k] * the answer's log odds + intercept[k].
 *  - isotonic: of one member, the line through the knots of output k (x and y side by side, from knotOffsets[k] on).
 */
export interface EnsemblePredictor {
  readonly kind: "ensemble";
  readonly link: "identity" | "share" | "sigmoid" | "softmax";
  readonly outputs: number;
  readonly method: "blend" | "stack" | "platt" | "isotonic";
  readonly members: readonly MemberPredictor[];
  readonly spans: Uint32Array;
  readonly weights: Float64Array;
  readonly intercept: Float64Array;
  readonly knotOffsets: Uint32Array;
  readonly knots: Float64Array;
}
