// Fits boosting on a table of rivals/fit_data.py and prints the seconds of the fit, the test AUC and the peak memory as JSON.
// Usage: boosting.mjs FOLDER TREES LEAVES THREADS
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../../tools/setup.mjs";

const [folder, trees, leaves, threads] = process.argv.slice(2);
const dist = path.resolve(process.env.MILLRACE_DIST ?? path.join(root, "dist"));
const load = (module) => import(pathToFileURL(path.join(dist, module)));
const [{ boostingEstimator }, { createRng }, { systemClock }, { rawScores }, { auc }] = await Promise.all(
  ["train/boosting/estimator.js", "core/rng.js", "core/clock.js", "model/score.js", "metrics/auc.js"].map(load),
);
const shape = JSON.parse(fs.readFileSync(path.join(folder, "shape.json"), "utf8"));

/** As the product's designs are laid out: in memory that threads share. */
function sharedCopy(values) {
  const copy = new Float64Array(new SharedArrayBuffer(values.length * 8));
  copy.set(values);
  return copy;
}

function table(name, nRows) {
  const bytes = fs.readFileSync(path.join(folder, `${name}.f32`));
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const dense = Array.from({ length: shape.columns }, (_, j) => ({
    name: `x${j}`,
    source: `x${j}`,
    values: sharedCopy(all.subarray(j * nRows, (j + 1) * nRows)),
    cardinality: 0,
  }));
  const sparse = {
    names: [],
    sources: [],
    offsets: new Uint32Array(nRows + 1),
    indices: new Uint32Array(0),
    values: new Float64Array(0),
  };
  return { design: { nRows, dense, sparse }, labels: fs.readFileSync(path.join(folder, `${name}.u8`)) };
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
console.log(
  JSON.stringify({ seconds, auc: auc(Uint32Array.from(test.labels), rawScores(predictor, test.design)), peakMb }),
);
process.exit(0);
