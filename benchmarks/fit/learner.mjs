// Fits a learner on a table of rivals/fit_data.py or rivals/blobs_data.py and prints what rivals/fit_learner.py prints of
// scikit-learn's. Usage: learner.mjs FOLDER logistic|kmeans|forest THREADS SEED
import { contextOf, load, readTable, shapeOf, targetOf } from "./tables.mjs";

const [folder, kind, threads, seed] = process.argv.slice(2);
const { resolveHyperparameters } = await load("train/hyperparameters.js");
const shape = shapeOf(folder);

const learners = {
  logistic: ["train/linear/estimator.js", "linearEstimator", { l2: 1, maxIterations: 1000 }],
  kmeans: ["train/kmeans/estimator.js", "kmeansEstimator", { clusters: 10, restarts: 1 }],
  forest: ["train/forest/estimator.js", "forestEstimator", { trees: 100 }],
};

/** What is to be as small as the rival's: the penalised loss, the inertia, or what is missing to an AUC of 1. */
async function costOf({ predictor, notes }) {
  if (kind === "logistic") return notes.loss * shape.rows;
  if (kind === "kmeans") return notes.inertia;
  const { auc } = await load("metrics/auc.js");
  const { applyLink, rawScores } = await load("model/score.js");
  const test = readTable(folder, "test", shape.testRows, shape.columns);
  const scores = rawScores(predictor, test.design);
  applyLink(predictor.link, scores, predictor.outputs);
  return 1 - auc(Uint32Array.from(test.labels), scores);
}

const [module, name, given] = learners[kind];
const { [name]: estimator } = await load(module);
const { design, labels } = readTable(folder, "train", shape.rows, shape.columns);
const target = kind === "kmeans" ? { ...targetOf([]), task: "clustering", nLabels: 0 } : targetOf(labels);
const start = performance.now();
const fitted = await estimator.fit(
  design,
  target,
  resolveHyperparameters(estimator, given),
  contextOf(threads, Number(seed)),
);
const seconds = (performance.now() - start) / 1000;
const peakMb = process.resourceUsage().maxRSS / 1024;
const iterations = fitted.notes.iterations ?? 0;
console.log(JSON.stringify({ seconds, cost: await costOf(fitted), iterations, peakMb }));
process.exit(0);
