// Learners beside scikit-learn's on equal tables and threads: seconds of the fit from columns in memory, a fresh process each.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, measured, median } from "../interleave.mjs";
import { rivalPython } from "../rivals/python.mjs";

const script = (...names) => path.join(root, "benchmarks", ...names);

/** `slack`: how much more than the rival's the cost may be, as a share of it, over the mean of the rounds. */
export const runLogistic = (options) =>
  runAll(
    [
      { kind: "logistic", data: "fit_data.py", rows: 1_000_000, columns: 50, limit: 0.35, slack: 1e-6 },
      { kind: "logistic", data: "fit_data.py", rows: 1_000_000, columns: 50, limit: 0.35, slack: 1e-6, isSkewed: true },
    ],
    options,
  );
export const runKmeans = (options) =>
  runAll(
    [
      { kind: "kmeans", data: "blobs_data.py", rows: 1_000_000, columns: 20, limit: 0.7, slack: 0.01 },
      { kind: "kmeans", data: "fit_data.py", rows: 1_000_000, columns: 20, limit: 0.7, slack: 0.01 },
    ],
    options,
  );
export const runForest = (options) =>
  runAll([{ kind: "forest", data: "fit_data.py", rows: 100_000, columns: 20, limit: 0.2, slack: 0.01 }], options);

async function runAll(shapes, { rounds = 5 }) {
  let code = 0;
  for (const shape of shapes) code = Math.max(code, run(shape, rounds));
  return code;
}

function run(shape, rounds) {
  const python = rivalPython();
  const threads = Math.min(2, os.availableParallelism());
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-fit-"));
  const results = { ours: [], sklearn: [] };
  try {
    execFileSync(python, [script("rivals", shape.data), folder, ...[shape.rows, shape.columns, 7].map(String)]);
    if (shape.isSkewed) skewScales(folder, shape);
    for (let round = 0; round < rounds; ++round) {
      const settings = [folder, shape.kind, ...[threads, round].map(String)];
      results.ours.push(measured(process.execPath, [script("fit", "learner.mjs"), ...settings]));
      results.sklearn.push(measured(python, [script("rivals", "fit_learner.py"), ...settings]));
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return judge(shape, results, rounds, threads);
}

/** Columns in units a thousand times as large or as small: what a solver must find its way in. */
function skewScales(folder, { rows, columns }) {
  const file = fs.openSync(path.join(folder, "train.f32"), "r+");
  const column = new Float32Array(rows);
  for (let j = 0; j < columns; ++j) {
    fs.readSync(file, column, 0, rows * 4, j * rows * 4);
    const scale = 10 ** ((j % 7) - 3);
    fs.writeSync(
      file,
      column.map((value) => value * scale),
      0,
      rows * 4,
      j * rows * 4,
    );
  }
  fs.closeSync(file);
}

function judge({ kind, data, rows, columns, limit, slack, isSkewed }, results, rounds, threads) {
  const table = `${rows} x ${columns} of ${data}${isSkewed ? ", columns of skewed scales" : ""}`;
  console.log(`${kind} ${table}, ${threads} threads, ${rounds} rounds interleaved, medians; ${machine()}`);
  for (const [name, all] of Object.entries(results)) {
    const of = (figure) => median(all.map((one) => one[figure]));
    const seconds = of("seconds").toFixed(3).padStart(8);
    const cost = of("cost").toPrecision(9);
    console.log(
      `  ${name.padEnd(8)} fit ${seconds} s  cost ${cost}  iterations ${of("iterations")}  peak ${of("peakMb").toFixed(0)} MB`,
    );
  }
  const ratio = median(results.ours.map((one, round) => one.seconds / results.sklearn[round].seconds));
  console.log(`  time of scikit-learn: ratio ${ratio.toFixed(3)} (at most ${limit})`);
  const mean = (all) => all.reduce((sum, { cost }) => sum + cost, 0) / all.length;
  const worse = mean(results.ours) / mean(results.sklearn) - 1;
  console.log(`  cost beside scikit-learn's: ${worse.toExponential(2)} of it (at most ${slack})`);
  return ratio <= limit && worse <= slack ? 0 : 1;
}
