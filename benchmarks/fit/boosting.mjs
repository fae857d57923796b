// Fits boosting on a table of rivals/fit_data.py and prints what rivals/fit_boosting.py prints of a rival.
// Usage: boosting.mjs FOLDER TREES LEAVES THREADS
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../../tools/setup.mjs";

const [folder, trees, leaves, threads] = process.argv.slice(2);
const dist = path.resolve(process.env.MILLRACE_DIST ?? path.join(root, "dist"));
const load = (module) => import(pathToFileURL(path.join(dist, module)));
const { boostingEstimator } = await load("train/boosting/estimator.js");
const { createRng } = await load("core/rng.js");
const { sharedNumbers } = await load("core/shared-memory.js");
const { systemClock } = await load("core/clock.js");
const { auc } = await load("metrics/auc.js");
const { emptySparseBlock } = await load("model/design.js");
const { applyLink, rawScores } = await load("model/score.js");
const shape = JSON.parse(fs.readFileSync(path.join(folder, "shape.json"), "utf8"));

/** Columns as the product's designs are laid out, in memory that threads share; read one by one, so that no copy stays. */
function table(name, nRows) {
  const file = fs.openSync(path.join(folder, `${name}.f32`), "r");
  const column = new Float32Array(nRows);
  const dense = Array.from({ length: shape.columns }, (_, j) => {
    fs.readSync(file, column, 0, nRows * 4, j * nRows * 4);
    const values = sharedNumbers(nRows);
    values.set(column);
    return { name: `x${j}`, source: `x${j}`, values, cardinality: 0 };
  });
  fs.closeSync(file);
  const labels = fs.readFileSync(path.join(folder, `${name}.u8`));
  return { design: { nRows, dense, sparse: emptySparseBlock(nRows) }, labels };
}

async function fit() {
  const { design, labels } = table("train", shape.rows);
  const target = { task: "binary", values: Float64Array.from(labels), nLabels: 2, weights: null };
  const context = {
    rng: createRng(1),
    clock: systemClock,
    progress: { report() {} },
    threads: Number(threads),
    validation: null,
  };
  const start = performance.now();
  const { predictor } = await boostingEstimator.fit(
    design,
    target,
    { trees: Number(trees), leaves: Number(leaves), earlyStopping: 0 },
    context,
  );
  return { predictor, seconds: (performance.now() - start) / 1000 };
}

const { predictor, seconds } = await fit();
const peakMb = process.resourceUsage().maxRSS / 1024;
const test = table("test", shape.testRows);
const times = [];
let scores;
for (let i = 0; i < 5; ++i) {
  const start = performance.now();
  scores = rawScores(predictor, test.design);
  applyLink(predictor.link, scores, predictor.outputs);
  times.push((performance.now() - start) / 1000);
}
const predictSeconds = times.toSorted((a, b) => a - b)[2];
console.log(JSON.stringify({ seconds, auc: auc(Uint32Array.from(test.labels), scores), peakMb, predictSeconds }));
process.exit(0);
