// Fits mlp on a table of rivals/fit_data.py and prints what rivals/fit_network.py prints of PyTorch.
// Usage: network.mjs FOLDER LAYERS EPOCHS BATCH_ROWS THREADS SEED. LAYERS like 64-32.
import { contextOf, load, readTable, shapeOf, targetOf } from "./tables.mjs";

const [folder, layers, epochs, batchRows, threads, seed] = process.argv.slice(2);
const { mlpEstimator } = await load("train/mlp/estimator.js");
const { auc } = await load("metrics/auc.js");
const { logLoss } = await load("metrics/log-loss.js");
const { applyLink, rawScores } = await load("model/score.js");
const shape = shapeOf(folder);

/** Brings columns to mean 0 and deviation 1, as the training rows have them; returns what was learned. */
function standardise({ dense, nRows }, learned) {
  return dense.map(({ values }, j) => {
    const mean = learned?.[j].mean ?? values.reduce((sum, value) => sum + value, 0) / nRows;
    const squares = learned ? 0 : values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const deviation = learned?.[j].deviation ?? Math.sqrt(squares / nRows);
    for (let row = 0; row < nRows; ++row) values[row] = (values[row] - mean) / deviation;
    return { mean, deviation };
  });
}

const { design, labels } = readTable(folder, "train", shape.rows, shape.columns);
const given = {
  layers: layers.split("-").map(Number),
  activation: "relu",
  embedding: 8,
  epochs: Number(epochs),
  batchRows: Number(batchRows),
  learningRate: 0.001,
  l2: 0,
  dropout: 0,
  earlyStopping: 0,
  classWeights: "none",
};
const start = performance.now();
const learned = standardise(design);
const { predictor } = await mlpEstimator.fit(design, targetOf(labels), given, contextOf(threads, Number(seed)));
const seconds = (performance.now() - start) / 1000;
const peakMb = process.resourceUsage().maxRSS / 1024;
const test = readTable(folder, "test", shape.testRows, shape.columns);
standardise(test.design, learned);
const scores = rawScores(predictor, test.design);
applyLink(predictor.link, scores, predictor.outputs);
const truth = Uint32Array.from(test.labels);
console.log(JSON.stringify({ seconds, loss: logLoss(truth, scores), auc: auc(truth, scores), peakMb }));
