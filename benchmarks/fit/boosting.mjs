// Fits boosting on a table of rivals/fit_data.py and prints what rivals/fit_boosting.py prints of a rival.
// Usage: boosting.mjs FOLDER TREES LEAVES THREADS [FITS]
import { contextOf, load, readTable, shapeOf, targetOf } from "./tables.mjs";

const [folder, trees, leaves, threads, fits = "1"] = process.argv.slice(2);
const { boostingEstimator } = await load("train/boosting/estimator.js");
const { auc } = await load("metrics/auc.js");
const { outputsInThreads } = await load("predict/threads.js");
const shape = shapeOf(folder);

/** Not async, as what calls estimators in a pipeline is not: nobody then holds the table once it is binned. */
function startFit() {
  const { design, labels } = readTable(folder, "train", shape.rows, shape.columns);
  const target = targetOf(labels);
  const settings = { trees: Number(trees), leaves: Number(leaves), earlyStopping: 0 };
  const start = performance.now();
  return { start, fitted: boostingEstimator.fit(design, target, settings, contextOf(threads)) };
}

const seconds = [];
let fittedModel;
for (let fit = 0; fit < Number(fits); ++fit) {
  const { start, fitted } = startFit();
  fittedModel = await fitted;
  seconds.push((performance.now() - start) / 1000);
}
const { predictor } = fittedModel;
const middle = (all) => all.toSorted((a, b) => a - b)[all.length >> 1];
const peakMb = process.resourceUsage().maxRSS / 1024;
const test = readTable(folder, "test", shape.testRows, shape.columns);
const times = [];
let scores;
for (let i = 0; i < 5; ++i) {
  const start = performance.now();
  scores = await outputsInThreads(predictor, test.design, Number(threads));
  times.push((performance.now() - start) / 1000);
}
const measured = { seconds: middle(seconds.length > 1 ? seconds.slice(1) : seconds), predictSeconds: middle(times) };
console.log(JSON.stringify({ ...measured, auc: auc(Uint32Array.from(test.labels), scores), peakMb }));
process.exit(0);
