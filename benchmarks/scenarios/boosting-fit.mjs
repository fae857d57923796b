// Boosting beside LightGBM, XGBoost and scikit-learn: seconds of the fit from columns in memory, each in a fresh process unless said otherwise.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, measured, median } from "../interleave.mjs";
import { rivalPython } from "../rivals/python.mjs";

const allRivals = ["lightgbm", "xgboost", "sklearn"];
const aucSlack = 0.0005;

export const runFit200k = (options) =>
  run({ rows: 200_000, columns: 28, trees: 100, leaves: 31, limits: [0.45, 0.5, 0.35] }, options);
export const runFit1m = (options) =>
  run({ rows: 1_000_000, columns: 28, trees: 100, leaves: 31, limits: [0.42, 0.4, 0.3], memoryLimit: 0.8 }, options);
export const runFit1mDeep = (options) =>
  run({ rows: 1_000_000, columns: 28, trees: 500, leaves: 255, limits: [0.8, 0.8, 0.6] }, options);
export const runFitWide = (options) =>
  run({ rows: 200_000, columns: 300, trees: 100, leaves: 31, limits: [0.7, 0.6, 0.5] }, options);
export const runSmall = (options) =>
  run({ rows: 1000, columns: 10, trees: 100, leaves: 31, limits: [0.5, 0.5, 0.5] }, options);
/** A process that has fitted before, as one that tunes or cross-validates has: the fits after its first. */
export const runSmallAgain = (options) =>
  run({ rows: 1000, columns: 10, trees: 100, leaves: 31, fits: 11, limits: [0.5, 0.5, 0.5] }, options);
export const runFlights = (options) =>
  run(
    {
      data: "flights_data.py",
      rows: 3_000_000,
      columns: 6,
      trees: 100,
      leaves: 31,
      rivals: ["lightgbm"],
      limits: [0.7],
    },
    options,
  );

/** A million rows predicted in process by models of 100 trees: the best of the rivals counts. */
export async function runPredict1m({ rounds = 3 }) {
  const shape = { rows: 100_000, columns: 28, trees: 100, leaves: 31, testRows: 1_000_000 };
  const { results, threads } = await measure(shape, rounds);
  const mean = (all) => all.reduce((sum, { auc }) => sum + auc, 0) / all.length;
  console.log(`predict 1,000,000 x 28, 100 trees of 31 leaves; rivals on ${threads} threads; ${machine()}`);
  for (const [name, all] of Object.entries(results)) {
    const seconds = median(all.map((one) => one.predictSeconds));
    console.log(`  ${name.padEnd(9)} ${seconds.toFixed(3).padStart(8)} s  AUC ${mean(all).toFixed(5)}`);
  }
  const best = (round) => Math.min(...allRivals.map((rival) => results[rival][round].predictSeconds));
  const ratio = median(results.ours.map((one, round) => one.predictSeconds / best(round)));
  console.log(`  time of the best rival: ratio ${ratio.toFixed(3)} (at most 0.25)`);
  return ratio <= 0.25 ? 0 : 1;
}

async function run(shape, { rounds = 5 }) {
  const { results, threads } = await measure(shape, rounds);
  return judge(shape, results, rounds, threads);
}

/** Each round has a table of its own (another seed): bin samples alone move one AUC by 0.001. */
async function measure(shape, rounds) {
  const python = rivalPython();
  const threads = Math.min(2, os.availableParallelism());
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-fit-"));
  const { data = "fit_data.py", rivals = allRivals } = shape;
  const results = { ours: [], ...Object.fromEntries(rivals.map((rival) => [rival, []])) };
  const script = (name) => path.join(root, "benchmarks", "rivals", name);
  const settings = [shape.trees, shape.leaves, threads].map(String);
  const again = shape.fits ? [String(shape.fits)] : [];
  try {
    for (let round = 0; round < rounds; ++round) {
      const size = [shape.rows, shape.columns, 7 + round, shape.testRows ?? 200_000].map(String);
      execFileSync(python, [script(data), folder, ...size]);
      const ours = path.join(root, "benchmarks", "fit", "boosting.mjs");
      results.ours.push(measured(process.execPath, [ours, folder, ...settings, ...again]));
      for (const rival of rivals) {
        results[rival].push(measured(python, [script("fit_boosting.py"), folder, rival, ...settings, ...again]));
      }
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return { results, threads };
}

function judge(shape, results, rounds, threads) {
  const { rows, columns, trees, leaves, limits, memoryLimit, rivals = allRivals } = shape;
  const size = `${rows} x ${columns}, ${trees} trees of ${leaves} leaves, ${threads} threads`;
  console.log(`boosting ${size}, ${rounds} rounds interleaved, medians; ${machine()}`);
  const mean = (all) => all.reduce((sum, { auc }) => sum + auc, 0) / all.length;
  for (const [name, all] of Object.entries(results)) {
    const seconds = median(all.map((one) => one.seconds)).toFixed(3);
    const peak = median(all.map((one) => one.peakMb)).toFixed(0);
    console.log(
      `  ${name.padEnd(9)} fit ${seconds.padStart(8)} s  AUC ${mean(all).toFixed(5)}  peak ${peak.padStart(6)} MB`,
    );
  }
  let isGood = true;
  for (const [i, rival] of rivals.entries()) {
    const ratio = median(results.ours.map((one, round) => one.seconds / results[rival][round].seconds));
    console.log(`  time of ${rival.padEnd(9)} ratio ${ratio.toFixed(3)} (at most ${limits[i]})`);
    isGood &&= ratio <= limits[i];
  }
  const best = Math.max(...rivals.map((rival) => mean(results[rival])));
  console.log(`  AUC beside the best: ${(mean(results.ours) - best).toFixed(5)} (at least -${aucSlack})`);
  isGood &&= mean(results.ours) >= best - aucSlack;
  if (memoryLimit !== undefined) {
    const ratio = median(results.ours.map((one, round) => one.peakMb / results.lightgbm[round].peakMb));
    console.log(`  peak memory of lightgbm ratio ${ratio.toFixed(3)} (at most ${memoryLimit})`);
    isGood &&= ratio <= memoryLimit;
  }
  return isGood ? 0 : 1;
}
