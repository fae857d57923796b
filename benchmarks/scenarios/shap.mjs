// TreeSHAP beside the shap package on the same LightGBM model and rows: seconds from columns in memory, a fresh process each.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../../tools/setup.mjs";
import { machine, measured, median } from "../interleave.mjs";
import { rivalPython } from "../rivals/python.mjs";

const shape = { rows: 100_000, columns: 28, trees: 100, leaves: 31, explained: 10_000 };
const timeLimit = 0.5;
const valueLimit = 1e-6;

export async function run({ rounds = 5 }) {
  const python = rivalPython();
  const threads = Math.min(2, os.availableParallelism());
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-shap-"));
  const script = (...names) => path.join(root, "benchmarks", ...names);
  const pairs = [];
  try {
    execFileSync(python, [script("rivals", "fit_data.py"), folder, ...[shape.rows, shape.columns, 7].map(String)]);
    const settings = [shape.trees, shape.leaves, threads, shape.explained].map(String);
    for (let round = 0; round < rounds; ++round) {
      const theirs = measured(python, [script("rivals", "shap_trees.py"), folder, ...settings]);
      const ours = measured(process.execPath, [script("fit", "shap.mjs"), folder, String(shape.explained)]);
      if (!(ours.difference <= valueLimit)) throw new Error(`values differ by ${ours.difference}`);
      pairs.push({ ours, theirs: theirs.seconds });
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return judge(pairs, threads);
}

function judge(pairs, threads) {
  const { explained, columns, trees, leaves } = shape;
  const size = `${explained} x ${columns}, ${trees} trees of ${leaves} leaves`;
  console.log(`TreeSHAP of ${size}, LightGBM on ${threads} threads, ${pairs.length} rounds interleaved; ${machine()}`);
  console.log(
    `  largest difference of a value ${Math.max(...pairs.map(({ ours }) => ours.difference)).toExponential(1)}`,
  );
  const ours = median(pairs.map((pair) => pair.ours.seconds));
  console.log(`  ours                         ${ours.toFixed(3).padStart(8)} s`);
  let isGood = true;
  for (const [rival, name] of [
    ["lightgbm", "shap, by LightGBM's code"],
    ["shap", "shap, by its own code"],
  ]) {
    const ratio = median(pairs.map((pair) => pair.ours.seconds / pair.theirs[rival]));
    const seconds = median(pairs.map((pair) => pair.theirs[rival]));
    console.log(
      `  ${name.padEnd(28)} ${seconds.toFixed(3).padStart(8)} s  ratio ${ratio.toFixed(3)} (at most ${timeLimit})`,
    );
    isGood &&= ratio <= timeLimit;
  }
  return isGood ? 0 : 1;
}
