// docs/estimators.md from the declared tables themselves: `npm run docs` writes it, a test keeps it equal.
import { cell } from "./markdown.mjs";

/** What each estimator is, in a sentence. */
const sentences = {
  boosting:
    "Gradient boosting of histogram trees: each tree corrects the ones before it. The first choice for tables; takes missing values and categories as they are, stops early on the validation rows.",
  forest:
    "Random forest (Breiman 2001): the mean of deep trees, each from rows drawn with replacement, each split from a few drawn columns. Hardly needs tuning; models are large.",
  extraTrees:
    "Extremely randomised trees (Geurts, Ernst and Wehenkel 2006): as `forest`, but of each column one cut drawn at random competes.",
  tree: "One decision tree (CART, Breiman et al. 1984), small enough to be read.",
  linear:
    "Ridge, lasso, elastic net, Huber or Poisson regression, logistic or multinomial regression, by task, penalty and loss. The first choice for text, and wherever a sum of effects is enough.",
  naiveBayes:
    "Naive Bayes: given the label, numbers are normal, levels and terms are counted, and each column speaks by itself. Fitted in one pass; good with few rows and as a first mark. Missing numbers are filled in by the default preparation; missing and unknown levels say nothing, or count as a level of their own.",
  mlp: "A network of dense layers (multilayer perceptron), learned in mini-batches by Adam (Kingma and Ba 2015). Levels of categories and terms of texts are embedded: each has a short vector that is learned with the rest. Stops early on the validation rows. Explains nothing; `importance` goes by the sizes of the weights.",
  svm: "Linear support vector machine: squared hinge for labels (of more than two, each against the rest), squared epsilon-insensitive loss for numbers. Rows well on their side of the margin do not count. Probabilities by Platt scaling on the margins of held-out rows, in three folds by the rows' values.",
  neighbors:
    "The nearest train rows answer, by Euclidean distance in prepared columns: the mean of their values, or the shares of their labels. Exact, by a tree of boxes; row weights weigh votes. The train rows are the model, which is as large as they are. Explains nothing; `importance` goes by the share of squared distances.",
  calibrated:
    "`calibrated(boosting())`: the same estimator, with probabilities that mean what they say. It is fitted on all train rows; a sigmoid of its log odds (Platt 1999) or an ascending line (isotonic) is learned from its answers to rows that it was not fitted on, label by label.",
  blend:
    "`blend([boosting(), linear()])`: the weighted mean of what several estimators answer; weights of 0 or more that sum to 1 are learned from answers to rows that they were not fitted on, by squared error or log loss.",
  stack:
    "`stack([boosting(), linear(), neighbors()])`: a linear model of what several estimators answer (values, or probabilities), learned from answers to rows that they were not fitted on (Wolpert 1992). Each member has its own preparation; transforms are fitted anew in each part. A member may be tuned, or `auto()`: it is searched as it would be alone, before the members are fitted; none may be an ensemble. Blends and stacks for numbers explain as their members do, where all of those are trees or linear without a log link (the losses poisson and tweedie have one); others explain nothing. `importance` is the mean of the members'.",
  kmeans: "Groups rows around centres (k-means), for pipelines without a target.",
  isolationForest:
    "Isolation forest (Liu, Ting and Zhou 2008): scores how easily a row is set apart, from trees of random splits; for pipelines without a target. About 0.5 for rows like all others, towards 1 for outliers. Takes missing values and categories as they are. Contributions are to the logarithm of the score; `stability` is the rank correlation of the test rows' scores with those of a fit from another seed. There is no truth to tune by.",
};

function rangeOf(declaration) {
  switch (declaration.type) {
    case "boolean":
      return "true or false";
    case "names":
      return "list of names";
    case "sizes":
      return `list of at most ${declaration.most} whole numbers in [${declaration.min}, ${declaration.max}]`;
    case "groups":
      return "list of lists of names";
    case "choice":
      return declaration.choices.map((choice) => `"${choice}"`).join(", ");
    default: {
      const open = declaration.openMin ? "(" : "[";
      const noun = declaration.type === "integer" ? "whole number" : "number";
      return `${noun} in ${open}${declaration.min}, ${declaration.max}]`;
    }
  }
}

function searchOf({ search, scale }) {
  if (search === undefined) return "";
  if (scale === undefined) return search.map((choice) => `"${choice}"`).join(", ");
  return `${search[0]} to ${search[1]}${scale === "log" ? ", log" : ""}`;
}

/** One section: the sentence and a row a hyperparameter. */
function section({ name, tasks, hyperparameters }) {
  const rows = Object.entries(hyperparameters).map(([key, declaration]) =>
    [`\`${key}\``, rangeOf(declaration), JSON.stringify(declaration.default), searchOf(declaration), declaration.doc]
      .map(cell)
      .join(" | "),
  );
  return [
    `## ${name}`,
    "",
    `${sentences[name]} Tasks: ${tasks.join(", ")}.`,
    "",
    "| hyperparameter | values | default | tune() searches | meaning |",
    "|---|---|---|---|---|",
    ...rows.map((row) => `| ${row} |`),
    "",
  ];
}

/** The page, from the implementations in their order. */
export function estimatorsPage(implementations) {
  return [
    "# Estimators",
    "",
    "What `model` of a pipeline may be: `boosting({ trees: 200 })`, or `tune(boosting())` to search. A value outside of its range, or a name",
    "that is not in the table, is refused before anything runs. The same data, definition and seed give the same model, bit for bit, for any",
    "number of threads. `auto()` tries `linear` and `boosting` (without a target: `kmeans`).",
    "",
    ...implementations.flatMap(section),
    "## pca",
    "",
    "`pca(linear({ l2: 0.1 }), { components: 10 })`: `linear`, `svm` or `kmeans`, learning in the space of the train rows' principal components",
    "(the directions along which the prepared columns vary most; means and variances weighted by row). It sets the estimator's hyperparameter",
    "`components`, which `tune()` searches as any other: `tune(linear(), { space: { components: [5, 10, 20] } })`. What was learned is turned back",
    "into the columns' own space: the model names, explains and is exported in your columns, and predicts as fast as without. At most 1,000",
    "prepared columns. The step `train` notes the components there were and the share of `variance` that lies along them.",
    "",
    "## warmStart",
    "",
    '`warmStart(boosting({ trees: 50 }), { from: "champion" })`: boosting that adds up to 50 rounds to the trees of an earlier version of the pipeline,',
    "by number or as the champion: see [training](training.md#training-that-goes-on). The step `train` notes all `rounds`.",
    "",
  ].join("\n");
}
